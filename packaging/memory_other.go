//go:build !linux

package packaging

import "runtime/debug"

// GiveBackMemory gives the system the free part of this program's heap. It costs some milliseconds.
func GiveBackMemory() { debug.FreeOSMemory() }
