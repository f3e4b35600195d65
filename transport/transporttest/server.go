package transporttest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"meteragent/transport"
	"meteragent/transport/portal"
)

// The faults of a Server.
const (
	BadRequest    Fault = "400"
	NoCertificate Fault = "400 of nginx, which misses a client certificate"
	PlainPage     Fault = "400, with a page"
	Forbidden     Fault = "403"
	NotFound      Fault = "404"
	TooLarge      Fault = "413"
	NoGzip        Fault = "415 for gzip"
	Unprocessable Fault = "422"
	TooMany       Fault = "429, with the date to come back at"
	ComeBack      Fault = "429, with a second to stay away"
	ServerError   Fault = "500, with a page"
	BadGateway    Fault = "502, with a page"
	Busy          Fault = "503, with a second to stay away"
	RetryLater    Fault = "503, with the seconds to stay away"
	Moved         Fault = "302 to another host"
	MovedAway     Fault = "307 to another host"
	MovedPlain    Fault = "308 to the same host without TLS"
	MovedToGet    Fault = "302 to another path of the same host"
	MovedHere     Fault = "307 to another path of the same host"
	Empty         Fault = "200, without a body"
	CaptivePortal Fault = "200, with a login page"
	OtherJSON     Fault = "200, with somebody else's JSON"
	OtherRecords  Fault = "200, about records that were not sent"
	Garbage       Fault = "200, with half of an answer"
	Endless       Fault = "200, without an end"
	Stuck         Fault = "200, with half of an answer, and then silence"
	RejectAll     Fault = "200, every record rejected"
)

// A Server is a portal behind TLS on 127.0.0.1.
type Server struct {
	Authority *Authority // that has signed its certificate

	t        testing.TB
	portal   *portal.Portal
	contract *contract
	http     *httptest.Server
	ending   chan struct{} // closed at the end of the test

	mu       sync.Mutex
	faults   []Fault // of the next requests
	limit    int64   // bytes of a request's body; 0 for none
	requests []*http.Request
}

// NewServer starts a portal, which stops with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	a := NewAuthority(t)
	return StartServer(t, a, a.Server())
}

// StartServer is NewServer with an authority and TLS settings of the test's own.
func StartServer(t testing.TB, a *Authority, security *tls.Config) *Server {
	t.Helper()
	s := &Server{
		Authority: a, t: t, portal: portal.New(portal.Options{Token: Token}), contract: newContract(t), ending: make(chan struct{}),
	}
	s.listen("127.0.0.1:0", security)
	t.Cleanup(func() {
		close(s.ending)
		s.http.Close()
	})
	return s
}

