package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// glpiLink reports copiers to GLPI 10 and later as its own agent does: a network
// inventory of a printer in JSON (inventory_format), one for each device.
//
// GLPI keeps the present state, not a history. So of a batch the newest full reading of
// each device is sent, and GLPI's "ok" on that confirms the older ones too; what is not a
// reading has no words in an inventory and is passed over.
type glpiLink struct {
	*httpsLink

	mu   sync.Mutex
	most map[string]int // by device: how much its fullest reading told
}

func newGLPI(l *httpsLink) *glpiLink {
	return &glpiLink{httpsLink: l, most: map[string]int{}}
}

func (l *glpiLink) Send(ctx context.Context, batch []Message) (Receipt, error) {
	ctx, done := l.join(ctx, l.config.Timeout)
	defer done()
	all, refused := readings(batch)
	receipt := Receipt{Accepted: len(batch) - len(refused), Rejected: refused}
	newest := map[string]reading{}
	var order []string
	for _, r := range all {
		if !l.full(r) {
			continue
		}
		if _, there := newest[r.Device.ID]; !there {
			order = append(order, r.Device.ID)
		}
		newest[r.Device.ID] = r
	}
	for _, device := range order {
		err := l.report(ctx, newest[device])
		if errors.Is(err, ErrRefused) {
			refused := l.refuse(batch, device, refusedBy(err))
			receipt.Rejected = append(receipt.Rejected, refused...)
			receipt.Accepted -= len(refused)
			continue
		}
		if err != nil {
			return Receipt{}, fail(ctx, l.host, err)
		}
	}
	return receipt, nil
}

