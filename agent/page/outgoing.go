package page

import (
	"net/http"
	"time"

	"meteragent/agent/text"
)

// A Message is one message as it left for a portal.
type Message struct {
	Portal string    `json:"portal"` // name
	At     time.Time `json:"at"`
	To     string    `json:"to"`   // method and address, or topic
	Type   string    `json:"type"` // content type
	Body   string    `json:"body"` // byte for byte, before it was compressed
}

// outgoing shows the last messages.
func (f Facts) outgoing(w http.ResponseWriter, r *http.Request) {
	all, err := f.Outgoing()
	if err != nil {
		f.fail(w, err)
		return
	}
	v := view{Catalogue: text.For(language(r))}
	f.html(w, http.StatusOK, v.further(v.Say("outgoing.title"),
		el("p", words(v.Say("outgoing.about"))),
		given(len(all) == 0, el("p", words(v.Say("outgoing.none")))),
		each(all, v.message)))
}

func (v view) message(m Message) part {
	return el("section",
		el("h3", words(m.To)),
		v.line("p", m.Portal, v.Time(m.At), m.Type),
		el("pre", words(m.Body)))
}
