#!/bin/bash
# at most 300 s
# Under a running agent the disk of the database loses blocks that it has promised, each sync fails with EIO, and the file
# system turns read-only for good. Readings wait in memory, nobody helps, and nothing that was confirmed is lost.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need jq strace mkfs.ext4
make --no-print-directory build >/dev/null
network
background ./meteragent simulate --listen "$copiers" --count 20
# A file system larger than what it lies on: the kernel finds no room for its blocks. It has no journal, which would end it at
# the first error.
mkdir "$scratch/thin" "$scratch/data"
mount -t tmpfs -o size=1100k tmpfs "$scratch/thin"
undo+=("umount --lazy '$scratch/thin'") # the loop device lets go of it later
truncate -s 64M "$scratch/thin/disk"
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 "$scratch/thin/disk"
mount -o loop "$scratch/thin/disk" "$scratch/data"
undo+=("umount '$scratch/data'")
site "http://$portal/events"
status() { in_network ./meteragent status --json --config "$scratch/site.toml" | jq -e "$1"; }
agent_start
fails() { # fails WORDS: the agent notices, and goes on
	wait_for 60 "status says: $1" status "(.problems // []) | any(contains(\"$1\"))"
	wait_for 20 "readings wait in memory" status '.store.inMemory > 20'
	check "the agent runs" kill -0 "$agent"
}
recovers() { wait_for 70 "the database is written again" status '.store.failingSince == null and .store.inMemory < 20'; }
fails "no space left on device"
mount -o remount,size=80m "$scratch/thin"
recovers
strace -f -qq -o "$scratch/strace" -e trace=fdatasync -e inject=fdatasync:error=EIO -p "$agent" &
sick=$!
fails "input/output error"
kill "$sick"
wait "$sick" 2>/dev/null || true
recovers
# The same from the start on: it must not end, to be started again and again.
kill -KILL "$agent"
wait "$agent" 2>/dev/null || true
# shellcheck disable=SC2016 # $$ is the inner shell's
start bash -c 'kill -STOP $$; exec "$@"' - ./meteragent run --config "$scratch/site.toml" >>"$scratch/agent.log" 2>&1
agent=$!
undo+=("kill -KILL $agent 2>/dev/null")
is() { grep -q "$1" "/proc/$agent/status"; }
wait_for 10 "the next start waits" is '^State:.T'
strace -f -qq -o "$scratch/strace" -e trace=fdatasync -e inject=fdatasync:error=EIO -p "$agent" &
sick=$!
wait_for 10 "the disk fails before it goes on" is '^TracerPid:.[1-9]'
kill -CONT "$agent"
fails "input/output error"
kill "$sick"
wait "$sick" 2>/dev/null || true
recovers
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts
drained() { [ "$(waiting_now)" -lt 100 ] && more_than 200; }
wait_for 150 "what waited is delivered" drained # after so long without a portal it asks again in a minute or so
agent_stop
everything_arrived
umount "$scratch/data"

# Read-only for good, as ext4 does it to itself when it finds an error.
truncate -s 32M "$scratch/disk"
mkfs.ext4 -q -F "$scratch/disk"
mount -o loop "$scratch/disk" "$scratch/data"
agent_start
wait_for 30 "readings are delivered" status '.portals[0].delivered > 40'
before=$(arrived .counts.received)
mount -o remount,abort "$scratch/data"
fails "read-only"
kill -KILL "$agent"
wait "$agent" 2>/dev/null || true
umount "$scratch/data"
e2fsck -p "$scratch/disk" >/dev/null || [ $? -le 2 ] || fail "the file system cannot be repaired"
mount -o loop "$scratch/disk" "$scratch/data"
agent_start
wait_for 30 "it goes on after the restart" more_than "$((before + 40))"
agent_stop
everything_arrived
