//go:build unix

package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/portal"
	"meteragent/transport/transporttest"
)

// mosquitto is the real one, behind TLS with a password and an access list.
type mosquitto struct {
	t         *testing.T
	authority *transporttest.Authority
	folder    string
	address   string
	process   *exec.Cmd
}

// startMosquitto starts a broker; rights is what an agent may do with its topics.
func startMosquitto(t *testing.T, settings, rights string) *mosquitto {
	t.Helper()
	for _, program := range []string{"mosquitto", "mosquitto_passwd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("mosquitto is not installed")
		}
	}
	m := &mosquitto{t: t, authority: transporttest.NewAuthority(t), folder: t.TempDir()}
	free := listen(t)
	m.address = free.Addr().String()
	free.Close()
	cert, key := m.authority.Issue("127.0.0.1", time.Now().Add(time.Hour))
	_, port, _ := net.SplitHostPort(m.address)
	m.write("conf", fmt.Sprintf("user root\nlistener %s 127.0.0.1\ncertfile %s\nkeyfile %s\nallow_anonymous false\npassword_file %s\nacl_file %s\n%s\n",
		port, cert, key, m.file("passwords"), m.file("access"), settings))
	m.write("access", fmt.Sprintf("user portal\ntopic meteragent/v1/#\npattern %s meteragent/v1/%s/%%c/#\n", rights, transporttest.Customer))
	m.write("passwords", fmt.Sprintf("portal:%[1]s\n%[2]s:%[1]s\n", transporttest.Token.Reveal(), transporttest.Agent))
	if out, err := exec.Command("mosquitto_passwd", "-U", m.file("passwords")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.start()
	t.Cleanup(m.stop)
	return m
}

func (m *mosquitto) file(name string) string { return filepath.Join(m.folder, name) }

func (m *mosquitto) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(m.file(name), []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// start returns once the port is open.
func (m *mosquitto) start() {
	m.t.Helper()
	m.process = exec.Command("mosquitto", "-c", m.file("conf"))
	if err := m.process.Start(); err != nil {
		m.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := net.Dial("tcp", m.address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatal(err)
		}
	}
}

func (m *mosquitto) stop() {
	m.signal(syscall.SIGCONT)
	m.signal(syscall.SIGTERM)
	m.process.Wait() // how it ends does not matter
}

func (m *mosquitto) signal(s syscall.Signal) { m.process.Process.Signal(s) }

func (m *mosquitto) portal() *portal.Portal {
	p := portal.New(portal.Options{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- p.ServeMQTT(ctx, portal.Broker{
			URL: "mqtts://" + m.address, User: "portal", Password: transporttest.Token,
			TLS: &tls.Config{RootCAs: m.authority.Pool(), ServerName: "127.0.0.1"},
		})
	}()
	m.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			m.t.Errorf("portal: %v", err)
		}
	})
	return p
}

func (m *mosquitto) dial(change func(*transport.Config)) transport.Link {
	m.t.Helper()
	c := transport.Config{
		URL: "mqtts://" + m.address, Token: transporttest.Token, CAFile: m.authority.File,
		Agent: transporttest.Agent, Customer: transporttest.Customer,
	}
	if change != nil {
		change(&c)
	}
	link, err := transport.Dial(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { link.Close() })
	return link
}

// deliver sends until the batch is settled, as an agent does, since the portal may
// not have subscribed yet.
func deliver(t *testing.T, link transport.Link, batch []transport.Message) transport.Receipt {
	t.Helper()
	for patience := 300 * time.Millisecond; ; patience *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		receipt, err := link.Send(ctx, batch)
		cancel()
		if err == nil {
			return receipt
		}
		if patience > time.Minute {
			t.Fatal(err)
		}
	}
}

func TestMosquitto(t *testing.T) {
	m := startMosquitto(t, "", "readwrite")
	p := m.portal()
	link := m.dial(nil)
	for round := range 3 {
		r := deliver(t, link, transporttest.Batch(1+100*round, 100))
		if r.Accepted+r.Duplicates != 100 {
			t.Errorf("round %d: got %+v", round, r)
		}
		m.stop()
		m.start()
	}
	if n := p.Counts().Received; n != 300 || len(p.Holes()) > 0 {
		t.Errorf("portal has %d of 300, holes %v", n, p.Holes())
	}
	_, err := m.dial(func(c *transport.Config) { c.Token = "wrong" }).Send(t.Context(), nil)
	if !errors.Is(err, transport.ErrUnauthorized) {
		t.Errorf("wrong password: got error %v", err)
	}
	deliver(t, link, nil)
	m.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := link.Send(ctx, transporttest.Batch(301, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("frozen: got error %v", err)
	}
	m.signal(syscall.SIGCONT)
	deliver(t, link, transporttest.Batch(301, 1))
}

// The broker acknowledges what it drops; no record may be taken for delivered.
func TestMosquittoDrops(t *testing.T) {
	t.Run("size limit", func(t *testing.T) {
		m := startMosquitto(t, "message_size_limit 20000", "readwrite")
		p := m.portal()
		link := m.dial(nil)
		deliver(t, link, transporttest.Batch(1, 1))
		if err := patiently(t, link, transporttest.Batch(2, 100)); !errors.Is(err, transport.ErrNoReceipt) {
			t.Errorf("got error %v, want ErrNoReceipt", err)
		}
		if err := patiently(t, m.dial(brokerReceipts), nil); !errors.Is(err, transport.ErrUnproved) {
			t.Errorf("broker receipts: got error %v, want ErrUnproved", err)
		}
		within := m.dial(both(brokerReceipts, func(c *transport.Config) { c.LargestBatch = 15_000 }))
		if r := deliver(t, within, transporttest.Batch(2, 10)); r.Accepted != 10 {
			t.Errorf("broker receipts within the limit: got %+v", r)
		}
		if err := p.Until(t.Context(), func() bool { return p.Counts().Received == 11 }); err != nil {
			t.Error(err)
		}
	})
	t.Run("access list", func(t *testing.T) {
		m := startMosquitto(t, "", "read")
		m.portal()
		if err := patiently(t, m.dial(nil), transporttest.Batch(1, 1)); !errors.Is(err, transport.ErrNoReceipt) {
			t.Errorf("got error %v, want ErrNoReceipt", err)
		}
		if err := patiently(t, m.dial(brokerReceipts), nil); !errors.Is(err, transport.ErrUnproved) {
			t.Errorf("broker receipts: got error %v, want ErrUnproved", err)
		}
	})
}
