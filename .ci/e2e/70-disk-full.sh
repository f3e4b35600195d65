#!/bin/bash
# at most 300 s
# The disk of the database is full at the first start, and then while the portal is away. Readings stay in memory, the page says
# so, and when there is room again and the portal is back, everything arrives without anybody's help. A damaged database on a
# full disk is left alone, and mended when there is room.
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
printf '[log]\nfile = "%s"\n' "$scratch/data/agent.log" >>"$scratch/site.toml" # which is full, too
status() { in_network ./meteragent status --json --config "$scratch/site.toml" | jq -e "$1"; }
dd if=/dev/zero of="$scratch/data/fill" bs=4096 status=none 2>/dev/null || true
agent_start
wait_for 20 "a new installation on a full disk says so" status '.running and (.problems[] | contains("no space left"))'
check "the page answers" in_network curl -fsS http://127.0.0.1:8631/
check "what the log file does not take goes to standard error" grep -q 'no copier is read until it can' "$scratch/agent.log"
rm "$scratch/data/fill"
wait_for 60 "it begins when there is room" status '.devices != []'
check "the log file is written, too" grep -q 'the database is open' "$scratch/data/agent.log"
check "the same process did it" kill -0 "$agent"
wait_for 60 "the disk is full, and status says so" status '.store.failingSince and (.problems[] | contains("no space left"))'
wait_for 20 "readings wait in memory" status '.store.inMemory > 20'
check "the agent runs" kill -0 "$agent"
mount -o remount,size=64m "$scratch/data"
wait_for 70 "it writes again when there is room" status '.store.failingSince == null and .store.inMemory < 20'
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts
drained() { [ "$(waiting_now)" -lt 100 ] && more_than 200; }
wait_for 150 "what waited is delivered" drained # after so long without a portal it asks again in a minute or so
agent_stop
everything_arrived
dd if=/dev/zero of="$scratch/data/meteragent.db" bs=4096 seek=2 count=30 conv=notrunc status=none
cp "$scratch/data/meteragent.db" "$scratch/damaged.db"
dd if=/dev/zero of="$scratch/data/fill" bs=4096 status=none 2>/dev/null || true
agent_start
wait_for 20 "status says that the database cannot be mended" status '.running and (.problems[] | contains("no space left"))'
check "the page answers" in_network curl -fsS http://127.0.0.1:8631/
check "the damaged file is untouched" cmp "$scratch/data/meteragent.db" "$scratch/damaged.db"
rm "$scratch/data/fill"
wait_for 40 "it is mended when there is room" status '.devices != [] and (.problems[] | contains("damaged-"))'
check "the same process did it" kill -0 "$agent"
agent_stop
everything_arrived
