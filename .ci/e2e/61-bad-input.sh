#!/bin/bash
# at most 60 s
# What only another user than root can show: a configuration nobody may read, a data folder nobody may write to. Each ends with
# a clear error, a hint and the right exit code.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need runuser
make --no-print-directory build >/dev/null
network
site "http://$portal/events"
chmod 755 "$scratch"
cp meteragent "$scratch/"
run_it() {
	code=0
	in_network runuser -u nobody -- "$scratch/meteragent" --lang en "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
}
says() { # says CODE ERROR HINT
	check "exit code $1" test "$code" = "$1"
	check "error: $2" grep -E "^error: .*$2" "$scratch/err"
	check "hint: $3" grep -E "^hint: .*$3" "$scratch/err"
	check "and nothing more" awk 'NR > 12 { exit 1 } /goroutine|panic/ { exit 1 }' "$scratch/err"
}
chmod 600 "$scratch/site.toml"
run_it check --config "$scratch/site.toml"
says 2 configuration 'this account may not read'
chmod 644 "$scratch/site.toml"
mkdir -m 755 "$scratch/data"
run_it run --once --config "$scratch/site.toml"
says 1 . 'this account may not write'
run_it service start
says 1 'administrator rights' 'as administrator'
run_it service status
check "a service that is not installed is exit code 3" test "$code" = 3
