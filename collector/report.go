package collector

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// The errors of version 3, each with the counter by which the device names it (RFC
// 3414 section 5, RFC 3413 section 3.2). That the device said so is not proved.
var (
	ErrLevel       = errors.New("unsupported security level (usmStatsUnsupportedSecLevels)")
	ErrTimeWindow  = errors.New("not in time window (usmStatsNotInTimeWindows)")
	ErrUnknownUser = errors.New("unknown user (usmStatsUnknownUserNames)")
	ErrWrongDigest = errors.New("wrong digest (usmStatsWrongDigests)")
	ErrDecryption  = errors.New("decryption error (usmStatsDecryptionErrors)")
	ErrContext     = errors.New("unknown context (snmpUnknownContexts)")
	// ErrUnheard: the device has said who it is, but does not answer this user. That is
	// how many answer who encrypts with another key, or has not the right to read.
	ErrUnheard = errors.New("the device answers, but not to this user")
	// ErrRefused is any other report.
	ErrRefused = errors.New("refused by the device")
)

// The counters that reports name.
const (
	usmStats      = "1.3.6.1.6.3.15.1.1."
	outsideWindow = usmStats + "2.0"
	unknownEngine = usmStats + "4.0"
)

// A report is what a device answers to a message that it could not accept.
type report struct {
	counter     string // the object that it names
	engine      string
	boots, time uint32 // of the engine; seconds
	proved      bool   // it is authentic
}

// newReport is the report in a message.
func newReport(m *gosnmp.SnmpPacket) *report {
	r := &report{proved: m.MsgFlags&proved != 0}
	if len(m.Variables) > 0 {
		r.counter = strings.TrimPrefix(m.Variables[0].Name, ".")
	}
	if params, ok := m.SecurityParameters.(*gosnmp.UsmSecurityParameters); ok {
		r.engine, r.boots, r.time = params.AuthoritativeEngineID, params.AuthoritativeEngineBoots, params.AuthoritativeEngineTime
	}
	return r
}

func (r *report) Error() string {
	if err := r.Unwrap(); err != ErrRefused {
		return err.Error()
	}
	return fmt.Sprintf("%s: it reports %s", ErrRefused, plainText(r.counter, 0))
}

// Unwrap returns the error of the counter.
func (r *report) Unwrap() error {
	switch r.counter {
	case usmStats + "1.0":
		return ErrLevel
	case outsideWindow:
		return ErrTimeWindow
	case usmStats + "3.0":
		return ErrUnknownUser
	case usmStats + "5.0":
		return ErrWrongDigest
	case usmStats + "6.0":
		return ErrDecryption
	case "1.3.6.1.6.3.12.1.4.0", "1.3.6.1.6.3.12.1.5.0":
		return ErrContext
	}
	return ErrRefused
}

// isRefusal says whether a device has refused a user.
func isRefusal(err error) bool {
	var r *report
	return errors.As(err, &r)
}
