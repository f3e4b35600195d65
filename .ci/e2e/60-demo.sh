#!/bin/bash
# at most 300 s
# What a new user sees: copiers within ten seconds, an outage bridged, an order with its reason within a minute.
. "$(dirname "$0")/lib.sh"
need curl
make --no-print-directory build >/dev/null
network
start ./meteragent --lang en demo >"$scratch/demo.txt"
demo=$!
undo+=('kill -KILL "$demo" 2>/dev/null')
wait_for 10 "three copiers are found" sh -c "[ \$(grep -c ' found ' $scratch/demo.txt) -ge 3 ]"
wait_for 10 "readings are confirmed" grep ' confirmed ' "$scratch/demo.txt"
wait_for 60 "toner is ordered" grep ' ORDER ' "$scratch/demo.txt"
check "and why" grep ' because ' "$scratch/demo.txt"
wait_for 30 "the portal was away" grep ' kept ' "$scratch/demo.txt"
wait_for 60 "and what waited was delivered" grep ' delivered ' "$scratch/demo.txt"
for page in "portal's" "agent's"; do
	url=$(sed -n "s/^The $page page *//p" "$scratch/demo.txt")
	check "the $page page shows the copiers" sh -c "ip netns exec $net curl -fsS $url | grep -F SIM00001"
done
kill -INT $demo
wait $demo || fail "Ctrl+C is an error"
check "nothing is missing at the end" grep -E ' 0 missing' "$scratch/demo.txt"
check "no line is longer than 80 columns" awk 'length($0) > 80 { exit 1 }' "$scratch/demo.txt"
cat "$scratch/demo.txt" | head -n 30
