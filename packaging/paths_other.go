//go:build !windows

package packaging

func configFolder() string { return "/etc/" + Name }

func dataFolder() string { return "/var/lib/" + Name }

// systemLanguage is nowhere but in the environment.
func systemLanguage() string { return "" }
