package page

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// metrics writes the Prometheus text format 0.0.4. Names follow the Prometheus
// conventions; labels are identities, never free text.
func (f Facts) metrics(w http.ResponseWriter, _ *http.Request) {
	status, err := f.Status("")
	if err != nil {
		f.fail(w, err)
		return
	}
	var b bytes.Buffer
	family := func(name, kind, help string, rows func(row func(float64, ...string))) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		rows(func(value float64, labels ...string) {
			fmt.Fprintf(&b, "%s%s %v\n", name, labelled(labels), value)
		})
	}
	family("printer_impressions_total", "counter", "Impressions since manufacture, the primary total meter.",
		func(row func(float64, ...string)) {
			for _, d := range status.Devices {
				if t := total(d.Reading); t != nil {
					row(float64(*t), "device", d.ID)
				}
			}
		})
	family("printer_supply_level_ratio", "gauge", "Measured level of a supply, 0 to 1; of a receptacle the space left.",
		func(row func(float64, ...string)) {
			for _, d := range status.Devices {
				if d.Reading == nil {
					continue
				}
				for _, s := range d.Reading.Supplies {
					if s.Level.Percent != nil {
						row(*s.Level.Percent/100, "device", d.ID, "supply", s.Key, "colorant", s.Colorant, "type", s.Type)
					}
				}
			}
		})
	family("printer_last_read_timestamp_seconds", "gauge", "When the device was last read.",
		func(row func(float64, ...string)) {
			for _, d := range status.Devices {
				row(float64(d.LastReading.Unix()), "device", d.ID)
			}
		})
	family("meteragent_outbox_records", "gauge", "Records that wait for a portal.",
		func(row func(float64, ...string)) {
			for _, p := range status.Portals {
				row(float64(p.Urgent), "portal", p.Name, "lane", "urgent")
				row(float64(p.Bulk), "portal", p.Name, "lane", "bulk")
			}
		})
	family("meteragent_delivered_total", "counter", "Records a portal has confirmed since the start.",
		func(row func(float64, ...string)) {
			for _, p := range status.Portals {
				row(float64(p.Delivered), "portal", p.Name)
			}
		})
	storeMetrics(status, family)
	family("meteragent_info", "gauge", "The program that runs.",
		func(row func(float64, ...string)) { row(1, "version", status.Version, "agent", status.Agent) })
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes())
}

// storeMetrics are those of the database.
func storeMetrics(status Status, family func(name, kind, help string, rows func(row func(float64, ...string)))) {
	family("meteragent_rejected_records", "gauge", "Records in quarantine.",
		func(row func(float64, ...string)) { row(float64(status.Rejected)) })
	s := status.Store
	family("meteragent_database_file_bytes", "gauge", "Size of the database.",
		func(row func(float64, ...string)) { row(float64(s.File)) })
	family("meteragent_database_used_bytes", "gauge", "Part of the database that holds something.",
		func(row func(float64, ...string)) { row(float64(s.Used)) })
	family("meteragent_database_commits_total", "counter", "Transactions since the start.",
		func(row func(float64, ...string)) { row(float64(s.Commits)) })
	family("meteragent_database_written_bytes_total", "counter", "Bytes written to the database since the start.",
		func(row func(float64, ...string)) { row(float64(s.Written)) })
	family("meteragent_stored_readings_total", "counter", "Readings stored since the start.",
		func(row func(float64, ...string)) { row(float64(s.Readings)) })
	family("meteragent_unwritten_readings", "gauge", "Readings that are only in memory.",
		func(row func(float64, ...string)) { row(float64(s.InMemory)) })
	family("meteragent_database_failing", "gauge", "1 while the database cannot be written.",
		func(row func(float64, ...string)) {
			failing := 0.0
			if !s.FailingSince.IsZero() {
				failing = 1
			}
			row(failing)
		})
	family("meteragent_dropped_readings_total", "counter", "Readings dropped unsent, for want of room or for their age.",
		func(row func(float64, ...string)) { row(float64(s.Dropped)) })
}

// labelled writes name and value pairs as a label set.
func labelled(pairs []string) string {
	if len(pairs) == 0 {
		return ""
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var parts []string
	for i := 0; i+1 < len(pairs); i += 2 {
		parts = append(parts, fmt.Sprintf(`%s="%s"`, pairs[i], escape.Replace(pairs[i+1])))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
