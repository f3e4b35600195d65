package transport_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// What a released version has sent is taken for ever, over both links: a database may hold
// it for months. The agent's tests keep the bodies.
func TestReleasedBodiesAreTaken(t *testing.T) {
	files, err := filepath.Glob("../agent/testdata/wire/v*/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d bodies: %v", len(files), err)
	}
	var batch []transport.Message
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, transport.Message{
			Stream: "released", Lane: "bulk", Seq: uint64(i + 1), Kind: strings.TrimSuffix(filepath.Base(file), ".json"),
			Subject: "ABC12345", At: time.Date(2026, 11, 30, 17, 0, i, 0, time.UTC), Body: body,
		})
	}
	for name, peer := range map[string]transporttest.Peer{"https": transporttest.NewServer(t), "mqtts": transporttest.NewBroker(t)} {
		receipt, err := transporttest.Dial(t, peer, nil).Send(t.Context(), batch)
		if err != nil || receipt.Accepted != len(batch) || len(receipt.Rejected) > 0 {
			t.Errorf("%s: of %d bodies %+v: %v", name, len(batch), receipt, err)
		}
	}
}
