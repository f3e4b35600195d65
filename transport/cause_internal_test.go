package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want error
	}{
		{&net.DNSError{Err: "no such host", Name: "portal.example.com", IsNotFound: true}, ErrNoSuchHost},
		{&net.DNSError{Err: "i/o timeout", Name: "portal.example.com", IsTimeout: true}, ErrNoDNS},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "portal.example.com", UnwrapErr: syscall.ECONNREFUSED}}, ErrNoDNS},
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
