package packaging

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// serviceSID is the security identifier of the virtual account NT SERVICE\name. It follows from the name alone, so rights can
// be given before the service exists: S-1-5-80, then the SHA-1 of the upper-case name in UTF-16LE as five numbers.
func serviceSID(name string) string {
	var text []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	sum := sha1.Sum(text)
	sid := "S-1-5-80"
	for part := sum[:]; len(part) > 0; part = part[4:] {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(part))
	}
	return sid
}

// folderRights is who may do what in a folder below %ProgramData%, in Windows' own notation (SDDL). Without it every user of
// the machine could read the portal's token there and put files beside it.
//
//	O:BA       it belongs to the administrators, whoever made it
//	D:P        this list, and nothing inherited from %ProgramData%
//	(A;OICI;   allow, also in files (OI) and folders (CI) within
//	FA;;;SY)   everything to the system
//	FA;;;BA)   everything to administrators
//	FRFX       read to the service's own account; FRFWFXSD is read, write and delete
func folderRights(writable bool) string {
	service := "FRFX"
	if writable {
		service = "FRFWFXSD"
	}
	return "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;" + service + ";;;" + serviceSID(Name) + ")"
}
