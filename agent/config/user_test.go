package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meteragent/agent/config"
)

// Users of SNMPv3 are tried before the community, and the community only if the
// file names one.
func TestUsers(t *testing.T) {
	reader := config.User{Name: "reader", Auth: "sha256", AuthPassword: "authentic-password", Priv: "aes128", PrivPassword: "private-password", Context: "jobs"}
	const section = `
user = "reader"
auth = "sha256"
auth_password = "authentic-password"
priv = "aes128"
priv_password = "private-password"
context = "jobs"
`
	for name, c := range map[string]struct {
		file      string
		users     []config.User
		community config.Secret
	}{
		"none":         {"", nil, "public"},
		"one":          {"[network.v3]" + section, []config.User{reader}, ""},
		"two":          {"[[network.v3]]\nuser = \"plain\"\n[[network.v3]]" + section, []config.User{{Name: "plain"}, reader}, ""},
		"and a common": {"community = \"secret\"\n[network.v3]" + section, []config.User{reader}, "secret"},
	} {
		got, err := config.Parse("meteragent.toml", []byte(smallest+c.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.users, got.Networks[0].Users); diff != "" {
			t.Errorf("%s: users (-want +got):\n%s", name, diff)
		}
		if got.Networks[0].Community != c.community {
			t.Errorf("%s: community %q", name, got.Networks[0].Community.Reveal())
		}
	}
}
