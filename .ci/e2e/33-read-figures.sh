#!/bin/bash
# at most 300 s
# Readings of 1,000 printers that take 20 ms each, beside a client that only counts (the floor) and snmp_exporter, in one run; then
# without latency and with packets lost. Counts must be right and nobody missed; times are printed, and bounded only generously.
# TELEGRAF=/path/to/telegraf measures that one, too.
. "$(dirname "$0")/lib.sh"
need curl jq prometheus-snmp-exporter
[ -x /usr/bin/time ] || fail "time is missing: run .ci/e2e/install.sh"
cp -r ../shared/bench "$scratch/bench"
chmod -R u+w "$scratch/bench"
(cd "$scratch/bench" && go build -o "$scratch/fleetsim" ./cmd/fleetsim && go build -o "$scratch/floor" ./cmd/snmpfloor)
go test -c -o "$scratch/ours" ./collector
network
n=1000
for ((i = 1; i <= n; i++)); do
	echo "127.10.$((i / 256)).$((i % 256))"
done >"$scratch/addresses"

fleet() { # fleet ARGUMENT...: another fleet in place of the one before
	if [ -n "${fleet:-}" ]; then
		kill "$fleet" && wait "$fleet" 2>/dev/null || true
	fi
	start "$scratch/fleetsim" -port 161 -n "$n" -v3user bench "$@" >"$scratch/fleet.log" 2>&1
	fleet=$!
	until in_network curl -fsS --max-time 5 http://127.0.0.1:16160/stats >/dev/null 2>&1; do sleep 0.1; done
}
undo+=('[ -z "${fleet:-}" ] || { kill "$fleet"; wait "$fleet"; } 2>/dev/null')
stats() { in_network curl -fsS --max-time 5 "http://127.0.0.1:16160/reset"; }

row() { # row NAME MISSED REQUESTS BYTES WALL CPU(us a device) MIB
	printf '  %-34s %7s %9.2f %7.0f %8.3f %8.0f %7.1f\n' "$@"
}
value() { sed -n "s/.* $1=\([0-9.]*\).*/\1/p"; }

wall_2cplan='' cpu_2cplan='' cpu_3plan='' # set by ours
# ours NAME: first readings, and the second of the rounds by plan, with version 2c and 3. The test fails on wrong counts.
ours() {
	METERAGENT_FLEET=127.10.0.1:161+$n METERAGENT_FLEET_USER=bench in_network env "${@:2}" "$scratch/ours" -test.run '^TestFleet$' >"$scratch/said" 2>&1 || {
		cat "$scratch/said" >&2
		fail "$1: readings"
	}
	local version kind line
	for version in 2c 3; do
		for kind in first plan; do
			line=$(grep "^fleet version=$version kind=$kind " "$scratch/said" | sort -t= -k8 -n | head -n 2 | tail -n 1)
			row "$1 v$version, $kind" "$(value missed <<<"$line")" "$(value requests <<<"$line")" "$(value bytes <<<"$line")" \
				"$(value wall_s <<<"$line")" "$(value cpu_us <<<"$line")" "$(value peak_mib <<<"$line")"
			declare -g "wall_$version$kind=$(value wall_s <<<"$line")" "cpu_$version$kind=$(value cpu_us <<<"$line")"
		done
	done
}
# peer NAME COMMAND...: another program, measured from outside. It leaves wall and cpu behind.
peer() {
	stats >/dev/null
	in_network /usr/bin/time -o "$scratch/time" -f '%e %U %S %M' "${@:2}" >"$scratch/out" 2>"$scratch/err" || true
	stats >"$scratch/stats"
	local user system memory
	read -r wall user system memory < <(tail -n 1 "$scratch/time")
	cpu=$(awk "BEGIN { print ($user + $system) / $n * 1e6 }")
	row "$1" $((n - $(jq .printers_asked "$scratch/stats"))) "$(jq .pdus_per_asked "$scratch/stats")" "$(jq .bytes_per_asked "$scratch/stats")" \
		"$wall" "${daemon:-$cpu}" "$(awk "BEGIN { print $memory / 1024 }")"
}
floor() { # floor NAME SHAPE [ARGUMENT...]
	peer "$1" "$scratch/floor" -port 161 -n "$n" -conc 1000 -shape "$2" "${@:3}"
	wall=$(value wall_s <"$scratch/out")
}
exporter() { # the daemon's own processor time and memory, not those of curl
	start prometheus-snmp-exporter --config.file="$scratch/bench/conf/exporter-0.21.yml" --web.listen-address=127.0.0.1:9116 >"$scratch/exporter.log" 2>&1
	local pid=$!
	until in_network curl -fsS --max-time 5 http://127.0.0.1:9116/ >/dev/null 2>&1; do sleep 0.1; done
	awk '{ print "url=\"http://127.0.0.1:9116/snmp?module=meter&target=" $1 "\"\noutput=/dev/null" }' "$scratch/addresses" >"$scratch/urls"
	ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
	local before
	before=$(ticks)
	peer "snmp_exporter (with curl's memory)" curl -s -Z --parallel-immediate --parallel-max 256 -K "$scratch/urls"
	exporter_cpu=$(awk "BEGIN { print ($(ticks) - $before) / $(getconf CLK_TCK) / $n * 1e6 }")
	exporter_wall=$wall
	printf '  %-34s %44.0f %7.1f\n' "  its daemon" "$exporter_cpu" "$(awk '/VmHWM/ { print $2 / 1024 }' "/proc/$pid/status")"
	kill $pid && wait $pid 2>/dev/null || true
}
telegraf() {
	if [ -n "${TELEGRAF:-}" ]; then
		bash "$scratch/bench/scripts/telegraf-conf.sh" "$n" meter >"$scratch/telegraf.conf"
		peer "telegraf, $1" "$TELEGRAF" --quiet --config "$scratch/telegraf.conf" --once
		ratio "telegraf's wall to ours by plan" "$wall" "$wall_2cplan"
	fi
}
ratio() { # ratio WHAT A B
	awk -v what="$1" -v a="$2" -v b="$3" 'BEGIN { printf "  %s: %.2f\n", what, a / b }'
}
below() { # below LIMIT VALUE WHAT
	awk -v limit="$1" -v value="$2" 'BEGIN { exit !(value <= limit) }' || fail "$3: $2, at most $1"
}

printf '  %-34s %7s %9s %7s %8s %8s %7s\n' "1,000 printers at 20 ms" missed requests bytes "wall s" "CPU us" MiB
fleet -latency 20ms
floor "floor, what changes" steady
floor_wall=$wall
ours meteragent
fleet -latency 20ms
exporter
fleet -latency 20ms
telegraf "20 ms"
ratio "wall by plan to the floor's" "$wall_2cplan" "$floor_wall"
ratio "snmp_exporter's wall to ours by plan" "$exporter_wall" "$wall_2cplan"
ratio "snmp_exporter's CPU to ours by plan" "$exporter_cpu" "$cpu_2cplan"
ratio "CPU of version 3 to that of 2c" "$cpu_3plan" "$cpu_2cplan"
below 3 "$wall_2cplan" "1,000 readings by plan"

for loss in 1 5; do
	echo "  $loss % of requests lost"
	fleet -loss $loss
	floor "floor, $loss % lost" steady -retries 5
	ours "meteragent, $loss % lost" METERAGENT_FLEET_LOSS=1
	telegraf "$loss % lost"
done