// full says whether a reading tells as much as any of its device so far. Those between
// two full ones tell a few counters only, and GLPI takes what is missing for zero.
func (l *glpiLink) full(r reading) bool {
	told := len(r.Inputs)
	for _, m := range r.Meters {
		if m.Primary {
			told++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.most[r.Device.ID]
	l.most[r.Device.ID] = max(most, told)
	return told >= most && told > 0
}

// refuse rejects what a batch has of a device.
func (l *glpiLink) refuse(batch []Message, device string, why Problem) (all []Rejection) {
	for _, m := range batch {
		if m.Kind == "reading" && m.Subject == device {
			all = append(all, Rejection{m.ID(), why})
		}
	}
	return all
}

// report sends one device.
func (l *glpiLink) report(ctx context.Context, r reading) error {
	body, err := json.Marshal(l.inventory(r))
	if err != nil {
		return err
	}
	l.config.watch(Sent{To: "POST " + l.shown, Type: "application/json", Body: body})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("GLPI-Agent-ID", l.config.Agent)
	request.Header.Set("User-Agent", l.config.Software)
	switch token := l.config.Token.Reveal(); {
	case l.config.User != "" && token != "":
		request.SetBasicAuth(l.config.User, token)
	case token != "":
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err != nil {
		return err
	}
	return l.glpiSaid(response, said)
}

// glpiSaid says what an answer means. Only "ok" confirms: "pending" comes from a proxy
// that has not heard of the server yet, and a web page from somebody else.
func (l *glpiLink) glpiSaid(r *http.Response, said []byte) error {
	var a struct {
		Status  string
		Message string
	}
	isJSON := json.Unmarshal(said, &a) == nil && a.Status != ""
	cause := fmt.Errorf("it says %q", Problem{Title: strings.TrimSpace(a.Status + " " + a.Message)}.line())
	switch {
	case isJSON && a.Status == "ok" && r.StatusCode < 300:
		return nil
	case isJSON && a.Status == "error" && !strings.Contains(strings.ToLower(a.Message), "busy") && (r.StatusCode < 300 || r.StatusCode == http.StatusBadRequest):
		return &Error{Kind: ErrRefused, Status: r.StatusCode, Cause: cause}
	case r.StatusCode >= 300:
		return l.refusal(r, said)
	case isJSON:
		return &Error{Status: r.StatusCode, Cause: cause, Wait: time.Minute}
	}
	return notPortal(r, errors.New("it is not GLPI's"))
}

// An inventory is the part of inventory_format that a printer needs. Members that one
// of GLPI's versions does not know are left out.
type inventory struct {
	Action   string    `json:"action"`
	DeviceID string    `json:"deviceid"` // GLPI's name for the reporting side; the same for ever
	ItemType string    `json:"itemtype"`
	Tag      string    `json:"tag,omitempty"`
	Content  glpiThing `json:"content"`
}

type glpiThing struct {
	VersionClient string              `json:"versionclient"`
	Device        glpiDevice          `json:"network_device"`
	PageCounters  map[string]int64    `json:"pagecounters,omitempty"`
	Cartridges    []map[string]string `json:"cartridges,omitempty"`
}

type glpiDevice struct {
	Type         string   `json:"type"`
	Manufacturer string   `json:"manufacturer,omitempty"`
	Model        string   `json:"model,omitempty"`
	Serial       string   `json:"serial,omitempty"`
	Name         string   `json:"name,omitempty"`
	Location     string   `json:"location,omitempty"`
	Firmware     string   `json:"firmware,omitempty"`
	MAC          string   `json:"mac,omitempty"`
	IPs          []string `json:"ips,omitempty"`
	Uptime       string   `json:"uptime,omitempty"` // "8 days, 01:26:41.00"
}

// inventory puts a reading in GLPI's words.
func (l *glpiLink) inventory(r reading) inventory {
	d := r.Device
	i := inventory{
		Action: "netinventory", DeviceID: "meteragent-" + plainName(d.ID), ItemType: "Printer", Tag: l.config.Tag,
		Content: glpiThing{
			VersionClient: strings.ReplaceAll(l.config.Software, "/", " "),
			Device: glpiDevice{
				Type: "Printer", Manufacturer: d.Manufacturer, Model: d.Model, Serial: d.Serial, Name: d.Name,
				Location: d.Location, Firmware: d.Firmware, MAC: d.MAC,
			},
			PageCounters: map[string]int64{},
		},
	}
	if isIP(d.Address) {
		i.Content.Device.IPs = []string{d.Address}
	}
	if up := time.Duration(r.UptimeSeconds) * time.Second; up > 0 {
		rest := up % (24 * time.Hour)
		i.Content.Device.Uptime = fmt.Sprintf("%d days, %02d:%02d:%02d.00",
			int(up.Hours())/24, int(rest.Hours()), int(rest.Minutes())%60, int(rest.Seconds())%60)
	}
	for theirs, ours := range glpiCounters() {
		if value, told := r.primary(ours); told {
			i.Content.PageCounters[theirs] = value
		}
	}
	i.Content.Cartridges = glpiCartridges(r)
	return i
}

// glpiCounters are the members of pagecounters and our meters.
func glpiCounters() map[string]string {
	return map[string]string{
		"total": "systemTotals.impressions.total", "black": "systemTotals.impressions.monochrome",
		"color": "systemTotals.impressions.fullColor", "rectoverso": "systemTotals.sheets.twoSided",
		"scanned": "scan.images.total", "printtotal": "print.impressions.total", "printblack": "print.impressions.monochrome",
		"printcolor": "print.impressions.fullColor", "copytotal": "copy.impressions.total", "copyblack": "copy.impressions.monochrome",
	}
}

// glpiCartridges are the supplies whose level is known, as GLPI's agent names them:
// tonerblack, drumcyan. A waste box is left out, since its level counts the other way.
func glpiCartridges(r reading) (all []map[string]string) {
	kinds := map[string]string{
		"toner": "toner", "tonerCartridge": "toner", "ink": "cartridge", "inkCartridge": "cartridge",
		"opc": "drum", "developer": "developer", "fuser": "fuserkit", "transferUnit": "transferkit",
	}
	there := map[string]bool{}
	for _, s := range r.Supplies {
		kind := kinds[s.Type]
		name := kind + s.Colorant
		if kind == "fuserkit" || kind == "transferkit" {
			name = kind
		}
		if kind == "" || s.Level.Percent == nil || s.Class == "receptacleThatIsFilled" || there[name] {
			continue
		}
		there[name] = true
		all = append(all, map[string]string{name: strconv.Itoa(int(*s.Level.Percent + 0.5))})
	}
	return all
}
