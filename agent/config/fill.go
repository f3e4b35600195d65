package config

import (
	"strconv"
	"strings"
)

// Answers are what a site's file needs besides the defaults.
type Answers struct {
	Customer  string
	URL       string   // of the portal
	TokenFile string   // "" for none; a relative path starts at the folder of the configuration file
	Enroll    string   // where the agent enrols for a client certificate; "" for nowhere
	Addresses []string // where copiers are searched
}

// Filled is the file as it ships with the answers in their places.
func Filled(a Answers) string {
	addresses := make([]string, len(a.Addresses))
	for i, one := range a.Addresses {
		addresses[i] = strconv.Quote(one)
	}
	token := `#token = ""`
	if a.TokenFile != "" {
		token = "token = { file = " + strconv.Quote(a.TokenFile) + " }"
	}
	enroll := `#enroll = ""`
	if a.Enroll != "" {
		enroll = "enroll = " + strconv.Quote(a.Enroll)
	}
	text := commented
	for _, line := range [][2]string{
		{`customer = ""`, "customer = " + strconv.Quote(a.Customer)},
		{`url = ""`, "url = " + strconv.Quote(a.URL)},
		{`#token = ""`, token},
		{`#enroll = ""`, enroll},
		{`addresses = []`, "addresses = [" + strings.Join(addresses, ", ") + "]"},
	} {
		text = strings.Replace(text, "\n"+line[0]+"\n", "\n"+line[1]+"\n", 1)
	}
	return text
}
