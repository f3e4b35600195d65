package agent

import (
	"path/filepath"
	"strconv"
	"testing"

	"meteragent/agent/config"
	"meteragent/store"
)

// Where the file may not become long, readings are dropped before it is full.
func TestRoomOfShortFile(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "agent.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if short := strconv.IntSize == 32; (s.Most() > 0) != short {
		t.Errorf("the file may become %d bytes long", s.Most())
	}
	for _, maxBytes := range []int64{16_000_000, config.Default().Store.MaxBytes, 64_000_000_000} {
		got := roomOf(maxBytes, s)
		if most := s.Most(); got > maxBytes || most > 0 && got >= most/16*15 || most == 0 && got != maxBytes {
			t.Errorf("%d bytes of %d: %d", maxBytes, most, got)
		}
	}
}
