package collector_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

// userOf is a user of these protocols as the device knows it, and as the reader does.
func userOf(auth, priv string) (simulator.User, collector.Credential) {
	u := simulator.User{Name: "reader", Auth: auth, Priv: priv}
	if auth != "" {
		u.AuthPassword = "authentic-password"
	}
	if priv != "" {
		u.PrivPassword = "private-password"
	}
	return u, collector.Credential{Version: collector.V3, User: collector.User{
		Name: u.Name, Auth: auth, AuthPassword: collector.Secret(u.AuthPassword),
		Priv: priv, PrivPassword: collector.Secret(u.PrivPassword),
	}}
}

func copierFor(users ...simulator.User) *simulator.Copier {
	return simulator.New(simulator.ColourMFP(), simulator.Options{Serial: "TST00001", Seed: 7, Users: users})
}

func sameReading(t *testing.T, want, got collector.Reading) {
	t.Helper()
	volatile := cmpopts.IgnoreFields(collector.Reading{}, "TakenAt", "UptimeSeconds")
	if diff := cmp.Diff(want.Meters, got.Meters, volatile); diff != "" {
		t.Errorf("meters differ: %s", diff)
	}
	if diff := cmp.Diff(want.Device, got.Device, cmpopts.IgnoreFields(collector.Device{}, "Port")); diff != "" {
		t.Errorf("the device differs: %s", diff)
	}
}

// With every protocol a device is read as without any.
func TestUsers(t *testing.T) {
	t.Parallel()
	want := read(t, collector.New(), serve(t, colourMFP()))
	for _, auth := range append([]string{""}, collector.AuthProtocols()...) {
		for _, priv := range append([]string{""}, collector.PrivProtocols()...) {
			if auth == "" && priv != "" {
				continue
			}
			t.Run(auth+"-"+priv, func(t *testing.T) {
				t.Parallel()
				user, credential := userOf(auth, priv)
				copier := copierFor(user)
				to := serve(t, copier)
				to.Credentials = []collector.Credential{credential}
				c := collector.New()
				sameReading(t, want, read(t, c, to))
				first := copier.Asked()
				if first.Reports != 1 {
					t.Errorf("%d reports at the first reading, want one: who the device is", first.Reports)
				}
				copier.Forget()
				sameReading(t, want, read(t, c, to))
				if asked := copier.Asked(); asked.Reports != 0 || asked.Requests() > 4 {
					t.Errorf("the second reading: %+v", asked)
				}
			})
		}
	}
}

// What a device refuses is named as the device names it, after one question.
func TestRefusedUsers(t *testing.T) {
	t.Parallel()
	known, _ := userOf("sha256", "aes128")
	plain := simulator.User{Name: "plain"}
	for name, c := range map[string]struct {
		change func(*collector.User)
		want   error
	}{
		"user":         {func(u *collector.User) { u.Name = "stranger" }, collector.ErrUnknownUser},
		"password":     {func(u *collector.User) { u.AuthPassword = "another-password" }, collector.ErrWrongDigest},
		"protocol":     {func(u *collector.User) { u.Auth = "sha1" }, collector.ErrWrongDigest},
		"key":          {func(u *collector.User) { u.PrivPassword = "another-password" }, collector.ErrDecryption},
		"level":        {func(u *collector.User) { u.Name = "plain" }, collector.ErrLevel},
		"context":      {func(u *collector.User) { u.Context = "elsewhere" }, collector.ErrContext},
		"a lower one":  {func(u *collector.User) { u.Priv = "" }, collector.ErrUnheard},
		"lowest level": {func(u *collector.User) { u.Auth, u.Priv = "", "" }, collector.ErrUnheard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copier := copierFor(known, plain)
			to := serve(t, copier)
			_, credential := userOf("sha256", "aes128")
			c.change(&credential.User)
			to.Credentials = []collector.Credential{credential}
			to.Timeout, to.Retries = 50*time.Millisecond, -1
			if c.want != collector.ErrUnheard {
				to.Timeout = 5 * time.Second
			}
			_, err := collector.New().Read(context.Background(), to)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if asked := copier.Asked(); asked.Answers > 0 || asked.Reports > 2 {
				t.Errorf("%+v", asked)
			}
			if err != nil && strings.Contains(err.Error(), "password") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// Users are tried in order, then the community; what worked is remembered.
func TestUsersAreTriedInOrder(t *testing.T) {
	t.Parallel()
	known, good := userOf("sha1", "aes128")
	copier := copierFor(known)
	to := serve(t, copier)
	bad := good
	bad.User.Name = "stranger"
	c := collector.New()
	to.Credentials = []collector.Credential{bad, good}
	read(t, c, to)
	copier.Forget()
	read(t, c, to)
	if asked := copier.Asked(); asked.Reports != 0 {
		t.Errorf("the second reading: %+v", asked)
	}
	to.Credentials = []collector.Credential{bad, {Version: collector.V2c, Community: "public"}}
	read(t, c, to)
}

// A device that was switched off and on has another time: it says so, is believed,
// and asked again.
func TestTimeWindow(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"", "md5", "sha512"} {
		user, credential := userOf(auth, "")
		copier := copierFor(user)
		to := serve(t, copier)
		to.Credentials = []collector.Credential{credential}
		c := collector.New()
		read(t, c, to)
		copier.Reboot()
		copier.Forget()
		read(t, c, to)
		want := 1
		if auth == "" {
			want = 0 // nothing is proved, so nothing has a time
		}
		if asked := copier.Asked(); asked.Reports != want {
			t.Errorf("%q: %+v", auth, asked)
		}
	}
}

// Another device at the same address is met anew.
func TestAnotherEngine(t *testing.T) {
	t.Parallel()
	user, credential := userOf("sha256", "aes256c")
	conn := listen(t)
	c, to := collector.New(), target(conn.LocalAddr())
	to.Credentials = []collector.Credential{credential}
	for _, serial := range []string{"TST00001", "TST00002"} {
		copier := simulator.New(simulator.ColourMFP(), simulator.Options{Serial: serial, Users: []simulator.User{user}})
		ctx, stop := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		conn.SetReadDeadline(time.Time{})
		serving.Go(func() { copier.Serve(ctx, conn) })
		if r := read(t, c, to); r.Device.Serial != serial {
			t.Errorf("serial %q, want %q", r.Device.Serial, serial)
		}
		stop()
		serving.Wait()
	}
}

func listen(t *testing.T) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// between serves a copier whose answers somebody changes on their way.
func between(t *testing.T, copier *simulator.Copier, change func(answer []byte) []byte) collector.Target {
	t.Helper()
	conn := listen(t)
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo(change(copier.Answer(buffer[:n])), from)
		}
	})
	t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	to := target(conn.LocalAddr())
	to.Timeout, to.Retries = 50*time.Millisecond, -1
	return to
}

