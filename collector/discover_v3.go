package collector

import (
	"errors"
	"fmt"
)

// A meeting is a device that a sweep has got to know with version 3.
type meeting struct {
	*codec
	learnt int // reports that were worth asking again
}

// addUserRound adds the question by which devices of version 3 say who they are.
// Only those that do are asked for more.
func (s *sweep) addUserRound(credential Credential) error {
	r := round{credential: credential.in(V3), id: randomID(), simpleID: randomID(), met: map[int]*meeting{}}
	if err := r.credential.User.Check(); err != nil {
		return fmt.Errorf("encode a question: %w", err)
	}
	var err error
	r.question, err = probe(r.id)
	s.rounds = append(s.rounds, r)
	return err
}

// secured makes what it can of a packet of version 3: it meets the device, then asks
// it for what identifies a printer, and sets its clock once if need be.
func (s *sweep) secured(i int, packet []byte, h header) {
	for n := range s.rounds {
		r := &s.rounds[n]
		if r.met == nil || h.id != r.id && h.id != r.simpleID {
			continue
		}
		c, met := r.met[i]
		if !met {
			c = &meeting{codec: newCodec(r.credential, s.collector.approach(r.credential).peer)}
		}
		a, _, err := c.decode(packet, &s.scratch)
		var told *report
		switch {
		case errors.As(err, &told):
			s.state[i] = odd
			if met == (h.id == r.id) { // the answer to a question that was put before
				return
			}
			delete(s.open, i)
			if again, err := c.peer.learn(told); err == nil && again && c.learnt < 2 {
				c.learnt++
				r.met[i] = c
				if question, err := c.encode(question{names: identifying()}, r.simpleID); err == nil {
					s.followUp(i, question)
				}
			}
		case err == nil && met && a.variables != nil:
			s.identify(i, a, approach{credential: r.credential, limits: startingLimits(), peer: c.peer})
		}
		return
	}
}
