//go:build windows

package zz

import _ "golang.org/x/sys/windows"
import _ "golang.org/x/sys/windows/svc"
