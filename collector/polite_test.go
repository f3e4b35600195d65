package collector_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// What a reading costs is counted, that of a failed one too, as the device counts it.
func TestTraffic(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	to := serve(t, copier)
	to.Timeout, to.Retries = 50*time.Millisecond, 1
	c := collector.New()
	r := read(t, c, to)
	asked := copier.Asked()
	want := collector.Traffic{Requests: int64(asked.Requests()), Sent: int64(asked.BytesIn), Received: int64(asked.BytesOut)}
	if r.Traffic != want || want.Received == 0 {
		t.Errorf("counted %+v, the device %+v", r.Traffic, want)
	}
	copier.Misbehave(simulator.Silent, -1)
	copier.Forget()
	r, err := c.Read(context.Background(), to)
	asked = copier.Asked()
	if !errors.Is(err, collector.ErrNoAnswer) || r.Traffic.Requests != int64(asked.Requests()) || r.Traffic.Sent != int64(asked.BytesIn) || r.Traffic.Received != 0 {
		t.Errorf("error %v, counted %+v, the device %+v", err, r.Traffic, asked)
	}
}

// A device that was silent gets one packet for each way of asking, until it answers.
func TestSilentDevicesCostLittle(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	copier.Misbehave(simulator.Silent, -1)
	to := serve(t, copier)
	to.Timeout, to.Retries = 20*time.Millisecond, 2
	c := collector.New()
	for _, want := range []int{6, 2, 2} { // two versions
		copier.Forget()
		if _, err := c.Read(context.Background(), to); !errors.Is(err, collector.ErrNoAnswer) {
			t.Fatal(err)
		}
		if got := copier.Asked().Requests(); got != want {
			t.Errorf("%d packets, want %d", got, want)
		}
	}
	// It comes back, and the first packet is lost: what answers is read, but version 1
	// is not taken for all it knows.
	copier.Misbehave(simulator.V1Only, 1)
	to.Timeout = 200 * time.Millisecond
	read(t, c, to)
	copier.Forget()
	read(t, c, to)
	if asked := copier.Asked(); asked.GetBulks == 0 {
		t.Errorf("version 2c was not tried again: %+v", asked)
	}
}

// A device that takes 1.2 s for each answer is read, and soon without asking twice.
func TestSlowDeviceIsRead(t *testing.T) {
	t.Parallel()
	copier := simulator.New(simulator.MonoLaser(), simulator.Options{Delay: 1200 * time.Millisecond, Seed: 7})
	to := serve(t, copier)
	c := collector.New()
	quick := read(t, c, to)
	copier.Misbehave(simulator.Slow, -1)
	for i := range 2 {
		copier.Forget()
		r := read(t, c, to)
		if len(r.Meters) != len(quick.Meters) || len(r.Supplies) != len(quick.Supplies) {
			t.Errorf("got %+v", r)
		}
		if i > 0 && r.Traffic.Requests > quick.Traffic.Requests {
			t.Errorf("%d packets, with a quick device %d", r.Traffic.Requests, quick.Traffic.Requests)
		}
	}
}

// A copier that sleeps is asked one small question, until it wakes or has printed.
func TestLetSleep(t *testing.T) {
	t.Parallel()
	copier := colourMFP()
	to := serve(t, copier)
	to.LetSleep = true
	c := collector.New()
	if r := read(t, c, to); r.Asleep() {
		t.Error("an idle copier is taken to sleep")
	}
	copier.Sleep(true)
	if r := read(t, c, to); !r.Asleep() {
		t.Errorf("a copier that falls asleep is read once: %+v", r.Status)
	}
	for range 2 {
		r, err := c.Read(context.Background(), to)
		if !errors.Is(err, collector.ErrAsleep) || r.Traffic.Requests != 1 || r.Traffic.Sent+r.Traffic.Received > 400 {
			t.Errorf("got %v for %+v", err, r.Traffic)
		}
	}
	copier.Print(simulator.Job{Pages: 1})
	copier.Sleep(true)
	read(t, c, to)
	if _, err := c.Read(context.Background(), to); !errors.Is(err, collector.ErrAsleep) {
		t.Errorf("got %v", err)
	}
	to.LetSleep = false
	read(t, c, to)
	copier.Sleep(false)
	to.LetSleep = true
	if r := read(t, c, to); r.Asleep() {
		t.Error("an awake copier is taken to sleep")
	}
}

