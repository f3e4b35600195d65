package collector

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// maxCaptured is how many objects of one subtree a recording has at most.
const maxCaptured = 2000

// Capture reads a device and writes what it says as a recording, without what is
// private: who answers for it and where it stands, its host name, serial numbers
// and hardware addresses. Recorded are the objects of a reading, the Printer MIB,
// and the branches that the device's profile names; nothing else, so no job logs
// and no address books. The errors are those of Read, and of writing.
func (c *Collector) Capture(ctx context.Context, t Target, to io.Writer) (Reading, error) {
	if t.Deadline == 0 {
		t.Deadline = 5 * time.Minute
	}
	var recorded []variable
	var r Reading
	err := c.readThen(ctx, t.withDefaults(), &r, func(ctx context.Context, q *query) error {
		var err error
		recorded, err = q.record(ctx)
		return err
	})
	if err != nil {
		return Reading{}, fmt.Errorf("capture %s: %w", t.Address, err)
	}
	return r, writeRecording(to, recorded)
}

// record reads the subtrees that belong into a recording. What a device does not
// want to tell is left out.
func (q *query) record(ctx context.Context) ([]variable, error) {
	roots := []string{"1.3.6.1.2.1.1", "1.3.6.1.2.1.25.3.2.1", "1.3.6.1.2.1.25.3.5.1", ifType, ifPhysAddress}
	for table := 5; table <= 18; table++ {
		roots = append(roots, fmt.Sprintf("%s.%d", printerMIB, table))
	}
	if q.profile != nil {
		roots = append(roots, q.profile.subtrees()...)
	}
	var all []variable
	for _, root := range roots {
		found := harvest{}
		subtree := span{from: root, to: root, rows: 20, most: maxCaptured}
		if err := walkAll(ctx, q.session, []span{subtree}, found, q.limits, nil); err != nil && ctx.Err() != nil {
			return nil, err
		}
		for _, values := range found {
			all = append(all, values...)
		}
	}
	slices.SortStableFunc(all, func(a, b variable) int { return compareOID(a.name, b.name) })
	all = slices.CompactFunc(all, func(a, b variable) bool { return a.name == b.name })
	return q.scrub(all), nil
}

// scrub takes out what is private, wherever it is said again.
func (q *query) scrub(all []variable) []variable {
	columns := []string{
		sysContact, sysName, sysLocation, ifPhysAddress, prtGeneralSerialNumber,
		printerMIB + ".5.1.1.4", printerMIB + ".5.1.1.5", // prtGeneralCurrentOperator, prtGeneralServicePerson
	}
	if q.profile != nil {
		for _, o := range q.profile.Device.Serial {
			columns = append(columns, o.OID)
		}
	}
	var private []string
	for _, v := range all {
		if v.kind != octets {
			continue
		}
		for _, column := range columns {
			if (v.name == column || under(column, v.name)) && len(pmlText(v.text)) > 2 {
				private = append(private, v.text, pmlText(v.text), strings.TrimSpace(pmlText(v.text)))
			}
		}
		if under(ifPhysAddress, v.name) && len(v.text) == 6 {
			private = append(private, hex.EncodeToString([]byte(v.text)), net.HardwareAddr(v.text).String())
		}
		if n := serialNumber(v.text); len(n) > 3 {
			private = append(private, n)
		}
	}
	slices.SortFunc(private, func(a, b string) int { return len(b) - len(a) }) // the longest first
	for i := range all {
		for _, text := range private {
			all[i].text = replaceFold(all[i].text, text, mask(text))
		}
	}
	return all
}

// mask keeps the form of a text: letters become A, digits 1.
func mask(text string) string {
	masked := []byte(text)
	for i, c := range masked {
		switch {
		case c >= '0' && c <= '9':
			masked[i] = '1'
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			masked[i] = 'A'
		case c >= 0x80 || c < ' ':
			masked[i] = 1
		}
	}
	return string(masked)
}

// replaceFold replaces old whether it is written in upper or lower case. Both are of
// one length.
func replaceFold(text, old, masked string) string {
	if len(old) < 3 {
		return text
	}
	for i := 0; i+len(old) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(old)], old) {
			text = text[:i] + masked + text[i+len(old):]
			i += len(old) - 1
		}
	}
	return text
}

// writeRecording writes objects as ParseRecording reads them.
func writeRecording(to io.Writer, all []variable) error {
	b := bufio.NewWriter(to)
	for _, v := range all {
		switch v.kind {
		case integer:
			tag := "2"
			if v.num > 1<<31-1 {
				tag = "70"
			}
			fmt.Fprintf(b, "%s|%s|%d\n", v.name, tag, v.num)
		case identifier:
			fmt.Fprintf(b, "%s|6|%s\n", v.name, v.text)
		case octets:
			if strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' || r > '~' }) || v.text != strings.TrimSpace(v.text) {
				fmt.Fprintf(b, "%s|4x|%x\n", v.name, v.text)
			} else {
				fmt.Fprintf(b, "%s|4|%s\n", v.name, v.text)
			}
		}
	}
	return b.Flush()
}
