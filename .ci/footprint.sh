#!/bin/bash
# How much of a machine the agent takes with 100 copiers, beside snmp_exporter and, if TELEGRAF names one, Telegraf, in one
# run. An hour's load is compressed into SECONDS_OF_LOAD: every copier is read as often as in an hour of the default settings. Then
# the agent rests, and context switches and CPU time are counted.
#
#   [SECONDS_OF_LOAD=60] [TELEGRAF=/path/to/telegraf] .ci/footprint.sh
. "$(dirname "$0")/e2e/lib.sh"
seconds=${SECONDS_OF_LOAD:-60}
make --no-print-directory build >/dev/null
network
background ./meteragent simulate --listen "$copiers" --count 100
background ./meteragent portal --listen "$portal"
wait_for 20 "the portal listens" arrived .counts

switches() { cat /proc/"$1"/task/*/status | awk '/ctxt_switches/ {n += $2} END {print n}'; }
busy() { cat /proc/"$1"/task/*/schedstat | awk '{n += $1} END {print n}'; } # nanoseconds on a processor
# resident PID: what the process has in memory, in MiB: its own, pages of the program, and pages of the database, which the
# system takes back when it likes.
resident() {
	awk '/^[0-9a-f]+-/ {kind = $6 ~ /\.db$/ ? "db" : $6 ~ /^\// ? "file" : "own"} /^Rss:/ {n[kind] += $2 / 1024}
		END {printf "resident %5.1f MiB (own %4.1f, program %4.1f) beside %.1f of the database", n["own"] + n["file"], n["own"], n["file"], n["db"]}' "/proc/$1/smaps"
}
row() { # row WHAT PROGRAM PID: after the load, at rest for 30 s
	local s t
	s=$(switches "$3") t=$(busy "$3")
	sleep 30
	awk -v what="$1" -v size="$(stat -c %s "$2")" -v resident="$(resident "$3")" \
		-v s=$(($(switches "$3") - s)) -v t=$(($(busy "$3") - t)) \
		'BEGIN {printf "%-24s %5.1f MB  %s  at rest %.2f switches/s, %.2f ms CPU a minute\n", what, size / 1e6, resident, s / 30, t / 1e6 * 2}'
}

site() { # site EVERY
	cat <<-TOML
		customer = "1234567"
		[portal]
		url = "http://$portal/events"
		[[network]]
		addresses = ["127.0.0.1-127.0.0.100"]
		port = ${copiers#*:}
		[poll]
		meters = "$1"
		supplies = "$1"
		[store]
		folder = "$scratch/data"
		[page]
		listen = ""
	TOML
}
# An hour is two rounds of supplies and a quarter of one of meters. That much, and ten times as much, as full readings.
site "$((seconds / 20 + 1))s" >"$scratch/site.toml"
start ./meteragent run --config "$scratch/site.toml" >"$scratch/agent.log" 2>&1
loaded=$!
undo+=("kill $loaded 2>/dev/null")
sleep "$seconds"
echo "  after the load: $(arrived .counts.received) records delivered, $(resident $loaded)"
kill $loaded
wait $loaded || true
site 1h >"$scratch/site.toml"
start ./meteragent run --config "$scratch/site.toml" >"$scratch/agent.log" 2>&1
rested=$!
undo+=("kill $rested 2>/dev/null")
sleep 25
row "meteragent, 100 copiers" ./meteragent $rested
kill $rested

if exporter=$(command -v prometheus-snmp-exporter); then
	start "$exporter" --config.file=../shared/bench/conf/exporter-0.21.yml --web.listen-address=127.0.0.1:9116 >"$scratch/exporter.log" 2>&1
	peer=$!
	undo+=("kill $peer 2>/dev/null")
	wait_for 20 "snmp_exporter listens" in_network curl -fsS -o /dev/null http://127.0.0.1:9116/
	for i in $(seq 100); do
		in_network curl -fsS -o /dev/null --max-time 10 "http://127.0.0.1:9116/snmp?module=meter&target=127.0.0.$i:${copiers#*:}" || fail "snmp_exporter does not read 127.0.0.$i"
	done
	row "snmp_exporter, read once" "$exporter" $peer
	kill $peer
else
	echo "  snmp_exporter is not installed: NOT compared"
fi
if [ -x "${TELEGRAF:-}" ]; then
	{
		printf '[agent]\ninterval = "1h"\n[[outputs.discard]]\n[[inputs.snmp]]\nagents = ['
		for i in $(seq 100); do printf '"udp://127.0.0.%d:%s",' "$i" "${copiers#*:}"; done
		printf ']\n[[inputs.snmp.field]]\nname = "life"\noid = "1.3.6.1.2.1.43.10.2.1.4.1.1"\n'
	} >"$scratch/telegraf.conf"
	start "$TELEGRAF" --quiet --config "$scratch/telegraf.conf" >"$scratch/telegraf.log" 2>&1
	peer=$!
	undo+=("kill $peer 2>/dev/null")
	sleep 20
	row "telegraf, hourly" "$TELEGRAF" $peer
else
	echo "  TELEGRAF names no program: NOT compared"
fi
