// Package page is the local web page: what the daemon knows, to look at in a
// browser (/), to read by a program (/status.json, /readings.json, /recent.json, /orders.json, /rejected.json,
// /outgoing.json) and to watch by a monitoring system (/metrics).
//
// It has no JavaScript, and it is read-only but for a request for a technician
// (request.go). It does not know where its facts come from: they are handed to it.
package page

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"meteragent/agent/text"
)

//go:embed page.css
var style []byte

// Facts are the questions the page asks. Each is called once a request.
type Facts struct {
	Status   func(lang string) (Status, error)    // with what is wrong in words of lang
	Readings func(device string) ([]Entry, error) // newest first; "" means every device
	Recent   func(device string) ([]Entry, error) // of the last two weeks, newest first
	Orders   func() ([]Order, error)              // open and closed ones, newest first
	Rejected func() ([]Rejected, error)           // what a receiver refused, newest first
	Outgoing func() ([]Message, error)            // what left last, newest first
	Request  func(device, text string) error      // asks for a technician; nil if nobody can
	Hint     func(error) text.Key                 // what to do about an error of Request; "" if there is nothing to say
	Log      func(err error)                      // told why an answer could not be given
}

// Serve answers on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, f Facts) error {
	server := &http.Server{
		Handler:           Handler(f, loopback(l.Addr())),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("page %s: %w", l.Addr(), err)
	}
	return nil
}

// Handler is the page. With local it answers only requests that name this machine,
// so that a web site cannot make a browser read it through a name of its own.
func Handler(f Facts, local bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", f.page)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write(style)
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) {
		status, err := f.Status(r.URL.Query().Get("lang"))
		f.json(w, status, err)
	})
	mux.HandleFunc("GET /readings.json", func(w http.ResponseWriter, r *http.Request) {
		entries, err := f.Readings(r.URL.Query().Get("device"))
		f.json(w, entries, err)
	})
	mux.HandleFunc("GET /recent.json", func(w http.ResponseWriter, r *http.Request) {
		entries, err := f.Recent(r.URL.Query().Get("device"))
		f.json(w, entries, err)
	})
	mux.HandleFunc("GET /device", f.device)
	mux.HandleFunc("GET /orders.json", func(w http.ResponseWriter, _ *http.Request) {
		orders, err := f.Orders()
		f.json(w, orders, err)
	})
	mux.HandleFunc("GET /rejected.json", func(w http.ResponseWriter, _ *http.Request) {
		all, err := f.Rejected()
		f.json(w, all, err)
	})
	mux.HandleFunc("GET /outgoing", f.outgoing)
	mux.HandleFunc("GET /outgoing.json", func(w http.ResponseWriter, _ *http.Request) {
		all, err := f.Outgoing()
		f.json(w, all, err)
	})
	mux.HandleFunc("GET /metrics", f.metrics)
	if !local {
		f.Request = nil
	}
	if f.Request != nil {
		f.serveRequests(mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if local && !namesThisMachine(r.Host) {
			http.Error(w, "this page is only for this machine", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// namesThisMachine says whether the Host of a request is localhost or an address,
// which no foreign name server can hand out.
func namesThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host) != nil
}

func (f Facts) page(w http.ResponseWriter, r *http.Request) {
	status, err := f.Status(language(r))
	if err != nil {
		f.fail(w, err)
		return
	}
	f.html(w, http.StatusOK, view{text.For(language(r)), status, f.Request != nil}.page())
}

// html answers with a whole page.
func (f Facts) html(w http.ResponseWriter, status int, page part) {
	var out bytes.Buffer
	if err := write(&out, page); err != nil {
		f.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

func (f Facts) json(w http.ResponseWriter, v any, err error) {
	if err != nil {
		f.fail(w, err)
		return
	}
	body, err := json.Marshal(v)
	if err != nil {
		f.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n'))
}

func (f Facts) fail(w http.ResponseWriter, err error) {
	if f.Log != nil {
		f.Log(err)
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// language is the first language of the browser.
func language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); l != "" {
		return l
	}
	accept := r.Header.Get("Accept-Language")
	if len(accept) < 2 {
		return ""
	}
	return accept[:2]
}
