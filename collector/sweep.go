package collector

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// A state is what is known of a target.
type state uint8

const (
	silent state = iota
	odd          // it answered, but only with an error
	known        // it was found
)

// A round is one try of one credential with all targets: all get the same packet.
type round struct {
	credential Credential // with a definite version
	codec      *codec
	question   []byte // asks for all that identifies a device
	simple     []byte // asks for less: after an error
	id         uint32 // of the question
	simpleID   uint32
	met        map[int]*meeting // of version 3: targets that said who they are; nil with other versions
}

// A batch is some neighbouring addresses that are asked together, round after round.
type batch struct {
	from, to int       // of those to ask
	round    int       // in which they are asked next; after the last one they are done
	asked    time.Time // last
}

// A sweep is a search under way.
type sweep struct {
	Sweep
	collector *Collector
	conn      *net.UDPConn
	found     func(Find)
	state     []state // of each target
	left      int     // targets not yet found
	buffer    []byte
	scratch   scratch

	ask    []netip.AddrPort // who is asked: the targets or, instead, everybody
	rounds []round
	size   int     // of a batch
	fresh  int     // the first of ask that has not been asked
	queue  []batch // asked already, in the order in which they are due again
	done   int     // of ask, so many have had all their tries
	put    int     // questions, with those that were not necessary any more
	told   int     // percent of put and done, when Progress was told last
	sent   int     // packets of rounds
	failed error   // why one could not be sent, last
	pace   time.Time

	begun   time.Time
	asked   []uint32        // milliseconds from begun to the first packet to each target, and 1; 0 is none
	packets []uint8         // of rounds to each target
	beyond  map[int]Traffic // of targets that answered: without those packets
	slowest time.Duration   // of the answers so far
	open    map[int][]byte  // of each target that answered in part: what it was asked then, and has not answered
}

// identifying are the objects by which a device is recognised. The first two
// every device has.
func identifying() []string {
	return []string{
		sysDescr, sysObjectID, hrDeviceType, hrDeviceDescr, hrPrinterStatus,
		printerMIB, prtGeneralPrinterName, prtGeneralSerialNumber,
	}
}

func newSweep(c *Collector, s Sweep, conn *net.UDPConn, found func(Find)) *sweep {
	sw := &sweep{
		Sweep: s, collector: c, conn: conn, found: found,
		state: make([]state, len(s.Targets)), left: len(s.Targets),
		buffer: make([]byte, maxPacket),
		ask:    s.Targets, size: 64, open: map[int][]byte{},
		begun: time.Now(), asked: make([]uint32, len(s.Targets)),
		packets: make([]uint8, len(s.Targets)), beyond: map[int]Traffic{},
	}
	if s.Rate > 0 {
		sw.size = max(s.Rate/100, 1)
	}
	if len(s.Broadcast) > 0 {
		sw.ask = s.Broadcast
		for i := range sw.asked {
			sw.asked[i] = 1
		}
	}
	return sw
}

// run puts the question of each round to everybody who is not yet found. A round
// follows the one before through the addresses, and is as far behind as an answer may
// take, so that at any moment all up to some address have had all their tries.
func (s *sweep) run() error {
	for try := range s.Tries {
		for _, credential := range s.Credentials {
			if err := s.addRound(credential, try); err != nil {
				return err
			}
		}
	}
	for s.left > 0 && (s.fresh < len(s.ask) || len(s.queue) > 0) {
		b, due := s.next()
		err := error(nil)
		switch {
		case !due.IsZero():
			err = s.receive(due)
		case b.round == len(s.rounds):
			s.done = b.to
			s.tell()
		default:
			err = s.askBatch(b)
		}
		if err != nil {
			return err
		}
	}
	if err := s.pursue(); err != nil {
		return err
	}
	for i, state := range s.state {
		if state == odd {
			s.find(i, harvest{})
		}
	}
	all := len(s.ask) * len(s.rounds)
	p := Progress{Asked: all, Of: all}
	if len(s.Targets) > 0 {
		p.Through = s.Targets[len(s.Targets)-1]
	}
	s.Progress(p)
	return nil
}

// next is the batch whose turn it is, or else when to look again. While there are
// fresh addresses, those asked already wait for longer than they must: then nobody has
// to be waited for at the end but the last.
func (s *sweep) next() (b batch, due time.Time) {
	now := time.Now()
	if len(s.queue) > 0 {
		patience := s.patience()
		if s.fresh < len(s.ask) {
			patience *= time.Duration(len(s.rounds))
		}
		b, due = s.queue[0], s.queue[0].asked.Add(patience)
		if !now.Before(due) {
			s.queue = s.queue[1:]
			return b, time.Time{}
		}
	}
	if s.fresh < len(s.ask) {
		b = batch{from: s.fresh, to: min(s.fresh+s.size, len(s.ask))}
		s.fresh = b.to
		return b, time.Time{}
	}
	if soon := now.Add(20 * time.Millisecond); s.Quick && soon.Before(due) {
		due = soon // then look whether the answers have changed it
	}
	return batch{}, due
}

