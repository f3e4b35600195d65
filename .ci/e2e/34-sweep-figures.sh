#!/bin/bash
# at most 420 s
# Searches of a /24, a /22 and a /16 in which every hundredth address is a printer, beside a client that only sends and counts
# (the floor) and two other searchers, in one run. Counts must be right; times are printed, and bounded only generously.
. "$(dirname "$0")/lib.sh"
need onesixtyone nmap curl jq
[ -x /usr/bin/time ] || fail "time is missing: run .ci/e2e/install.sh"
make --no-print-directory build >/dev/null
cp -r ../shared/bench "$scratch/bench"
chmod -R u+w "$scratch/bench"
(cd "$scratch/bench" && go build -o "$scratch/fleetsim" ./cmd/fleetsim && go build -o "$scratch/floor" ./cmd/snmpfloor)
network
echo public >"$scratch/communities"

stats() { in_network curl -fsS --max-time 5 "http://127.0.0.1:16160/$1"; }
fleet() { # fleet ARGUMENT...: another fleet in place of the one before
	if [ -n "${fleet:-}" ]; then
		kill "$fleet" && wait "$fleet" 2>/dev/null || true
	fi
	start "$scratch/fleetsim" -port 161 -base 127.10.0.1 -n 655 -stride 100 "$@" >"$scratch/fleet.log" 2>&1
	fleet=$!
	until stats stats >/dev/null 2>&1; do sleep 0.1; done
}
undo+=('[ -z "${fleet:-}" ] || { kill "$fleet"; wait "$fleet"; } 2>/dev/null')

# run NAME PRINTERS PATTERN COMMAND...: one row of the table. PATTERN is what a line about a printer holds. It leaves wall, memory
# (KiB), found, packets (for each silent address) and heard (printers that answered) behind.
printf '  %-38s %9s %7s %7s %7s %8s\n' search found wall cpu MiB packets
run() {
	stats reset >/dev/null
	in_network /usr/bin/time -o "$scratch/time" -f '%e %U %S %M' "${@:4}" >"$scratch/out" 2>"$scratch/err" || true
	stats reset >"$scratch/stats"
	read -r wall user system memory < <(tail -n 1 "$scratch/time")
	found=$(grep -oE "$3" "$scratch/out" | wc -l)
	[ "$3" != answered ] || found=$(sed -n 's/.* answered=\([0-9]*\) .*/\1/p' "$scratch/out")
	packets=$(jq .packets_per_empty_host "$scratch/stats")
	heard=$(jq .printers_asked "$scratch/stats")
	awk -v name="$1" -v found="$found" -v of="$2" -v wall="$wall" -v cpu="$user $system" -v memory="$memory" -v packets="$packets" 'BEGIN {
		split(cpu, t, " "); printf "  %-38s %4d/%-4d %7.2f %7.2f %7.1f %8.2f\n", name, found, of, wall, t[1] + t[2], memory / 1024, packets }'
}
ours() { # ours NAME PRINTERS TRIES ARGUMENT...: every printer is found, and each silent address got exactly the tries
	run "$1" "$2" '"printer":true' ./meteragent discover --json --tries "$3" "${@:4}"
	[ "$found" -eq "$2" ] || fail "$1: $found of $2 printers were found"
	[ "$packets" = "$3" ] || fail "$1: $packets packets for a silent address, not $3"
}
below() { # below LIMIT VALUE WHAT
	awk -v limit="$1" -v value="$2" 'BEGIN { exit !(value <= limit) }' || fail "$3: $2, at most $1"
}
ratio() { # ratio WHAT A B
	awk -v what="$1" -v a="$2" -v b="$3" 'BEGIN { printf "  %s: %.2f\n", what, a / b }'
}

fleet
for size in 24 22 16; do
	addresses=$((1 << (32 - size)))
	printers=$(((addresses - 2) / 100 + 1))
	[ $size != 16 ] || printers=655
	at=127.10.0.0/$size
	run "/$size floor, 1 try" $printers answered "$scratch/floor" -mode sweep -port 161 -base 127.10.0.0 -n $addresses
	floor=$wall
	ours "/$size meteragent, 1 try" $printers 1 --rate -1 --timeout 1s $at
	ratio "/$size, the time of the floor" "$wall" "$floor"
	if [ $size != 22 ]; then
		run "/$size onesixtyone -w 0" $printers 'public\]' onesixtyone -w 0 -c "$scratch/communities" $at
	fi
	if [ $size != 16 ]; then
		run "/$size nmap, 1 retry, 5000/s" $printers 'udp open  *snmp' nmap -n -Pn -sU -p161 -T4 --max-retries 1 --min-rate 5000 --min-hostgroup 4096 --max-rtt-timeout 1s $at
	fi
done
ours "/16 meteragent, 1 try, again" 655 1 --rate -1 --timeout 1s 127.10.0.0/16
below 6 "$wall" "a /16"
below 25600 "$memory" "KiB for a /16"
run "/16 floor, 2 tries" 655 answered "$scratch/floor" -mode sweep -port 161 -base 127.10.0.0 -n 65536 -retries 1
floor=$wall
ours "/16 meteragent, 2 tries" 655 2 --rate -1 --timeout 1s 127.10.0.0/16
ratio "/16, two tries, the time of the floor" "$wall" "$floor"
ours "/22 meteragent, 1 try, 500/s" 11 1 --rate 500 --timeout 1s 127.10.0.0/22
ratio "/22, 500/s, of addresses / rate + timeout" "$wall" "$((1022 / 5 + 100))e-2"
ours "/24 meteragent --quick" 3 2 --quick 127.10.0.0/24
below 3 "$wall" "a quick /24"

fleet -latency 800ms
ours "/24 meteragent --quick, all at 800 ms" 3 2 --quick 127.10.0.0/24
run "/24 nmap, all at 800 ms" 3 'udp open  *snmp' nmap -n -Pn -sU -p161 -T4 --max-retries 1 --min-rate 5000 --min-hostgroup 4096 --max-rtt-timeout 1s 127.10.0.0/24

# Of the printers that lose both packets, one in 400 here, none can be found; all others are.
fleet -loss 5
run "/16 meteragent, 2 tries, 5 % loss" 655 '"printer":true' ./meteragent discover --json --rate -1 --timeout 1s 127.10.0.0/16
[ "$found" -eq "$heard" ] || fail "$heard printers heard a question, $found were found"
[ "$packets" = 2 ] || fail "$packets packets for a silent address, not 2"
[ "$found" -ge 645 ] || fail "$found of 655 printers were found"
fleet -loss 5 -v3user bench
printf authpass1 >"$scratch/auth"
printf privpass1 >"$scratch/priv"
run "/16 the same, SNMPv3" 655 '"printer":true' ./meteragent discover --json --rate -1 --timeout 1s --user bench --auth sha1 --priv aes128 \
	--auth-password "$scratch/auth" --priv-password "$scratch/priv" 127.10.0.0/16
[ "$packets" = 2 ] || fail "$packets packets for a silent address, not 2"
[ "$found" -ge 645 ] || fail "$found of 655 printers were found"
