#!/bin/bash
# at most 300 s
# The power fails 100 times while the store is born, filled, drained and made short. What was written and not synced is lost,
# by sectors and in any order (store/powercut_test.go says how). What was confirmed is there, and the file opens.
. "$(dirname "$0")/lib.sh"
need strace
METERAGENT_SOAK=1 go test -count=1 -v -run '^TestSoakPowerCut$' ./store >"$scratch/log" 2>&1 || {
	tail -n 20 "$scratch/log" >&2
	fail "confirmed records were lost, or the file did not open"
}
check "100 cuts were made" grep -q ', 100 cuts' "$scratch/log"
grep -o 'seed .*' "$scratch/log" | sed 's/^/  /'
