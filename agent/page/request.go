package page

import (
	"bytes"
	"net/http"

	"meteragent/agent/text"
)

// The page changes nothing but this: it can ask for a technician. That is so only on
// this machine, and only for a form of the page itself or a program: a browser says of a
// request from elsewhere that it is (Sec-Fetch-Site, Origin), and it is refused.

const largestForm = 8 << 10 // bytes

// serveRequests adds the form and what it sends. The form is a page of its own, since
// the other one reloads itself.
func (f Facts) serveRequests(mux *http.ServeMux) {
	foreign := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /request", func(w http.ResponseWriter, r *http.Request) {
		f.requestPage(w, r, http.StatusOK, "")
	})
	mux.Handle("POST /request", foreign.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, largestForm)
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status, said := http.StatusOK, text.For(language(r)).Say("page.request.sent")
		if err := f.Request(r.PostForm.Get("device"), r.PostForm.Get("text")); err != nil {
			status, said = http.StatusUnprocessableEntity, err.Error()
		}
		if r.Header.Get("Accept") == "text/plain" { // the command
			http.Error(w, said, status)
			return
		}
		f.requestPage(w, r, status, said)
	})))
}

func (f Facts) requestPage(w http.ResponseWriter, r *http.Request, status int, said string) {
	v := view{Catalogue: text.For(language(r))}
	var out bytes.Buffer
	if err := write(&out, v.request(r.FormValue("device"), said)); err != nil {
		f.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

func (v view) request(device, said string) part {
	return el("html", attr("lang", string(v.Lang())),
		el("head",
			el("meta", attr("charset", "utf-8")),
			el("meta", attr("name", "viewport"), attr("content", "width=device-width, initial-scale=1")),
			el("title", words(v.Say("page.request"))),
			el("link", attr("rel", "stylesheet"), attr("href", "/page.css"))),
		el("body",
			el("header", el("h1", words(v.Say("page.request")))),
			el("main", problem(said),
				given(said == "", el("form", attr("method", "post"), attr("action", "/request?lang="+string(v.Lang())),
					el("p", el("label", words(v.Say("page.order.device")+" "),
						el("input", attr("name", "device"), attr("value", device), attr("required", "")))),
					el("p", el("label", words(v.Say("page.request.text")),
						el("br"),
						el("textarea", attr("name", "text"), attr("rows", "4"), attr("cols", "50"), attr("maxlength", "500"), attr("required", "")))),
					el("p", el("button", words(v.Say("page.request.send")))))),
				el("p", el("a", attr("href", "/"), words(v.Say("page.request.back")))))))
}
