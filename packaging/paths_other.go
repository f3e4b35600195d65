//go:build !windows

package packaging

func configFolder() string { return "/etc/" + Name }

func dataFolder() string { return "/var/lib/" + Name }
