package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// checkProxy returns Config.Proxy taken apart, nil for none or the environment's. Its
// errors do not quote it, since it may hold a password.
func (c Config) checkProxy() (*url.URL, error) {
	if c.Proxy == "" || c.Proxy == none {
		return nil, nil
	}
	proxy, err := url.Parse(c.Proxy.Reveal())
	if err != nil || proxy.Scheme != "http" && proxy.Scheme != "https" || proxy.Hostname() == "" {
		return nil, errors.New("proxy: must be http://host:port, https://host:port or none")
	}
	return proxy, nil
}

// ProxyFor returns the proxy for a request, nil for none, as http.Transport wants it. Only Proxy
// of c counts.
func (c Config) ProxyFor(r *http.Request) (*url.URL, error) {
	switch c.Proxy {
	case "":
		return http.ProxyFromEnvironment(r)
	case none:
		return nil, nil
	}
	return c.checkProxy()
}

// proxyAnswer gives a proxy's refusal a type, which net/http does not, and says which
// ways to log in it knows: of those, only Basic is ours.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	text := "it answers " + status(r)
	var schemes []string
	for _, wanted := range r.Header.Values("Proxy-Authenticate") {
		scheme, _, _ := strings.Cut(wanted, " ")
		schemes = append(schemes, scheme)
	}
	if len(schemes) > 0 {
		text += ", and wants " + Problem{Title: strings.Join(schemes, " or ")}.line()
	}
	return &Error{Kind: ErrProxy, Cause: errors.New(text)}
}

// dialTCP opens a connection to an address, through the proxy if there is one.
func dialTCP(ctx context.Context, proxy *url.URL, security *tls.Config, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if proxy == nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	port := map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	conn, err := dialer.DialContext(ctx, "tcp", hostPort(proxy, port))
	if err != nil {
		return nil, &Error{Kind: ErrProxy, Cause: err}
	}
	if proxy.Scheme == "https" {
		// The pin and the client certificate are for the portal.
		secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: proxy.Hostname(), RootCAs: security.RootCAs})
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &Error{Kind: ErrProxy, Cause: err}
		}
		conn = secure
	}
	through, err := tunnel(ctx, conn, proxy, address)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return through, nil
}

// tunnel asks a proxy for a connection to an address (RFC 9110 section 9.3.6).
func tunnel(ctx context.Context, conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		login := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+login)
	}
	if err := request.Write(conn); err != nil {
		return nil, &Error{Kind: ErrProxy, Cause: err}
	}
	// One byte at a time: what follows the answer is the portal's.
	answer, err := http.ReadResponse(bufio.NewReader(&single{conn, longestHead}), request)
	if err != nil {
		return nil, &Error{Kind: ErrProxy, Cause: err}
	}
	answer.Body.Close() // of the answer to CONNECT there is none
	if err := proxyAnswer(ctx, nil, request, answer); err != nil {
		return nil, err
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return conn, nil
}

const longestHead = 16 << 10 // bytes of a proxy's answer

// single reads one byte at a time, and not too many of them.
type single struct {
	conn net.Conn
	left int
}

func (s *single) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, fmt.Errorf("answer is over %d bytes", longestHead)
	}
	s.left--
	return s.conn.Read(p[:min(1, len(p))])
}
