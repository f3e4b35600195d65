#!/bin/bash
# at most 600 s
# The daemon is killed 50 times at random moments while it polls 20 copiers and delivers. Afterwards the portal holds every
# record exactly once, without a hole in the numbers.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need jq
make --no-print-directory build >/dev/null
network
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts
site "http://$portal/events"
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "  seed $seed (SEED=$seed repeats the moments)"
for ((i = 1; i <= 50; i++)); do
	start ./meteragent run --config "$scratch/site.toml" >>"$scratch/agent.log" 2>&1
	pid=$!
	sleep "$(awk -v n=$RANDOM 'BEGIN { printf "%.3f", 0.03 + n / 32768 * 1.2 }')" # most of the work is done in the first second
	kill -KILL $pid
	wait $pid 2>/dev/null || true
done
echo "  killed 50 times; $(arrived .counts.received) records arrived so far, $(waiting) wait"
agent_start
drained() { [ "$(waiting_now)" = 0 ] && more_than 200; }
wait_for 60 "what waited is delivered" drained
agent_stop
everything_arrived
echo "  $(arrived .counts.received) records, $(arrived .counts.repeats) repeats dropped"

# Between a decision, its commit, the send and the receipt: each cartridge is ordered once.
METERAGENT_KILLS=50 go test -count=1 -run '^TestKill$' -v ./agent | sed 's/^/  /'
