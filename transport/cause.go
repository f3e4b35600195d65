package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// connectionRefusedOnWindows is WSAECONNREFUSED. Windows returns it in place of
// syscall.ECONNREFUSED, which Go's Windows port only invents.
const connectionRefusedOnWindows = syscall.Errno(10061)

// fail makes the error of a Send out of whatever ended it.
func fail(ctx context.Context, host string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		named := *e // several Sends may share what ended their connection
		named.Host = host
		return &named
	}
	if errors.Is(context.Cause(ctx), ErrClosed) {
		return &Error{Host: host, Kind: ErrClosed}
	}
	// The text of a url.Error holds the URL with its query, which may be a secret.
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && unknown.Cert != nil {
		err = fmt.Errorf("it is issued by %s: %w", issuer(unknown.Cert), err)
	}
	return &Error{Host: host, Kind: kindOf(err), Cause: err}
}

// kindOf names the cause of a network error; nil if it has no name.
func kindOf(err error) error {
	if kind := certificateKind(err); kind != nil {
		return kind
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return ErrProxy
	}
	if isType[tls.RecordHeaderError](err) || errors.Is(err, http.ErrSchemeMismatch) {
		return ErrNotTLS
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return ErrNoSuchHost
		}
		return ErrNoDNS
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, connectionRefusedOnWindows) {
		return ErrConnectionRefused
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	return nil
}

func certificateKind(err error) error {
	if isType[x509.UnknownAuthorityError](err) {
		return ErrUnknownAuthority
	}
	if isType[x509.HostnameError](err) {
		return ErrWrongHost
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ErrExpired
	}
	// What the far side says of our certificate arrives as a TLS alert, for which
	// crypto/tls exports no type of its own: only its text tells them apart.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		switch op.Err.Error() {
		case "tls: bad certificate", "tls: unsupported certificate", "tls: revoked certificate", "tls: expired certificate",
			"tls: unknown certificate", "tls: unknown certificate authority", "tls: access denied", "tls: certificate required":
			return ErrUnauthorized
		}
	}
	return nil
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
