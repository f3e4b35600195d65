package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// A Sweep is a search for devices.
type Sweep struct {
	Targets     []netip.AddrPort // at most 2^20; one that is repeated is asked once
	Credentials []Credential     // each is tried; none means community "public"
	Timeout     time.Duration    // to wait for an answer after each try; 0 means 1 s

	// Tries is how many packets a silent address gets for each credential; 0 means 2.
	// A credential of version Auto is tried in versions 2c and 1 by turns; a single
	// try is version 1, which all devices answer that answer 2c, but for few.
	Tries int

	// Quick ends the wait once four times the slowest answer so far has passed, and
	// 200 ms. Devices that are all slow are found, but one among fast ones may not be.
	Quick bool

	Rate     int                   // packets a second; 0 means 200, less than 0 as fast as it goes
	Progress func(done, total int) // may be nil; packets, about a hundred times in all
}

// A Find is a device that answered a sweep.
type Find struct {
	Address      string `json:"address"`
	Port         uint16 `json:"port"`
	SysObjectID  string `json:"sysObjectID"` // without a leading dot
	SysDescr     string `json:"sysDescr"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`  // "" if it is not where RFC 3805 has it
	Printer      bool   `json:"printer"` // it has shown to be a printer, copier or scanner
}

// Discover asks all targets and calls found for each that answers, once, in the
// order of the answers. It uses one socket, starts nothing that outlives it, and
// calls found and Progress itself. It takes at most about Sweep.Longest. A device that
// is being read at the moment is left in peace until the next try.
// After an error, which is the context's or the network's, what was found stands.
func (c *Collector) Discover(ctx context.Context, s Sweep, found func(Find)) error {
	s = s.withDefaults()
	targets := slices.Clone(s.Targets)
	slices.SortFunc(targets, netip.AddrPort.Compare)
	targets = slices.Compact(targets)
	if len(targets) > maxRange {
		return fmt.Errorf("discover: more than %d addresses", maxRange)
	}
	network := "udp4"
	if slices.ContainsFunc(targets, func(t netip.AddrPort) bool { return !t.Addr().Is4() }) {
		network = "udp"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	conn.SetReadBuffer(1 << 20) // best effort: answers that come in a burst
	release := closeWhenDone(ctx, conn)
	defer release()
	sw := &sweep{
		Sweep: s, collector: c, conn: conn, found: found,
		targets: targets, state: make([]state, len(targets)), left: len(targets),
		begun: time.Now(), asked: make([]uint32, len(targets)),
		buffer: make([]byte, maxPacket), codec: newCodec(Credential{Version: V2c}, nil),
	}
	if err := sw.run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("discover: %w", err)
	}
	return nil
}

func (s Sweep) withDefaults() Sweep {
	if len(s.Credentials) == 0 {
		s.Credentials = []Credential{{Community: "public"}}
	}
	if s.Timeout <= 0 {
		s.Timeout = time.Second
	}
	if s.Tries <= 0 {
		s.Tries = 2
	}
	if s.Rate == 0 {
		s.Rate = 200
	}
	if s.Progress == nil {
		s.Progress = func(done, total int) {}
	}
	return s
}

// Longest is how long the sweep takes if nobody answers.
func (s Sweep) Longest() time.Duration {
	s = s.withDefaults()
	var sending time.Duration
	if s.Rate > 0 {
		sending = time.Duration(len(s.Targets)) * time.Second / time.Duration(s.Rate)
	}
	rounds := time.Duration(s.Tries * len(s.Credentials))
	return (rounds-1)*max(sending, s.Timeout) + sending + s.Timeout
}

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

// A sweep is a search under way.
type sweep struct {
	Sweep
	collector *Collector
	conn      *net.UDPConn
	found     func(Find)
	targets   []netip.AddrPort // sorted
	state     []state          // of each target
	codec     *codec           // for answers of versions 1 and 2c
	left      int              // targets not yet found
	begun     time.Time
	asked     []uint32      // milliseconds from begun to the first packet to each target, and 1; 0 is none
	slowest   time.Duration // of the answers so far
	buffer    []byte

	rounds []round
	sent   int
}

// identifying are the objects by which a device is recognised. The first two
// every device has.
func identifying() []string {
	return []string{
		sysDescr, sysObjectID, hrDeviceType, hrDeviceDescr, hrPrinterStatus,
		printerMIB, prtGeneralPrinterName, prtGeneralSerialNumber,
	}
}

