#!/bin/bash
# at most 300 s
# What it costs to keep readings of 586 bytes, one to a thousand in each commit: our store, bare bbolt with the same settings,
# SQLite and a plain file, in one run; then the drain, whole readings, the size of the file, and memory. Bytes written, syncs,
# file sizes and memory are bounded; rates are compared in three turns, and bounded only generously.
# TELEGRAF=/path/to/telegraf measures its disk buffer, too (another 50 s).
. "$(dirname "$0")/lib.sh"
need strace jq curl
cp -r ../shared/bench "$scratch/bench"
chmod -R u+w "$scratch/bench"
(cd "$scratch/bench" && go build -o "$scratch/storebench" ./cmd/storebench && go build -o "$scratch/fleetsim" ./cmd/fleetsim)
go test -c -o "$scratch/ours" ./store
mkdir "$scratch/data"

value() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p"; }
median() { sort -g | sed -n 2p; } # of three
below() { # below LIMIT VALUE WHAT
	awk -v limit="$1" -v value="$2" 'BEGIN { exit !(value <= limit) }' || fail "$3: $2, at most $1"
	echo "  ok: $3: $2, at most $1"
}
figures() { # figures WHAT RECORDS BATCH: our store
	(cd store && TMPDIR="$scratch/data" METERAGENT_FIGURES="$*" "$scratch/ours" -test.run '^TestFigures$') | grep '^figures '
}
bench() { # bench KIND RECORDS BATCH: another, only filled; the names of its figures become ours
	"$scratch/storebench" -dir "$scratch/data" -kind "$1" -n "$2" -batch "$3" -drain 0 -limit 3s | sed 's/fill_per_s/rate/; s/disk_bytes_per_reading/disk_bytes/'
}
run() { # run NAME RECORDS BATCH
	case $1 in
	meteragent) figures append "$2" "$3" ;;
	*) bench "$@" ;;
	esac
}
syncs() { # syncs NAME: of one commit
	local n count=()
	export -f run figures bench
	export scratch
	for n in 50 150; do
		strace -f -c -e trace=fsync,fdatasync -o "$scratch/trace" bash -c "run $1 $((10 * n)) 10" >"$scratch/said"
		count+=("$(awk '$NF ~ /sync$/ { n += $4 } END { print n + 0 }' "$scratch/trace")")
	done
	awk -v a="${count[0]}" -v b="${count[1]}" 'BEGIN { print (b - a) / 100 }'
}

printf '  %-28s %9s %34s %34s %27s\n' "readings of 586 bytes" "" "readings a second" "bytes on disk a reading" "syncs a reading"
printf '  %-28s %9s %9s %9s %9s %9s %9s %8s %8s %6s %6s %6s %6s\n' "in a commit" 1 10 100 1000 1 10 100 1000 1 10 100 1000
declare -A rate bytes
for batch in 1 10 100 1000; do
	n=$((batch * 600 < 60000 ? batch * 600 : 60000))
	for _ in 1 2 3; do # in turns, since the machine has other things to do
		for name in meteragent bbolt-tuned sqlite file; do
			run "$name" "$n" "$batch" >"$scratch/row"
			value rate <"$scratch/row" >>"$scratch/$name.$batch.rate"
			value disk_bytes <"$scratch/row" >>"$scratch/$name.$batch.bytes"
		done
	done
done
for name in meteragent bbolt-tuned sqlite file; do
	line=$(printf '%-28s' "$name")
	one=$(syncs "$name")
	for what in rate bytes; do
		for batch in 1 10 100 1000; do
			figure=$(median <"$scratch/$name.$batch.$what")
			declare "${what}[$name.$batch]=$figure"
			line+=$(printf ' %9.0f' "$figure")
		done
	done
	for batch in 1 10 100 1000; do
		line+=$(awk -v s="$one" -v b=$batch 'BEGIN { printf " %6.3f", s / b }')
	done
	[ "$name" != meteragent ] || ours=$one
	echo "  $line"