// patience is how long to wait for an answer.
func (s *sweep) patience() time.Duration {
	if !s.Quick || s.slowest == 0 {
		return s.Timeout
	}
	return min(max(4*s.slowest, 200*time.Millisecond), s.Timeout)
}

// askBatch puts the question of its round to a batch and queues it for the next.
func (s *sweep) askBatch(b batch) error {
	sent := s.sent
	for i := b.from; i < b.to; i++ {
		if len(s.Broadcast) == 0 {
			if s.state[i] == known || s.collector.reading(s.ask[i]) {
				continue
			}
			if err := s.pass(s.ask[i].Addr()); err != nil {
				return err
			}
			if s.asked[i] == 0 {
				s.asked[i] = 1 + uint32(time.Since(s.begun)/time.Millisecond)
			}
		}
		if _, err := s.conn.WriteToUDPAddrPort(s.rounds[b.round].question, s.ask[i]); err != nil {
			s.failed = err // there may be no way to this one, but to others
			continue
		}
		s.sent++
		if len(s.Broadcast) == 0 {
			s.packets[i]++
		}
	}
	if s.sent == 0 && s.failed != nil && s.fresh == len(s.ask) {
		return s.failed
	}
	s.put += b.to - b.from
	s.tell()
	b.round++
	b.asked = time.Now()
	s.queue = append(s.queue, b)
	return s.keepPace(s.sent - sent)
}

// tell tells of the progress if there is some.
func (s *sweep) tell() {
	percent := (s.put*100 + s.done*100*len(s.rounds)) / (len(s.ask) * len(s.rounds))
	if percent == s.told {
		return
	}
	s.told = percent
	p := Progress{Asked: s.put, Of: len(s.ask) * len(s.rounds)}
	if s.done > 0 && len(s.Broadcast) == 0 {
		p.Through = s.Targets[s.done-1]
	}
	s.Progress(p)
}

// keepPace takes answers until so many packets more may have been sent.
func (s *sweep) keepPace(packets int) error {
	if s.Rate < 0 {
		return s.glance()
	}
	now := time.Now()
	if earliest := now.Add(-10 * time.Millisecond); s.pace.Before(earliest) {
		s.pace = earliest // what was not sent in time is not made up for
	}
	s.pace = s.pace.Add(time.Duration(packets) * time.Second / time.Duration(s.Rate))
	if !now.Before(s.pace) {
		return s.glance()
	}
	return s.receive(s.pace)
}

// pass takes answers until a packet may go to the network of an address.
func (s *sweep) pass(to netip.Addr) error {
	now := time.Now()
	if wait := s.collector.gate.reserve(to, now); wait > 0 {
		return s.receive(now.Add(wait))
	}
	return nil
}

// pursue asks those that answered in part once more what they were asked last, as often
// as there are tries.
func (s *sweep) pursue() error {
	for range s.Tries - 1 {
		for i, question := range s.open {
			if s.collector.reading(s.Targets[i]) {
				continue
			}
			if err := s.pass(s.Targets[i].Addr()); err != nil {
				return err
			}
			s.send(i, question)
			if err := s.keepPace(1); err != nil {
				return err
			}
		}
		for until := time.Now().Add(s.Timeout); len(s.open) > 0 && time.Now().Before(until); {
			if _, err := s.take(until); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sweep) addRound(credential Credential, try int) error {
	if credential.Version == V3 {
		return s.addUserRound(credential)
	}
	if credential.Version == Auto {
		credential.Version = V2c
		if try%2 == 1 || s.Tries == 1 {
			credential.Version = V1
		}
	}
	r := round{credential: credential, codec: newCodec(credential, nil), id: randomID(), simpleID: randomID()}
	var err error
	if r.question, err = r.codec.encode(question{names: identifying()}, r.id); err != nil {
		return err
	}
	if r.simple, err = r.codec.encode(question{names: identifying()[:2]}, r.simpleID); err != nil {
		return err
	}
	s.rounds = append(s.rounds, r)
	return nil
}

// receive takes answers until a time, or until there is nobody left to answer.
func (s *sweep) receive(until time.Time) error {
	for s.left > 0 {
		if more, err := s.take(until); err != nil || !more {
			return err
		}
	}
	return nil
}

// glance takes the answers that have come already.
func (s *sweep) glance() error {
	for s.left > 0 && waiting(s.conn) {
		if more, err := s.take(time.Now().Add(50 * time.Microsecond)); err != nil || !more {
			return err
		}
	}
	return nil
}

// take waits for one packet until a time. more is false when that time has come.
func (s *sweep) take(until time.Time) (more bool, err error) {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return false, err
	}
	n, from, err := s.conn.ReadFromUDPAddrPort(s.buffer)
	switch {
	case errors.Is(err, net.ErrClosed):
		return false, err
	case err == nil:
		s.answer(s.buffer[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		return true, nil
	}
	return time.Now().Before(until), nil // an error may be of one target, such as a closed port on Windows
}