// An answer that is not authentic is never believed.
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	user, credential := userOf("sha256", "")
	for name, forge := range map[string]func(answer []byte) []byte{
		"changed":        func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("TST00001"), []byte("TST99999")) },
		"without digest": withoutDigest,
		"longer":         func(b []byte) []byte { return append(b, 5, 0) },
		"other engine":   func(b []byte) []byte { return bytes.Replace(b, []byte("TST00001"), []byte("TST00002"), 1) },
		"other user":     func(b []byte) []byte { return bytes.Replace(b, []byte("reader"), []byte("writer"), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := between(t, copierFor(user), func(answer []byte) []byte {
				if bytes.Contains(answer, []byte("reader")) { // not the report that says who the device is
					return forge(bytes.Clone(answer))
				}
				return answer
			})
			to.Credentials = []collector.Credential{credential}
			if r, err := collector.New().Read(context.Background(), to); !errors.Is(err, collector.ErrNoAnswer) {
				t.Errorf("got %+v, %v", r.Device, err)
			}
		})
	}
}

// withoutDigest makes an authentic message one that does not claim to be.
func withoutDigest(b []byte) []byte {
	flags := bytes.Index(b, []byte{4, 1, 1, 2, 1, 3})
	digest := bytes.Index(b, append([]byte("reader"), 4, 24))
	if flags < 0 || digest < 0 {
		return nil
	}
	b[flags+2] = 0
	clear(b[digest+8 : digest+8+24])
	return b
}

// A sweep finds devices that answer users only, and what it learns reading need not ask.
func TestDiscoverUsers(t *testing.T) {
	t.Parallel()
	user, credential := userOf("sha384", "aes192")
	stranger := user
	stranger.Name = "somebody"
	known, unknown := copierFor(user), copierFor(stranger)
	s := newSegment(t, "127.44.10.", map[string]*simulator.Copier{"2": known, "3": unknown, "4": colourMFP()})
	c := collector.New()
	known.Reboot()
	finds := discover(t, c, collector.Sweep{
		Targets: s.targets(t, "1-6"), Timeout: 500 * time.Millisecond, Rate: -1,
		Credentials: []collector.Credential{credential, {Version: collector.V2c, Community: "other"}},
	})
	type found struct {
		Address, Serial string
		Printer         bool
	}
	var got []found
	for _, f := range finds {
		got = append(got, found{f.Address, f.Serial, f.Printer})
	}
	want := []found{{"127.44.10.2", "TST00001", true}, {"127.44.10.3", "", false}, {"127.44.10.4", "", false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	known.Forget()
	read(t, c, collector.Target{Address: "127.44.10.2", Port: s.port, Credentials: []collector.Credential{credential}})
	if asked := known.Asked(); asked.Reports != 0 {
		t.Errorf("reading after the sweep: %+v", asked)
	}
}

func TestUserCheck(t *testing.T) {
	_, good := userOf("sha1", "des")
	if err := good.User.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*collector.User){
		"no name":        func(u *collector.User) { u.Name = "" },
		"long name":      func(u *collector.User) { u.Name = strings.Repeat("x", 33) },
		"long context":   func(u *collector.User) { u.Context = strings.Repeat("x", 33) },
		"auth":           func(u *collector.User) { u.Auth = "sha3" },
		"priv":           func(u *collector.User) { u.Priv = "rot13" },
		"priv alone":     func(u *collector.User) { u.Auth = "" },
		"short password": func(u *collector.User) { u.AuthPassword = "1234567" },
		"short key":      func(u *collector.User) { u.PrivPassword = "1234567" },
	} {
		u := good.User
		change(&u)
		if err := u.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// BenchmarkUsers compares warm readings with version 3 and with 2c, by turns. The
// device's own work is in both, and with version 3 it is as much as the reader's.
func BenchmarkUsers(b *testing.B) {
	user, credential := userOf("sha256", "aes128")
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { copierFor(user).Serve(ctx, conn) })
	readers := [2]*collector.Collector{collector.New(), collector.New()}
	var spent [2]time.Duration
	for b.Loop() {
		for i, credential := range []collector.Credential{{Version: collector.V2c, Community: "public"}, credential} {
			to := target(conn.LocalAddr())
			to.Credentials = []collector.Credential{credential}
			begin := time.Now()
			if _, err := readers[i].Read(ctx, to); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(begin)
		}
	}
	stop()
	serving.Wait()
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "v3/v2c")
}