// LeanServer starts a server that accepts everything with as little work as can be, for
// benchmarks, and returns how to reach it.
func LeanServer(t testing.TB) transport.Config {
	t.Helper()
	a := NewAuthority(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"results":[]}`)
	}))
	server.TLS = a.Server()
	server.StartTLS()
	t.Cleanup(server.Close)
	return transport.Config{URL: server.URL, CAFile: a.File, Agent: Agent, Customer: Customer}
}

func (s *Server) listen(address string, security *tls.Config) {
	s.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.http = &httptest.Server{Listener: listener, TLS: security, Config: &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}}
	s.http.StartTLS()
}

// Restart drops every connection and listens on the same port again.
func (s *Server) Restart() {
	s.t.Helper()
	address, security := s.Address(), s.http.TLS
	s.http.CloseClientConnections()
	s.http.Close()
	s.listen(address, security)
}

// Address returns host and port.
func (s *Server) Address() string { return s.http.Listener.Addr().String() }

// Portal returns what arrived.
func (s *Server) Portal() *portal.Portal { return s.portal }

// Config returns how to reach the server.
func (s *Server) Config() transport.Config {
	return transport.Config{
		URL: "https://" + s.Address() + "/events", Token: Token, CAFile: s.Authority.File,
		Agent: Agent, Customer: Customer, Software: "meteragent/test",
	}
}

// Fail makes that many of the next requests fail. Faults of several calls come one
// after the other.
func (s *Server) Fail(f Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, slices.Repeat([]Fault{f}, times)...)
}

// Mend takes back what is left of Fail and Limit.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.limit = nil, 0
}

// Limit makes the server answer 413 to bodies of more than that many bytes.
func (s *Server) Limit(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = int64(bytes)
}

// Requests returns the requests so far, without their bodies.
func (s *Server) Requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// fault notes a request and returns how it is to fail; "" for not at all.
func (s *Server) fault(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if s.limit > 0 && r.ContentLength > s.limit {
		return TooLarge
	}
	if len(s.faults) == 0 {
		return ""
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// ServeHTTP passes a request to the portal, or fails it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.fault(r)
	if f == NoGzip && r.Header.Get("Content-Encoding") == "" {
		f = ""
	}
	switch f {
	case "":
		s.serve(w, r)
	case CutBefore:
		panic(http.ErrAbortHandler) // net/http's way to close a connection
	case CutAfter:
		s.serve(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case RejectAll:
		rejectAll(w, r)
	case Endless:
		for r.Context().Err() == nil {
			io.WriteString(w, strings.Repeat(" ", 1<<16))
		}
	default:
		io.Copy(io.Discard, r.Body) // before that the server does not notice that the client has gone
		status, header, body := canned(f, r)
		for name, value := range header {
			w.Header().Set(name, value)
		}
		if status != 0 {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
		if f == Stuck {
			w.(http.Flusher).Flush()
		}
		if f == Silent || f == Stuck {
			select {
			case <-r.Context().Done():
			case <-s.ending:
			}
		}
	}
}

// serve passes a request to the portal, and holds both sides to the contract.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	packed, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the agent has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(packed))
	if batch, err := unpack(r.Header.Get("Content-Encoding"), packed); err == nil {
		s.contract.deliver(batch)
	}
	said := httptest.NewRecorder()
	s.portal.ServeHTTP(said, r)
	if r.Method == http.MethodPost && said.Code == http.StatusOK {
		s.contract.say(said.Body.Bytes())
	}
	maps.Copy(w.Header(), said.Header())
	w.WriteHeader(said.Code)
	w.Write(said.Body.Bytes()) // nobody is left to tell if this fails
}

func unpack(coding string, packed []byte) ([]byte, error) {
	text, err := transport.Sent{Coding: coding, Body: packed}.Text()
	return []byte(text), err
}

// canned returns an answer that is always the same; status 0 for none.
func canned(f Fault, r *http.Request) (status int, header map[string]string, body string) {
	html := map[string]string{"Content-Type": "text/html"}
	problem := map[string]string{"Content-Type": "application/problem+json", "Retry-After": "120"}
	switch f {
	case Unauthorized:
		return 401, nil, ""
	case Forbidden:
		return 403, nil, ""
	case BadRequest:
		return 400, nil, ""
	case NoCertificate:
		return 400, html, "<html><head><title>400 No required SSL certificate was sent</title></head></html>"
	case PlainPage:
		return 400, html, "<h1>Bad request</h1>"
	case NotFound:
		return 404, html, "<h1>Not found</h1>"
	case TooLarge:
		return 413, nil, ""
	case NoGzip:
		return 415, map[string]string{"Accept-Encoding": "identity"}, ""
	case Unprocessable:
		return 422, nil, ""
	case TooMany:
		return 429, map[string]string{"Date": "Tue, 01 Jan 2002 10:00:00 GMT", "Retry-After": "Tue, 01 Jan 2002 10:01:00 GMT"}, ""
	case ComeBack:
		return 429, map[string]string{"Retry-After": "1"}, ""
	case BadGateway:
		return 502, html, "<h1>Bad gateway</h1>"
	case Busy:
		return 503, map[string]string{"Retry-After": "1"}, ""
	case ServerError:
		return 500, html, "<h1>Oops</h1>"
	case RetryLater:
		return 503, problem, `{"title":"Maintenance","detail":"back at six, holder of ` + Token.Reveal() + `"}`
	case Moved:
		return 302, map[string]string{"Location": "https://login.example.net/?from=events"}, ""
	case MovedAway:
		return 307, map[string]string{"Location": "https://login.example.net/?from=events"}, ""
	case MovedPlain:
		return 308, map[string]string{"Location": "http://" + r.Host + "/events"}, ""
	case MovedToGet:
		return 302, map[string]string{"Location": "/events?moved"}, ""
	case MovedHere:
		return 307, map[string]string{"Location": "/events?moved"}, ""
	case Empty:
		return 200, nil, ""
	case CaptivePortal:
		return 200, html, "<html><h1>Welcome to the hotel. Please log in.</h1></html>"
	case OtherJSON:
		return 200, nil, `{"status":"ok"}`
	case OtherRecords:
		return 200, nil, `{"results":[{"id":"other-bulk-1","status":"accepted"}]}`
	case Garbage, Stuck:
		return 200, nil, `{"results":[{"id":"7f3a-bulk-1","sta`
	}
	return 0, nil, ""
}

// rejectAll answers that no record is taken.
func rejectAll(w http.ResponseWriter, r *http.Request) {
	packed, err := io.ReadAll(r.Body)
	if err == nil {
		packed, err = unpack(r.Header.Get("Content-Encoding"), packed)
	}
	var records []struct{ ID string }
	if err == nil {
		err = json.Unmarshal(packed, &records)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	results := []map[string]any{}
	for _, record := range records {
		problem := transport.Problem{Type: "https://portal.example/problems/closed", Title: "We take nothing today", Status: 422}
		results = append(results, map[string]any{"id": record.ID, "status": "rejected", "problem": problem})
	}
	json.NewEncoder(w).Encode(map[string]any{"results": results})
}
