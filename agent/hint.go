package agent

import (
	"errors"
	"io/fs"
	"net"
	"syscall"

	"meteragent/agent/text"
	"meteragent/collector"
	"meteragent/store"
	"meteragent/transport"
)

// Hint is the key of the sentence that tells a technician what to do about an
// error; "" if there is none. The more particular errors come first.
func Hint(err error) text.Key {
	disk := Disk(err)
	for _, known := range []struct {
		err error
		key text.Key
	}{
		{transport.ErrPending, text.Key("hint.enroll.pending")},
		{transport.ErrUnknownAuthority, text.Key("hint.portal.authority")},
		{transport.ErrWrongHost, text.Key("hint.portal.host")},
		{transport.ErrExpired, text.Key("hint.portal.expired")},
		{transport.ErrPin, text.Key("hint.portal.pin")},
		{transport.ErrTakenOver, text.Key("hint.portal.taken")},
		{transport.ErrNotTLS, text.Key("hint.portal.tls")},
		{transport.ErrNotPortal, text.Key("hint.portal.captive")},
		{transport.ErrProxy, text.Key("hint.portal.proxy")},
		{transport.ErrUnauthorized, text.Key("hint.portal.token")},
		{transport.ErrNoReceipt, text.Key("hint.portal.receipt")},
		{transport.ErrDenied, text.Key("hint.portal.denied")},
		{transport.ErrUnproved, text.Key("hint.portal.unproved")},
		{transport.ErrNoSuchHost, text.Key("hint.portal.name")},
		{transport.ErrNoDNS, text.Key("hint.portal.dns")},
		{transport.ErrConnectionRefused, text.Key("hint.portal.refused")},
		{transport.ErrTimeout, text.Key("hint.portal.silent")},
		{collector.ErrUnknownUser, text.Key("hint.user.unknown")},
		{collector.ErrWrongDigest, text.Key("hint.user.digest")},
		{collector.ErrDecryption, text.Key("hint.user.decryption")},
		{collector.ErrLevel, text.Key("hint.user.level")},
		{collector.ErrTimeWindow, text.Key("hint.user.time")},
		{collector.ErrContext, text.Key("hint.user.context")},
		{collector.ErrUnheard, text.Key("hint.user.unheard")},
		{collector.ErrNoAnswer, text.Key("hint.device.silent")},
		{collector.ErrNotPrinter, text.Key("hint.device.other")},
		{ErrNoDevice, text.Key("hint.request.device")},
		{ErrNoWords, text.Key("hint.request.words")},
		{ErrTooLong, text.Key("hint.request.long")},
		{ErrTooMany, text.Key("hint.request.many")},
		{store.ErrInUse, text.Key("hint.database.used")},
		{store.ErrNewer, text.Key("hint.database.newer")},
		{syscall.ENOSPC, text.Key("hint.full")},
		{syscall.EDQUOT, text.Key("hint.full")},
		{store.ErrDamaged, text.Key("hint.database.damaged")},
		{syscall.EADDRINUSE, text.Key("hint.address.used")},
		{fs.ErrPermission, text.Key("hint.rights")},
		{syscall.EROFS, text.Key("hint.disk.readonly")},
		{syscall.EIO, text.Key("hint.disk.broken")},
	} {
		if errors.Is(err, known.err) || known.err == disk {
			return known.key
		}
	}
	if name := (*net.DNSError)(nil); errors.As(err, &name) {
		return text.Key("hint.device.name")
	}
	return ""
}

// Advised is a sentence about an error, and what to do about that.
func Advised(words *text.Catalogue, sentence string, err error) string {
	if key := Hint(err); key != "" {
		return sentence + "; " + words.Say(key)
	}
	return sentence
}

// hint is the sentence in the language of the log.
func hint(err error) string {
	key := Hint(err)
	if key == "" {
		return ""
	}
	return text.For("").Say(key)
}
