#!/bin/bash
# at most 420 s
# Every way in which a delivery can fail, at every point, over both links: the table says that nothing is lost or doubled, how
# long it took to recover, and how often the portal was asked meanwhile.
. "$(dirname "$0")/lib.sh"
METERAGENT_SOAK=1 go test ./agent -run FaultMatrix -count=1 -v >"$scratch/table" || { tail -n 120 "$scratch/table" >&2; fail "the fault matrix"; }
sed -n '/over *point/,/^--- /p' "$scratch/table" | sed '$d'
check "at least 40 faults" test "$(grep -cE '^ *(https|mqtts) ' "$scratch/table")" -ge 40
