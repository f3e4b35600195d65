package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
	"meteragent/collector"
)

// A network's users are tried in the order of the file, then its community.
func TestCredentials(t *testing.T) {
	reader := config.User{Name: "reader", Auth: "sha1", AuthPassword: "authentic-password"}
	user := collector.Credential{Version: collector.V3, User: collector.User{Name: "reader", Auth: "sha1", AuthPassword: "authentic-password"}}
	for name, c := range map[string]struct {
		network config.Network
		want    []collector.Credential
	}{
		"community": {config.DefaultNetwork(), []collector.Credential{{Community: "public"}}},
		"user":      {config.Network{Users: []config.User{reader}}, []collector.Credential{user}},
		"both": {
			config.Network{Users: []config.User{reader}, Community: "secret", Version: "2c"},
			[]collector.Credential{user, {Version: collector.V2c, Community: "secret"}},
		},
	} {
		if diff := cmp.Diff(c.want, credentials(c.network)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
