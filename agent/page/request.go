package page

import (
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
		f.requestPage(w, r, http.StatusOK, "", true)
	})
	mux.Handle("POST /request", foreign.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, largestForm)
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		say := text.For(language(r))
		status, said := http.StatusOK, say.Say("page.request.sent")
		err := f.Request(r.PostForm.Get("device"), r.PostForm.Get("text"))
		switch {
		case err == nil:
		case r.Header.Get("Accept") != "text/plain" && f.Hint(err) != "":
			status, said = http.StatusUnprocessableEntity, say.Say(f.Hint(err))
		default:
			status, said = http.StatusUnprocessableEntity, err.Error()
		}
		if r.Header.Get("Accept") == "text/plain" { // the command
			http.Error(w, said, status)
			return
		}
		f.requestPage(w, r, status, said, err != nil)
	})))
}

// requestPage says what became of a request, and shows the form, with what was filled in, if
// there is one to be sent yet.
func (f Facts) requestPage(w http.ResponseWriter, r *http.Request, status int, said string, form bool) {
	v := view{Catalogue: text.For(language(r))}
	f.html(w, status, v.request(said, form, r.FormValue("device"), r.FormValue("text")))
}

func (v view) request(said string, form bool, device, wrong string) part {
	return v.further(v.Say("page.request"),
		given(!form, el("p", words(said))),
		given(form, problem(said), el("form", attr("method", "post"), attr("action", "/request?lang="+string(v.Lang())),
			el("p", el("label", words(v.Say("page.order.device")),
				el("input", attr("name", "device"), attr("value", device), attr("required", "")))),
			el("p", el("label", words(v.Say("page.request.text")),
				el("textarea", attr("name", "text"), attr("rows", "4"), attr("maxlength", "500"), attr("required", ""), words(wrong)))),
			el("p", el("button", words(v.Say("page.request.send")))))))
}
