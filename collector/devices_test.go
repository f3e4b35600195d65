package collector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meteragent/collector"
	"meteragent/collector/simulator"
)

var update = flag.Bool("update", false, "write the readings of the recordings as they are now")

// devices are the folders of testdata/devices, each a recording and its reading.
func devices(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob("testdata/devices/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no devices", err)
	}
	return folders
}

func profiles(t *testing.T) *collector.Profiles {
	t.Helper()
	p, err := collector.EmbeddedProfiles()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func golden(t *testing.T, folder string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "reading.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asJSON is a reading without what differs from one to the next.
func asJSON(t *testing.T, r collector.Reading) []byte {
	t.Helper()
	r.TakenAt = time.Time{}
	r.UptimeSeconds = 0
	r.Device.Address, r.Device.Port = "", 0
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDevices(t *testing.T) {
	for _, folder := range devices(t) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			f, err := os.Open(filepath.Join(folder, "walk.snmprec"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rec, err := collector.ParseRecording(f)
			if err != nil {
				t.Fatal(err)
			}
			r, err := rec.Read(context.Background(), collector.Full, profiles(t))
			if err != nil {
				t.Fatal(err)
			}
			got := asJSON(t, r)
			if *update {
				if err := os.WriteFile(filepath.Join(folder, "reading.json"), got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(golden(t, folder)), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// serveRecording is a device that answers in a version what stands in a folder's recording.
func serveRecording(t *testing.T, folder string, version collector.Version) collector.Target {
	t.Helper()
	f, err := os.Open(filepath.Join(folder, "walk.snmprec"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	copier, err := simulator.FromRecording(f)
	if err != nil {
		t.Fatal(err)
	}
	target := serve(t, copier)
	target.Credentials = []collector.Credential{{Version: version, Community: "public"}}
	return target
}

// Over the network, in either version, a device reads as from its recording.
func TestDevicesOverTheNetwork(t *testing.T) {
	for _, folder := range devices(t) {
		for _, version := range []collector.Version{collector.V1, collector.V2c} {
			t.Run(filepath.Base(folder)+"/"+version.String(), func(t *testing.T) {
				target := serveRecording(t, folder, version)
				r, err := collector.New().Read(context.Background(), target)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(golden(t, folder)), string(asJSON(t, r))); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// A device is read by plan as without one, and for less.
func TestDevicesByPlan(t *testing.T) {
	for _, folder := range devices(t) {
		for _, version := range []collector.Version{collector.V1, collector.V2c} {
			t.Run(filepath.Base(folder)+"/"+version.String(), func(t *testing.T) {
				target := serveRecording(t, folder, version)
				c := collector.New()
				first := read(t, c, target)
				target.Plan = first.Plan
				r := read(t, c, target)
				if diff := cmp.Diff(string(golden(t, folder)), string(asJSON(t, r))); diff != "" {
					t.Error(diff)
				}
				if r.Traffic.Requests > 3 || r.Traffic.Requests > first.Traffic.Requests/2+1 {
					t.Errorf("%+v by a plan of %d octets, %+v before", r.Traffic, len(first.Plan), first.Traffic)
				}
			})
		}
	}
}

// The scope of supplies asks for less and says the same of what it asks for.
func TestScopeSupplies(t *testing.T) {
	for _, folder := range devices(t) {
		f, err := os.Open(filepath.Join(folder, "walk.snmprec"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rec, err := collector.ParseRecording(f)
		if err != nil {
			t.Fatal(err)
		}
		want, err := rec.Read(context.Background(), collector.Full, profiles(t))
		if err != nil {
			t.Fatal(err)
		}
		want.Inputs, want.Status.Console = nil, nil
		want.Device.Name, want.Device.Location, want.Device.Contact = "", "", ""
		got, err := rec.Read(context.Background(), collector.Supplies, profiles(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(asJSON(t, want)), string(asJSON(t, got))); diff != "" {
			t.Errorf("%s: %s", folder, diff)
		}
	}
}
