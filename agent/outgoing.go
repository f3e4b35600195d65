package agent

import (
	"slices"
	"sync"

	"meteragent/transport"
)

// An Outgoing lets people see what has left lately, exactly as it left. It is safe for
// concurrent use.
type Outgoing struct {
	mu   sync.Mutex
	last []transport.Sent // oldest first; the bodies are copies
}

// What it keeps.
const (
	shownMessages = 20
	shownBytes    = 256 << 10 // of bodies, but always the last message
)

// Note takes in a message. It is a transport.Config's Watch.
func (o *Outgoing) Note(s transport.Sent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, from := len(s.Body), len(o.last)
	for from > 0 && len(o.last)-from < shownMessages-1 && size+len(o.last[from-1].Body) <= shownBytes {
		from--
		size += len(o.last[from].Body)
	}
	var room []byte // of one that goes: a backlog leaves in thousands of large messages
	for _, gone := range o.last[:from] {
		if cap(gone.Body) > cap(room) && cap(gone.Body) <= shownBytes {
			room = gone.Body
		}
	}
	s.Body = append(room[:0], s.Body...)
	o.last = append(slices.Delete(o.last, 0, from), s)
}

// Last returns what is shown, the newest first.
func (o *Outgoing) Last() []transport.Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.last)
	for i := range all {
		all[i].Body = slices.Clone(all[i].Body) // the room may be used again
	}
	slices.Reverse(all)
	return all
}
