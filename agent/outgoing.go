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
	last []transport.Sent // oldest first
}

// What it keeps.
const (
	shownMessages = 20
	shownBytes    = 1 << 20 // of bodies, but always the last message
)

// Note takes in a message. It is a transport.Config's Watch.
func (o *Outgoing) Note(s transport.Sent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = append(o.last, s)
	size := 0
	for i, one := range slices.Backward(o.last) {
		if size += len(one.Body); i < len(o.last)-1 && size > shownBytes || len(o.last)-i > shownMessages {
			o.last = slices.Clone(o.last[i+1:])
			return
		}
	}
}

// Last returns what is shown, the newest first.
func (o *Outgoing) Last() []transport.Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.last)
	slices.Reverse(all)
	return all
}
