package agent_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meteragent/transport/transporttest"
)

// telegrafReadings is a backlog that Telegraf, which keeps it in memory, still fits into a small machine with.
const telegrafReadings = 480 * batchSize

// TestSoakDrainTelegraf empties the same backlog with the agent and with the Telegraf that the
// environment variable TELEGRAF names, in one run: 96 readings in a batch, TLS, gzip over HTTPS, QoS 1
// over MQTT. Telegraf has read them from a file into memory before the first one arrives, and has
// nothing to write down; its time counts from the first arrival to the last.
func TestSoakDrainTelegraf(t *testing.T) {
	program := os.Getenv("TELEGRAF")
	if os.Getenv("METERAGENT_SOAK") == "" || program == "" {
		t.Skip("only with METERAGENT_SOAK, and with the path of Telegraf in TELEGRAF")
	}
	lines := filepath.Join(t.TempDir(), "readings")
	asLines(t, lines, telegrafReadings)
	for _, kind := range []string{"https", "mqtts"} {
		t.Run(kind, func(t *testing.T) {
			ours := drainApart(t, receiver(t, kind, 0), telegrafReadings)
			output, came := telegrafOutput(t, kind)
			memory := telegraf(t, program, lines, output)
			theirs := came.last.Sub(came.first)
			if got := came.readings(t); got != telegrafReadings {
				t.Errorf("%d readings have come from Telegraf, want %d", got, telegrafReadings)
			}
			t.Logf("%d readings: ours %d ms, %d MB; Telegraf %d ms, %d MB; its time to ours: %.1f",
				telegrafReadings, ours.took.Milliseconds(), ours.all>>10, theirs.Milliseconds(), memory>>10, theirs.Seconds()/ours.took.Seconds())
		})
	}
}

// asLines writes readings in Telegraf's own format, of which each is one metric.
func asLines(t *testing.T, path string, n int) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	body := strings.ReplaceAll(strings.ReplaceAll(reading(t), `\`, `\\`), `"`, `\"`)
	for i := range n {
		serial := fmt.Sprintf("KXF%05d", i%100)
		text := strings.NewReplacer("KXF00001", serial, "123456", fmt.Sprint(123456+i)).Replace(body)
		fmt.Fprintf(w, "reading,serial=%s body=\"%s\" %d\n", serial, text, time.Date(2026, 11, 1, 0, 0, i, 0, time.UTC).UnixNano())
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// arrivals are the readings that have come, and when.
type arrivals struct {
	mu          sync.Mutex
	batches     [][]byte
	first, last time.Time
}

func (a *arrivals) add(batch []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = time.Now()
	if a.batches == nil {
		a.first = a.last
	}
	a.batches = append(a.batches, batch)
}

// readings counts them, when nothing comes any more.
func (a *arrivals) readings(t *testing.T) (n int) {
	for _, batch := range a.batches {
		if packed, err := gzip.NewReader(bytes.NewReader(batch)); err == nil {
			if batch, err = io.ReadAll(packed); err != nil {
				t.Error(err)
			}
		}
		n += bytes.Count(batch, []byte("reading,serial="))
	}
	return n
}

// telegrafOutput returns the configuration of an output, and what comes through it.
func telegrafOutput(t *testing.T, kind string) (output string, came *arrivals) {
	came = &arrivals{}
	if kind == "mqtts" {
		broker := transporttest.NewBroker(t)
		broker.Let("bare", "bare/")
		broker.Take(t, "bare/reading", came.add)
		return fmt.Sprintf("[[outputs.mqtt]]\nservers = [%q]\ntopic = \"bare/reading\"\nqos = 1\nlayout = \"batch\"\nusername = \"bare\"\npassword = %q\ntls_ca = %q\ndata_format = \"influx\"\n",
				broker.Config().URL, transporttest.Token.Reveal(), broker.Authority.File),
			came
	}
	a := transporttest.NewAuthority(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		all, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came.add(all)
	}))
	server.TLS = a.Server()
	server.StartTLS()
	t.Cleanup(server.Close)
	return fmt.Sprintf("[[outputs.http]]\nurl = %q\ntls_ca = %q\ncontent_encoding = \"gzip\"\ndata_format = \"influx\"\nuse_batch_format = true\n", server.URL, a.File),
		came
}

// telegraf reads the lines of a file and puts them out, once. It returns the most memory the
// process had, in KiB.
func telegraf(t *testing.T, program, lines, output string) (memory int64) {
	t.Helper()
	configuration := filepath.Join(t.TempDir(), "telegraf.conf")
	text := fmt.Sprintf("[agent]\nomit_hostname = true\nmetric_batch_size = %d\nmetric_buffer_limit = %d\n%s\n[[inputs.file]]\nfiles = [%q]\ndata_format = \"influx\"\n",
		batchSize, 2*telegrafReadings, output, lines)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, "--once", "--quiet", "--config", configuration)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
