package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"meteragent/agent/config"
)

// Updates take the proxy that the portal takes: many a site has no other way out.
func TestUpdateThroughProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.URL.String())
	}))
	defer proxy.Close()
	cfg := config.Config{
		Update:  config.Update{URL: "http://updates.invalid/meteragent/"},
		Portals: []config.Portal{{}, {Proxy: config.Secret(proxy.URL)}},
	}
	body, err := overNetwork(cfg)(t.Context(), "metadata/timestamp.json")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if asked, err := io.ReadAll(body); err != nil || string(asked) != "http://updates.invalid/meteragent/metadata/timestamp.json" {
		t.Errorf("the proxy was asked for %q, %v", asked, err)
	}
}
