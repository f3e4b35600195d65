#!/bin/bash
# at most 180 s
# The disk of the database is full while the portal is away. Readings stay in memory, the page says so, and when there is room
# again and the portal is back, everything arrives without anybody's help.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need jq
make --no-print-directory build >/dev/null
network
background ./meteragent simulate --listen "$copiers" --count 20
mkdir "$scratch/data"
mount -t tmpfs -o size=700k tmpfs "$scratch/data"
undo+=("umount '$scratch/data'")
site "http://$portal/events"
status() { in_network ./meteragent status --json --config "$scratch/site.toml" | jq -e "$1"; }
agent_start
wait_for 60 "the disk is full, and status says so" status '.store.failingSince and (.problems[] | contains("no space left"))'
wait_for 20 "readings wait in memory" status '.store.inMemory > 20'
check "the agent runs" kill -0 "$agent"
mount -o remount,size=64m "$scratch/data"
wait_for 70 "it writes again when there is room" status '.store.failingSince == null and .store.inMemory < 20'
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts
drained() { [ "$(waiting_now)" -lt 100 ] && more_than 200; }
wait_for 60 "what waited is delivered" drained
agent_stop
everything_arrived
