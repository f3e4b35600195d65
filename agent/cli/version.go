package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version, commit and built, the commit's time in seconds since 1970, are set by the
// linker; a build by hand says "dev".
var (
	version = "dev"
	commit  = ""
	built   = ""
)

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: a.say.Say("help.version"), Args: cobra.NoArgs}
	c.Flags().BoolVar(&a.json, "json", false, a.say.Say("help.flag.json"))
	c.RunE = func(*cobra.Command, []string) error {
		v := struct {
			Version   string            `json:"version"`
			Commit    string            `json:"commit,omitempty"`
			Go        string            `json:"go"`
			Platform  string            `json:"platform"`
			Libraries map[string]string `json:"libraries"`
		}{version, commit, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, map[string]string{}}
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, m := range info.Deps {
				v.Libraries[m.Path] = m.Version
			}
		}
		if a.json {
			return a.printJSON(v)
		}
		a.printf("meteragent %s\n%s\n", version, joined([]string{commit, v.Go, v.Platform}, " · "))
		a.printf("\n%s\n", a.say.Say("version.licence"))
		t := table{}
		for _, path := range sortedKeys(v.Libraries) {
			t.add("  "+path, v.Libraries[path])
		}
		a.printf("%s", t.String())
		return nil
	}
	return c
}
