package transport_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/transport"
	"meteragent/transport/transporttest"
)

// A proxy stands between the agent and all three kinds of portal.
func TestProxy(t *testing.T) {
	server := transporttest.NewServer(t)
	broker := transporttest.NewBroker(t)
	socket := broker.WebSocket(t)
	for name, proxy := range map[string]*transporttest.Proxy{
		"http": transporttest.NewProxy(t, nil), "https": transporttest.NewProxy(t, broker.Authority.Server()),
	} {
		for _, c := range []struct {
			peer transporttest.Peer
			url  string
		}{
			{server, server.Config().URL},
			{broker, broker.Config().URL},
			{broker, socket},
		} {
			scheme, rest, _ := strings.Cut(c.url, "://")
			host, _, _ := strings.Cut(rest, "/")
			if name == "https" && scheme == "https" {
				continue // its certificate is of another authority than the portal's
			}
			t.Run(scheme+" through "+name, func(t *testing.T) {
				before := len(proxy.Tunnels())
				dial := func(p transport.Secret) transport.Link {
					return transporttest.Dial(t, c.peer, func(config *transport.Config) { config.URL, config.Proxy = c.url, p })
				}
				link := dial(proxy.URL())
				_, err := link.Send(t.Context(), transporttest.Batch(1, 1))
				for errors.Is(err, transport.ErrConnectionRefused) { // the library opens the WebSocket's port when it pleases
					_, err = link.Send(t.Context(), transporttest.Batch(1, 1))
				}
				if err != nil {
					t.Fatal(err)
				}
				link.Close()
				if diff := cmp.Diff([]string{host}, proxy.Tunnels()[before:]); diff != "" {
					t.Errorf("tunnels (-want +got):\n%s", diff)
				}
				_, err = dial(proxy.Stranger()).Send(t.Context(), nil)
				if !errors.Is(err, transport.ErrProxy) || !strings.Contains(err.Error(), "407 Proxy Authentication Required, and wants Negotiate or Basic") {
					t.Errorf("without a login: got error %v", err)
				}
				gone := listen(t)
				gone.Close()
				_, err = dial(transport.Secret("http://site:hunter2@"+gone.Addr().String())).Send(t.Context(), nil)
				if !errors.Is(err, transport.ErrProxy) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("a proxy that is gone: got error %v", err)
				}
				if _, err := dial("none").Send(t.Context(), nil); err != nil {
					t.Errorf("without a proxy: %v", err)
				}
			})
		}
	}
}
