package cli

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/collector/simulator"
)

// until ends a context when a text has been written.
type until struct {
	bytes.Buffer
	text string
	end  func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Contains(u.String(), u.text) {
		u.end()
	}
	return n, err
}

// Who interrupts a search has seen what was found, and is told how to go on: at the
// least address that has not had all its tries.
func TestInterruptedSearch(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp4", "127.22.1.7:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	served, stop := context.WithCancel(t.Context())
	serving.Go(func() {
		simulator.New(simulator.MonoLaser(), simulator.Options{Serial: "TST0000001"}).Serve(served, conn)
	})
	defer serving.Wait()
	defer stop()
	sweep := collector.Sweep{Rate: 2000, Tries: 1, Timeout: time.Minute}
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	for address := netip.MustParseAddr("127.22.1.1"); address.Less(netip.MustParseAddr("127.22.1.200")); address = address.Next() {
		sweep.Targets = append(sweep.Targets, netip.AddrPortFrom(address, port))
	}
	later := sweep
	later.Targets = []netip.AddrPort{netip.MustParseAddrPort("127.22.2.1:161")}
	out, errs := &until{text: "TST0000001", end: cancel}, &bytes.Buffer{}
	a := &app{out: out, err: errs, say: text.For("en")}
	if code := a.report(a.search(ctx, []collector.Sweep{sweep, later})); code != failed {
		t.Errorf("exit code %d", code)
	}
	if said := errs.String(); !strings.Contains(said, "--from 127.22.1.1.") {
		t.Errorf("it says %q", said)
	}
}
