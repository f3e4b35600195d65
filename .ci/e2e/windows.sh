# shellcheck shell=bash
# Windows, as far as Wine 8 is Windows. Sourced after lib.sh by stages that run the program there.
#
# The Go of today does not start on Wine 8. So the program is built once more from the same source, with these lines of Go's
# own library changed; nothing of ours is:
#
#   runtime, internal/syscall/windows   random numbers come from advapi32's SystemFunction036 instead of ProcessPrng, which
#                                       Wine 8 does not have; files are deleted as before Windows 10
#   net                                 an ioctl for UDP sockets that Wine does not know (10045) is no reason to give up

# patched COUNT OLD NEW FILE: FILE with OLD replaced by NEW, which must be COUNT times. Prints where the copy is.
patched() {
	local copy
	copy=$scratch/overlay/${4#"$goroot"/}
	mkdir -p "$(dirname "$copy")"
	[ -f "$copy" ] || cp "$4" "$copy"
	[ "$(grep -cF -- "$2" "$copy")" -eq "$1" ] || fail "Go has changed: $4 no longer has $1 lines with: $2"
	OLD=$2 NEW=$3 perl -pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/g' "$copy"
	replaced[$4]=$copy
}

# wine_program VERSION: builds out/wine/VERSION/meteragent.exe, the tests of packaging as $wine_tests, and a
# program that starts others by the name of the Explorer as $explorer.
wine_program() {
	local goroot letters library='bcryptprimitives.dll' separator='' file
	declare -A replaced=()
	rm -rf "$scratch/overlay"
	goroot=$(go env GOROOT)
	letters=$(sed -n 's/.*bcryptprimitivesdll *= \[...\]uint16{\(.*\), 0}/\1/p' "$goroot/src/runtime/os_windows.go")
	[ -n "$letters" ] || fail "Go has changed: runtime/os_windows.go names no bcryptprimitivesdll"
	patched 1 "$letters" "'a', 'd', 'v', 'a', 'p', 'i', '3', '2', '.', 'd', 'l', 'l'" "$goroot/src/runtime/os_windows.go"
	patched 1 'ProcessPrng\000' 'SystemFunction036\000' "$goroot/src/runtime/os_windows.go"
	patched 1 "sysdll.Add(\"$library\")" 'sysdll.Add("advapi32.dll")' "$goroot/src/internal/syscall/windows/zsyscall_windows.go"
	patched 1 'NewProc("ProcessPrng")' 'NewProc("SystemFunction036")' "$goroot/src/internal/syscall/windows/zsyscall_windows.go"
	patched 2 'return wrapSyscallError("wsaioctl", err)' 'if err != syscall.Errno(10045) { return wrapSyscallError("wsaioctl", err) }' \
		"$goroot/src/net/fd_windows.go"
	patched 1 'if TestDeleteatFallback {' 'if true {' "$goroot/src/internal/syscall/windows/at_windows.go"
	{
		printf '{"Replace":{'
		for file in "${!replaced[@]}"; do
			printf '%s"%s":"%s"' "$separator" "$file" "${replaced[$file]}"
			separator=,
		done
		printf '}}'
	} >"$scratch/overlay.json"
	mkdir -p "out/wine/$1"
	wine_tests=$scratch/packaging.exe
	[ -f "$wine_tests" ] || CGO_ENABLED=0 GOOS=windows go test -c -overlay "$scratch/overlay.json" -o "$wine_tests" ./packaging || fail "build the tests for Wine"
	explorer=$scratch/explorer.exe
	cat >"$scratch/explorer.go" <<-GO
		package main

		import "os"

		func main() {
			p, err := os.StartProcess(os.Args[1], os.Args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
			if err != nil {
				panic(err)
			}
			p.Wait()
		}
	GO
	[ -f "$explorer" ] || CGO_ENABLED=0 GOOS=windows go build -overlay "$scratch/overlay.json" -o "$explorer" "$scratch/explorer.go" ||
		fail "build an explorer"
	CGO_ENABLED=0 GOOS=windows go build -overlay "$scratch/overlay.json" -trimpath -tags gosnmp_nodebug \
		-ldflags "-s -w -X meteragent/agent/cli.version=$1" -o "out/wine/$1/meteragent.exe" . || fail "build for Wine"
}

# new_windows makes a fresh Windows in this stage's network and switches it on.
new_windows() {
	network
	export WINEPREFIX=$scratch/windows WINEDEBUG=-all WINEARCH=win64 LC_ALL=C.UTF-8
	export XDG_RUNTIME_DIR=$scratch HOME=$scratch
	in_network /usr/lib/wine/wine64 wineboot -i >"$scratch/wineboot.log" 2>&1 || fail "wineboot: $(tail -n 5 "$scratch/wineboot.log")"
	in_network wineserver -w
	undo+=("in_network wineserver -k 2>/dev/null; in_network wineserver -w 2>/dev/null")
	drive=$WINEPREFIX/drive_c
	switch_on
}

# switch_on starts what stands for a user who is logged in: without one Wine shuts down between two commands.
switch_on() {
	mkfifo "$scratch/user"
	ip netns exec "$net" /usr/lib/wine/wine64 cmd <"$scratch/user" >/dev/null 2>&1 &
	sleep 1000 >"$scratch/user" &
	user=$!
	undo+=("kill $user 2>/dev/null")
	wait_for 30 "Windows is up" windows sc query eventlog
}

switch_off() {
	kill "$user"
	rm "$scratch/user"
	wait_for 60 "Windows goes off" in_network wineserver -w
}

# winepath_of FILE: what Windows calls it.
winepath_of() { printf 'Z:%s' "${1//\//\\}"; }

# windows COMMAND...: in Windows; its line ends become ours.
windows() {
	local code=0
	in_network /usr/lib/wine/wine64 "$@" </dev/null >"$scratch/windows.out" 2>&1 || code=$?
	tr -d '\r' <"$scratch/windows.out"
	return "$code"
}
