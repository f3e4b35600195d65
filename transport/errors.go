package transport

import (
	"errors"
	"strings"
	"time"
)

// The errors of Send that change what a caller does with the batch.
var (
	// ErrRefused: the portal will never take this batch as it is (HTTP 400, 413, 422),
	// or it cannot be written down at all. Halve it; set a single record aside.
	ErrRefused = errors.New("batch refused")
	// ErrUnauthorized: the portal knows us not, or not any more (HTTP 401 and 403,
	// MQTT return codes 2, 4 and 5, our certificate refused). Keep everything.
	ErrUnauthorized = errors.New("not authorised")
	// ErrClosed: the link was closed.
	ErrClosed = errors.New("link is closed")
)

// The causes that a person can mend. Everything is kept and sent again.
var (
	// ErrNotPortal: something answered that is not the portal: a captive portal's login
	// page, a proxy's greeting, a wrong address.
	ErrNotPortal = errors.New("this is not the portal")
	// ErrNoReceipt: the MQTT broker took the records, but no portal answered in time. The
	// portal is down, may not subscribe, or the broker drops what we publish.
	ErrNoReceipt = errors.New("no receipt from the portal")
	// ErrDenied: the MQTT broker denies the subscription. Its access list says so or, until it
	// has put itself in order, a cluster that has just lost a server; MQTT 3.1.1 has one word for both.
	ErrDenied = errors.New("the broker denies the subscription")
	// ErrUnproved: the MQTT broker acknowledged a probe and did not deliver it, so that its
	// acknowledgements are worth nothing (receipts = "broker" only).
	ErrUnproved = errors.New("the broker acknowledges what it does not deliver")
	// ErrUnknownAuthority: the portal's certificate is signed by nobody we trust.
	ErrUnknownAuthority = errors.New("certificate of an unknown authority")
	// ErrWrongHost: the portal's certificate is for another name.
	ErrWrongHost = errors.New("certificate of another host")
	// ErrExpired: the portal's certificate is not valid at this time, or this machine's
	// clock is wrong.
	ErrExpired = errors.New("certificate expired or not yet valid")
	// ErrPin: the portal's certificate is trusted, but not the one it should be: somebody
	// opens the connection on the way, or the portal has a new key.
	ErrPin = errors.New("certificate does not have the pinned key")
	// ErrTakenOver: the broker closes our session again and again. Most often another
	// agent has the same identity, such as a copied machine, since a broker lets the newest go
	// on; MQTT 3.1.1 does not say why.
	ErrTakenOver = errors.New("the broker keeps closing our session, as if another agent had our identity")
	// ErrNotTLS: the port answered, but not in TLS.
	ErrNotTLS = errors.New("port does not speak TLS")
	// ErrConnectionRefused: the host is there and nothing listens on the port.
	ErrConnectionRefused = errors.New("connection refused")
	// ErrNoSuchHost: the name is not in the DNS.
	ErrNoSuchHost = errors.New("no such host")
	// ErrNoDNS: the DNS server of this machine does not answer, or cannot.
	ErrNoDNS = errors.New("DNS does not answer")
	// ErrProxy: the proxy is not there, or does not let us through.
	ErrProxy = errors.New("proxy does not connect us")
	// ErrTimeout: no answer in time. The error also wraps context.DeadlineExceeded if
	// the context ended it.
	ErrTimeout = errors.New("no answer in time")
)

// An Error is what Send returns when a batch is not settled. It wraps one of the
// errors above, if one fits, and the cause. It never holds the token or the URL's
// query.
type Error struct {
	Host    string        // host, and port if the URL has one
	Kind    error         // one of this package's errors; nil: try again after a while
	Status  int           // HTTP status; 0 if there was no HTTP answer
	Problem Problem       // what the portal said, if it did so as RFC 9457 wants it
	Wait    time.Duration // Retry-After (RFC 9110 section 10.2.3); 0 if the portal did not say
	Cause   error         // nil if there is nothing to add
}

func (e *Error) Error() string {
	parts := []string{e.Host}
	if e.Kind != nil && (e.Cause == nil || !strings.Contains(e.Cause.Error(), e.Kind.Error())) { // said once is enough
		parts = append(parts, e.Kind.Error())
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	if said := e.Problem.line(); said != "" {
		parts = append(parts, said)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// RetryAfter returns how long the portal asked us to stay away, and whether it did.
func RetryAfter(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*Error](err); ok && e.Wait > 0 {
		return e.Wait, true
	}
	return 0, false
}
