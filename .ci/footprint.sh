#!/bin/bash
# How much of a machine the agent takes with 100 copiers, beside snmp_exporter and, if TELEGRAF names one, Telegraf, in one
# run. First at work: for SECONDS_OF_LOAD, up to a full minute, each of them reads every copier every EVERY seconds, which
# with 4 s is an hour of the default settings in 9 s, and the most that was resident at any time counts. Then each alone at
# rest, its context switches and its CPU time counted: the others after they were started again and have read once, the agent
# after the load, since then it has quiet hours.
#
#   [SECONDS_OF_LOAD=60] [EVERY=4] [TELEGRAF=/path/to/telegraf] .ci/footprint.sh
. "$(dirname "$0")/e2e/lib.sh"
seconds=${SECONDS_OF_LOAD:-60} every=${EVERY:-4}
make --no-print-directory build >/dev/null
network
background ./meteragent simulate --listen "$copiers" --count 100
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts

switches() { cat /proc/"$1"/task/*/status | awk '/ctxt_switches/ {n += $2} END {print n}'; }
busy() { cat /proc/"$1"/task/*/schedstat | awk '{n += $1} END {printf "%.0f", n}'; } # nanoseconds on a processor
# resident PID: MiB that the process has in memory beside its database, and of these its own and pages of the program, which
# the system shares and takes back when it likes; and pages of the database, which it takes back likewise.
resident() {
	awk '/^[0-9a-f]+-/ {kind = $6 ~ /\.db$/ ? "db" : $6 ~ /^\// ? "file" : "own"} /^Rss:/ {n[kind] += $2 / 1024}
		END {printf "%.1f %.1f %.1f %.1f", n["own"] + n["file"], n["own"], n["file"], n["db"]}' "/proc/$1/smaps"
}
shown() { # shown WHAT PROGRAM RESIDENT...
	printf '%-14s %5.1f MB  resident %5.1f MiB (own %4.1f, program %4.1f) beside %.1f of the database' \
		"$1" "$(awk -v n="$(stat -c %s "$2")" 'BEGIN {print n / 1e6}')" "${@:3}"
}

work_ends=$((($(date +%s) + seconds + 59) / 60 * 60))
agent() { # agent EVERY
	cat >"$scratch/site.toml" <<-TOML
		customer = "1234567"
		[portal]
		url = "http://$portal/events"
		[[network]]
		addresses = ["127.0.0.1-127.0.0.100"]
		port = ${copiers#*:}
		[poll]
		meters = "$1s"
		supplies = "$1s"
		quiet = "$(date -d "@$work_ends" +%H:%M)-$(date -d "@$((work_ends + 3600))" +%H:%M)"
		[store]
		folder = "$scratch/data"
		[page]
		listen = ""
	TOML
	start ./meteragent run --config "$scratch/site.toml" >"$scratch/agent.log" 2>&1
}
exporter() { start prometheus-snmp-exporter --config.file=../shared/bench/conf/exporter-0.21.yml --web.listen-address=127.0.0.1:9116 >"$scratch/exporter.log" 2>&1; }
scrape() { # every copier, 16 at once
	in_network curl -fsS -Z --parallel-max 16 --max-time 60 "http://127.0.0.1:9116/snmp?module=meter&target=127.0.0.[1-100]:${copiers#*:}" >"$scratch/scraped"
}
telegraf() { # telegraf EVERY: one object of each copier
	local i
	{
		printf '[agent]\ninterval = "%ss"\n[[outputs.discard]]\n[[inputs.snmp]]\nagents = [' "$1"
		for i in $(seq 100); do printf '"udp://127.0.0.%d:%s",' "$i" "${copiers#*:}"; done
		printf ']\n[[inputs.snmp.field]]\nname = "life"\noid = "1.3.6.1.2.1.43.10.2.1.4.1.1"\n'
	} >"$scratch/telegraf.conf"
	start "$TELEGRAF" --quiet --config "$scratch/telegraf.conf" >"$scratch/telegraf.log" 2>&1
}
names=(meteragent) program=([0]=./meteragent)
if command -v prometheus-snmp-exporter >/dev/null; then
	names+=(snmp_exporter) program+=("$(command -v prometheus-snmp-exporter)")
else
	echo "  snmp_exporter is not installed: NOT compared"
fi
if [ -x "${TELEGRAF:-}" ]; then
	names+=(telegraf) program+=("$TELEGRAF")
else
	echo "  TELEGRAF names no program: NOT compared"
fi
run() { # run NAME EVERY: $pid is its process
	case $1 in
	meteragent) agent "$2" ;;
	snmp_exporter) exporter ;;
	telegraf) telegraf "$2" ;;
	esac
	pid=$!
	undo+=("kill $pid 2>/dev/null")
}

pids=() most=()
for i in "${!names[@]}"; do
	run "${names[i]}" "$every"
	pids[i]=$pid
done
begin=$(date +%s)
while now=$(date +%s) && [ "$now" -lt "$work_ends" ]; do
	next=$((SECONDS + every))
	for name in "${names[@]}"; do [ "$name" != snmp_exporter ] || scrape 2>/dev/null || true; done
	for i in "${!names[@]}"; do
		now=$(resident "${pids[i]}")
		awk -v now="$now" -v most="${most[i]:-0}" 'BEGIN {exit now + 0 <= most + 0}' && most[i]=$now
	done
	[ $SECONDS -ge $next ] || sleep $((next - SECONDS))
done
echo "  $(in_network curl -fsS "http://$portal/received.json" | jq .counts.received) records delivered in $((work_ends - begin)) s, every copier read every $every s"
for i in "${!names[@]}"; do
	# shellcheck disable=SC2086 # four figures
	shown "${names[i]}" "${program[i]}" ${most[i]}
	echo " at most; $(($(busy "${pids[i]}") / 1000000)) ms CPU"
	[ "${names[i]}" = meteragent ] || { kill "${pids[i]}" && wait "${pids[i]}" || true; }
done
rested() { # rested NAME PROGRAM PID: what it takes in a minute
	local s t
	s=$(switches "$3") t=$(busy "$3")
	sleep 60 # a wake-up is some 50 switches, most of them of the run-time's own watch, and there is one every 15 to 30 s
	# shellcheck disable=SC2046 # four figures
	shown "$1" "$2" $(resident "$3")
	awk -v s=$(($(switches "$3") - s)) -v t=$(($(busy "$3") - t)) 'BEGIN {printf " at rest; %.2f switches/s, %.2f ms CPU a minute\n", s / 60, t / 1e6}'
	kill "$3"
	wait "$3" || true
}
for i in "${!names[@]}"; do
	[ "${names[i]}" != meteragent ] || continue
	run "${names[i]}" 3600
	if [ "${names[i]}" = snmp_exporter ]; then
		wait_for 20 "snmp_exporter listens" in_network curl -fsS -o /dev/null http://127.0.0.1:9116/
		scrape
	fi
	sleep 25
	rested "${names[i]}" "${program[i]}" "$pid"
done
gives_back=300 # seconds, in agent/cli/run.go
rest=$((work_ends + gives_back + 10 - $(date +%s)))
[ $rest -le 0 ] || sleep $rest
rested meteragent ./meteragent "${pids[0]}"
