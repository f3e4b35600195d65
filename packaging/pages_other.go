//go:build !linux

package packaging

// GiveBackPages does nothing where the system looks after the pages of a program by itself.
func GiveBackPages() {}