func (s *sweep) run() error {
	for try := range s.Tries {
		for _, credential := range s.Credentials {
			if err := s.addRound(credential, try); err != nil {
				return err
			}
		}
	}
	for i := range s.rounds {
		if err := s.ask(i); err != nil {
			return err
		}
	}
	for i, state := range s.state {
		if state == odd {
			s.find(i, harvest{})
		}
	}
	s.Progress(len(s.targets)*len(s.rounds), len(s.targets)*len(s.rounds))
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

// ask puts the question of a round to all targets not yet found, no faster than the
// rate, and takes answers in between. It returns when the first target has had its
// time to answer, so that the next round can begin; after the last round, when the
// last target has.
func (s *sweep) ask(n int) error {
	burst := 64
	if s.Rate > 0 {
		burst = max(s.Rate/100, 1)
	}
	start, failed := time.Now(), error(nil)
	for i, target := range s.targets {
		if i > 0 && i%burst == 0 {
			due := time.Now().Add(50 * time.Microsecond) // as fast as it goes: only look whether something has come
			if s.Rate > 0 {
				due = start.Add(time.Duration(i) * time.Second / time.Duration(s.Rate))
			}
			if err := s.receive(due); err != nil {
				return err
			}
		}
		if i*100/len(s.targets) != (i+1)*100/len(s.targets) {
			s.Progress(n*len(s.targets)+i, len(s.rounds)*len(s.targets))
		}
		if s.state[i] == known || s.collector.reading(target) {
			continue
		}
		if s.asked[i] == 0 {
			s.asked[i] = 1 + uint32(time.Since(s.begun)/time.Millisecond)
		}
		if _, err := s.conn.WriteToUDPAddrPort(s.rounds[n].question, target); err != nil {
			failed = err // there may be no way to this one, but to others
			continue
		}
		s.sent++
	}
	if s.sent == 0 && failed != nil {
		return failed
	}
	if n == len(s.rounds)-1 {
		start = time.Now()
	}
	return s.wait(start)
}

// wait takes answers until the target that was asked at a time has had its time.
func (s *sweep) wait(asked time.Time) error {
	for s.left > 0 {
		now, until := time.Now(), asked.Add(s.patience())
		if !now.Before(until) {
			return nil
		}
		if s.Quick && now.Add(20*time.Millisecond).Before(until) {
			until = now.Add(20 * time.Millisecond) // then look whether the answers have changed it
		}
		if err := s.receive(until); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long to wait for an answer.
func (s *sweep) patience() time.Duration {
	if !s.Quick || s.slowest == 0 {
		return s.Timeout
	}
	return min(max(4*s.slowest, 200*time.Millisecond), s.Timeout)
}

// receive takes answers until a time, or until there is nobody left to answer.
func (s *sweep) receive(until time.Time) error {
	if err := s.conn.SetReadDeadline(until); err != nil {
		return err
	}
	for s.left > 0 {
		n, from, err := s.conn.ReadFromUDPAddrPort(s.buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil && !time.Now().Before(until):
			return nil
		case err == nil:
			s.answer(s.buffer[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		} // any other error is of one target, such as a closed port on Windows
	}
	return nil
}

// answer makes what it can of a packet. Only one that comes from a target and has
// the id of a question that was put counts.
func (s *sweep) answer(packet []byte, from netip.AddrPort) {
	i, ok := slices.BinarySearchFunc(s.targets, from, netip.AddrPort.Compare)
	if !ok || s.state[i] == known || s.asked[i] == 0 {
		return
	}
	s.slowest = max(s.slowest, time.Since(s.begun)-time.Duration(s.asked[i]-1)*time.Millisecond)
	if h, err := parseHeader(packet); err == nil {
		s.secured(i, packet, h, from)
		return
	}
	a, id, err := s.codec.decode(packet)
	n := slices.IndexFunc(s.rounds, func(r round) bool { return id == r.id || id == r.simpleID })
	if err != nil || n < 0 {
		return
	}
	r := &s.rounds[n]
	if a.status != noError {
		s.state[i] = odd
		if id == r.id {
			s.conn.WriteToUDPAddrPort(r.simple, from) // if this is lost, the next round tries again
		}
		return
	}
	s.identify(i, a, approach{credential: r.credential, limits: startingLimits()})
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
		s.collector.remember(s.targets[i], how)
	}
	s.find(i, h)
}

// find tells of a target that answered.
func (s *sweep) find(i int, h harvest) {
	s.state[i] = known
	s.left--
	d := telling{harvest: h}.device()
	s.found(Find{
		Address:      s.targets[i].Addr().String(),
		Port:         s.targets[i].Port(),
		SysObjectID:  d.SysObjectID,
		SysDescr:     plainText(h.first(sysDescr).text, 0),
		Manufacturer: d.Manufacturer,
		Model:        d.Model,
		Serial:       d.Serial,
		Printer:      h.isPrinter(),
	})
}
