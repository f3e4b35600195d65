package packaging_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"meteragent/packaging"
)

// What was touched of the program is given back, and comes again when it is needed.
func TestGiveBackPages(t *testing.T) {
	touchProgram(t)
	before := residentFiles(t)
	packaging.GiveBackPages()
	if after := residentFiles(t); before-after < 1024 {
		t.Errorf("%d KiB of files are in memory, and were %d: less than 1 MiB was given back", after, before)
	}
}

// touchProgram reads all that is mapped of this program.
func touchProgram(t *testing.T) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for line := range strings.Lines(string(maps)) {
		var start, end int64
		if _, err := fmt.Sscanf(line, "%x-%x", &start, &end); err != nil || !strings.Contains(line, program) {
			continue
		}
		if _, err := io.Copy(io.Discard, io.NewSectionReader(memory, start, end-start)); err != nil {
			t.Fatal(err)
		}
	}
}

// residentFiles is how many KiB of files, the program among them, are in the memory of this process.
func residentFiles(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "RssFile: %d", &kib); err == nil {
			return kib
		}
	}
	t.Skip("this kernel does not tell")
	return 0
}