// A device that stops answering in the middle is read as far as it went, and the
// reading says what it lacks: what is absent and not said to be missing is not there. One
// that has not said who it is is no reading.
func TestMissing(t *testing.T) {
	t.Parallel()
	for _, version := range []collector.Version{collector.V1, collector.V2c} {
		copier := colourMFP()
		if err := copier.Raise(simulator.TrayLow, 1); err != nil {
			t.Fatal(err)
		}
		whole := readUntilSilent(t, copier, version, 1000)
		if whole.Missing != nil || whole.Lacks("supplies") {
			t.Errorf("missing are %v", whole.Missing)
		}
		partial := 0
		for answers := 1; ; answers++ {
			r := readUntilSilent(t, copier, version, answers)
			if r.Device.Serial == "" {
				continue
			}
			if r.Missing == nil {
				if len(r.Meters) != len(whole.Meters) || len(r.Supplies) != len(whole.Supplies) || len(r.Inputs) != len(whole.Inputs) ||
					len(r.Alerts) != len(whole.Alerts) || len(r.Status.Console) != len(whole.Status.Console) {
					t.Errorf("version %s, %d answers: something is missing in silence", version, answers)
				}
				break
			}
			partial++
		}
		if partial == 0 {
			t.Errorf("version %s: no reading lacked anything", version)
		}
	}
}

// A copier that is silent about its alerts is read all the same. The first reading says that
// they are missing; from the second on they are what it does not have, and a plan is followed.
func TestSilentAboutAlerts(t *testing.T) {
	t.Parallel()
	for _, version := range []collector.Version{collector.V1, collector.V2c} {
		copier := colourMFP()
		to := serve(t, copier)
		to.Timeout = 150 * time.Millisecond
		to.Credentials = []collector.Credential{{Version: version, Community: "public"}}
		c := collector.New()
		whole := read(t, c, to)
		copier.Misbehave(simulator.Silent, -1, "1.3.6.1.2.1.43.18")
		first := read(t, c, to)
		if !first.Lacks("alerts") || len(first.Missing) != 1 || first.Plan != nil {
			t.Errorf("version %s: the first reading lacks %v", version, first.Missing)
		}
		second := read(t, c, to)
		if second.Missing != nil || second.Plan == nil {
			t.Errorf("version %s: the second reading lacks %v", version, second.Missing)
		}
		to.Plan = second.Plan
		third := read(t, c, to)
		if third.Missing != nil || third.Traffic.Requests > 2 {
			t.Errorf("version %s: the third reading took %d requests and lacks %v", version, third.Traffic.Requests, third.Missing)
		}
		for _, r := range []collector.Reading{first, second, third} {
			if len(r.Meters) != len(whole.Meters) || len(r.Supplies) != len(whole.Supplies) || len(r.Inputs) != len(whole.Inputs) {
				t.Errorf("version %s: got %d meters, %d supplies, %d trays", version, len(r.Meters), len(r.Supplies), len(r.Inputs))
			}
		}
	}
}

// readUntilSilent reads a copier that answers so often. An error is no reading.
func readUntilSilent(t *testing.T, copier *simulator.Copier, version collector.Version, answers int) collector.Reading {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answers--; answers >= 0 {
				conn.WriteTo(copier.Answer(buffer[:n]), from)
			}
		}
	})
	to := target(conn.LocalAddr())
	to.Timeout, to.Retries = 100*time.Millisecond, -1
	to.Credentials = []collector.Credential{{Version: version, Community: "public"}}
	r, err := collector.New().Read(context.Background(), to)
	conn.Close()
	serving.Wait()
	if err != nil && !errors.Is(err, collector.ErrNoAnswer) {
		t.Error(err)
	}
	return r
}
