package transporttest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"

	"meteragent/transport"
)

// The login of a Proxy.
const proxyUser, proxyPassword = "site", "hunter2"

// A Proxy is an HTTP proxy on 127.0.0.1 that connects whoever logs in with Basic.
type Proxy struct {
	listener net.Listener
	scheme   string

	mu      sync.Mutex
	tunnels []string
}

// NewProxy starts a proxy, behind TLS if security is not nil. It stops with the test.
func NewProxy(t testing.TB, security *tls.Config) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, scheme: "http"}
	if security != nil {
		p.listener, p.scheme = tls.NewListener(listener, security), "https"
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return p
}

// URL returns the proxy's address with its login.
func (p *Proxy) URL() transport.Secret {
	return p.as(proxyUser + ":" + proxyPassword + "@")
}

// Stranger returns the proxy's address without a login.
func (p *Proxy) Stranger() transport.Secret { return p.as("") }

func (p *Proxy) as(login string) transport.Secret {
	return transport.Secret(p.scheme + "://" + login + p.listener.Addr().String())
}

// Tunnels returns where the proxy has connected to, in order.
func (p *Proxy) Tunnels() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tunnels)
}

// serve answers one CONNECT, and then passes on what comes.
func (p *Proxy) serve(c net.Conn) {
	defer c.Close()
	from := bufio.NewReader(c)
	r, err := http.ReadRequest(from)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization")) // for BasicAuth
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodConnect:
		io.WriteString(c, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		return
	case user != proxyUser || password != proxyPassword:
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n"+
			"Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"site\"\r\n\r\n")
		return
	}
	far, err := net.Dial("tcp", r.Host)
	if err != nil {
		io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\n\r\n")
		return
	}
	defer far.Close()
	p.mu.Lock()
	p.tunnels = append(p.tunnels, r.Host)
	p.mu.Unlock()
	io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(far, from)
		far.Close()
	}()
	io.Copy(c, far)
}
