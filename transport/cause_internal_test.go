package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want error
	}{
		{&net.DNSError{Err: "no such host", Name: "portal.example.com", IsNotFound: true}, ErrNoSuchHost},
		{&net.DNSError{Err: "i/o timeout", Name: "portal.example.com", IsTimeout: true}, ErrTimeout},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, ErrConnectionRefused},
		{&net.OpError{Op: "dial", Err: syscall.Errno(10061)}, ErrConnectionRefused}, // Windows
		{&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, ErrProxy},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, ErrUnauthorized},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}, nil},
		{fmt.Errorf("dial: %w", http.ErrSchemeMismatch), ErrNotTLS},
		{context.DeadlineExceeded, ErrTimeout},
		{context.Canceled, nil},
		{io.EOF, nil},
	} {
		if got := kindOf(c.err); got != c.want {
			t.Errorf("%v: got %v, want %v", c.err, got, c.want)
		}
	}
}

// net/http asks no proxy about loopback addresses, so the proxy is set by hand.
func TestProxy(t *testing.T) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go http.Serve(proxy, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name, address := range map[string]string{"refuses": proxy.Addr().String(), "is gone": gone.Addr().String()} {
		target := &url.URL{Scheme: "https", Host: "portal.example.com"}
		link := newHTTPS(Config{Agent: "5d3c9ab4-6f0e-4c1b-9a57-0d5b7c1f2e10", Timeout: 1 << 40}, target, nil)
		link.client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address, User: url.UserPassword("user", "hunter2")})
		_, err = link.Send(t.Context(), nil)
		if !errors.Is(err, ErrProxy) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("proxy %s: got error %v", name, err)
		}
		link.Close()
	}
}
