package collector

import (
	"net/netip"
	"slices"
	"time"
)

// answer makes what it can of a packet. Only one that comes from a target and has
// the id of a question that was put counts.
func (s *sweep) answer(packet []byte, from netip.AddrPort) {
	i, ok := slices.BinarySearchFunc(s.Targets, from, netip.AddrPort.Compare)
	if !ok || s.state[i] == known || s.asked[i] == 0 {
		return
	}
	s.beyond[i] = s.beyond[i].Plus(Traffic{Received: int64(len(packet))})
	s.slowest = max(s.slowest, time.Since(s.begun)-time.Duration(s.asked[i]-1)*time.Millisecond)
	if h, err := parseHeader(packet); err == nil {
		s.secured(i, packet, h)
		return
	}
	a, id, err := readMessage(packet, &s.scratch)
	n := slices.IndexFunc(s.rounds, func(r round) bool { return id == r.id || id == r.simpleID })
	if err != nil || n < 0 {
		return
	}
	r := &s.rounds[n]
	if a.status != noError {
		s.state[i] = odd
		if delete(s.open, i); id == r.id {
			s.followUp(i, r.simple)
		}
		return
	}
	s.identify(i, a, approach{credential: r.credential, limits: startingLimits()})
}

// followUp asks one target for more. If that is lost, the next round tries again, and
// after the last one pursue.
func (s *sweep) followUp(i int, question []byte) {
	s.open[i] = question
	s.send(i, question)
}

// send sends a packet to one target, besides those of the rounds. If it is lost, the next
// try sends it again.
func (s *sweep) send(i int, packet []byte) {
	s.conn.WriteToUDPAddrPort(packet, s.Targets[i])
	s.beyond[i] = s.beyond[i].Plus(Traffic{Requests: 1, Sent: int64(len(packet))})
}

// spent is what a target was sent, and has sent.
func (s *sweep) spent(i int) Traffic {
	t := s.beyond[i]
	for _, r := range s.rounds[:min(int(s.packets[i]), len(s.rounds))] {
		t = t.Plus(Traffic{Requests: 1, Sent: int64(len(r.question))})
	}
	return t
}

// tellSilent tells of the targets that have not answered.
func (s *sweep) tellSilent() {
	for i := range s.packets {
		if s.Silent != nil && s.state[i] != known && s.packets[i] > 0 {
			s.Silent(s.Targets[i], s.spent(i))
		}
	}
}

// identify tells of a target that said what it is, and remembers how it was asked.
func (s *sweep) identify(i int, a answer, how approach) {
	h := harvest{}
	for k, name := range identifying()[:min(len(identifying()), len(a.variables))] {
		w := newWalk(one(name))
		w.take(a.variables[k])
		h.add(w.entry, w.values)
	}
	if how.credential.Version != V1 { // a device that answers version 1 may know better
		s.collector.remember(s.Targets[i], how)
	}
	s.find(i, h)
}

// find tells of a target that answered.
func (s *sweep) find(i int, h harvest) {
	s.state[i] = known
	s.left--
	traffic := s.spent(i)
	delete(s.open, i)
	delete(s.beyond, i)
	d := telling{harvest: h}.device()
	s.found(Find{
		Address:      s.Targets[i].Addr().String(),
		Port:         s.Targets[i].Port(),
		SysObjectID:  d.SysObjectID,
		SysDescr:     plainText(h.first(sysDescr).text, 0),
		Manufacturer: d.Manufacturer,
		Model:        d.Model,
		Serial:       d.Serial,
		Printer:      h.isPrinter(),
		Traffic:      traffic,
	})
}