done
echo "  bbolt-tuned: FillPercent 1, no freelist written."
if [ -n "${TELEGRAF:-}" ]; then
	network
	start "$scratch/fleetsim" -port 161 -n 100 >"$scratch/fleet.log" 2>&1
	undo+=("kill $!; wait $! 2>/dev/null")
	until in_network curl -fsS --max-time 5 http://127.0.0.1:16160/stats >/dev/null 2>&1; do sleep 0.1; done
	mkdir "$scratch/buffer"
	bash "$scratch/bench/scripts/telegraf-conf.sh" 100 meter | awk -v d="$scratch/buffer" '
		/interval = "10s"/ { sub("10s", "5s") }
		/omit_hostname/ { print "  buffer_strategy = \"disk\"\n  buffer_directory = \"" d "\"\n  metric_batch_size = 1000" }
		/outputs.discard/ { print "[[outputs.http]]\n  url = \"http://127.0.0.1:18080/\"\n  data_format = \"json\""; next } { print }' >"$scratch/telegraf.conf"
	start strace -f -e trace=fsync,fdatasync -o "$scratch/telegraf.trace" "$TELEGRAF" --quiet --config "$scratch/telegraf.conf" >"$scratch/telegraf.log" 2>&1
	tracer=$!
	sleep 31
	pid=$(pgrep -P "$tracer")
	reads=$(in_network curl -fsS http://127.0.0.1:16160/stats | jq .printers_asked)
	written=$(awk '/^write_bytes/ { print $2 }' "/proc/$pid/io")
	kill "$pid"
	wait "$tracer" 2>/dev/null || true
	rounds=6 # every 5 s
	printf '  telegraf, disk buffer: %.0f bytes and %.1f syncs a reading (%s printers, %s rounds)\n' \
		"$(awk "BEGIN { print $written / $reads / $rounds }")" "$(awk -v n="$(grep -c 'sync(' "$scratch/telegraf.trace")" "BEGIN { print n / $reads / $rounds }")" "$reads" $rounds
else
	echo "  telegraf: not here; TELEGRAF=/path/to/telegraf .ci/e2e/52-store-figures.sh measures its disk buffer"
fi

for batch in 100 1000; do
	for _ in 1 2 3; do
		figures drain 100000 $batch >"$scratch/row"
		value rate <"$scratch/row" >>"$scratch/drain.$batch.rate"
		value disk_bytes <"$scratch/row" >>"$scratch/drain.$batch.bytes"
		value own_mib <"$scratch/row" >>"$scratch/drain.$batch.mib"
	done
	printf '  drain, %4s settled at once: %s readings a second, %s bytes on disk a reading, %s MiB of memory apart from the file\n' \
		$batch "$(median <"$scratch/drain.$batch.rate")" "$(median <"$scratch/drain.$batch.bytes")" "$(median <"$scratch/drain.$batch.mib")"
done
export METERAGENT_FIGURES_BODY=whole
for what in "append 10000 100" "drain 10000 1000"; do
	# shellcheck disable=SC2086
	figures $what | sed "s/^figures/  whole readings, $what:/"
done
unset METERAGENT_FIGURES_BODY
figures rounds 20000 100 >"$scratch/rounds"
echo "  MiB after each of ten rounds of fill and drain: $(grep -o '\bmib=[0-9.]*' "$scratch/rounds" | cut -d= -f2 | tr '\n' ' ')"
figures short 40000 100 >"$scratch/short"
sed 's/^figures/  40,000 readings, of which a tenth is left, and the file made short:/' "$scratch/short"

below 1200 "${bytes[meteragent.100]}" "bytes on disk a reading, 100 in a commit"
below 0.02 "$(awk "BEGIN { print $ours / 100 }")" "syncs a reading, 100 in a commit, while the file grows"
below 450 "$(median <"$scratch/drain.100.bytes")" "bytes on disk for each reading drained, 100 at once"
below 450 "$(median <"$scratch/drain.1000.bytes")" "bytes on disk for each reading drained, 1000 at once"
below 2 "$(value live <"$scratch/short")" "length of the short file to live data"
below 1.1 "$(grep -o '\bmib=[0-9.]*' "$scratch/rounds" | cut -d= -f2 | awk 'NR == 1 { first = $1 } { last = $1 } END { print last / first }')" "length of the file after ten rounds to that after one"
below 24 "$(median <"$scratch/drain.1000.mib")" "MiB of memory apart from the file"
awk -v o="${rate[meteragent.100]}" -v b="${rate[bbolt-tuned.100]}" 'BEGIN { printf "  rate to that of bare bbolt, 100 in a commit: %.2f (goal 0.8)\n", o / b; exit !(o / b >= 0.5) }' || fail "the rate is less than half of that of bare bbolt"
awk -v o="$(median <"$scratch/drain.1000.rate")" 'BEGIN { printf "  readings drained a second: %d (goal 150,000)\n", o; exit !(o >= 50000) }' || fail "the drain is slow"
