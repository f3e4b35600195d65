#!/bin/bash
# at most 420 s
# Recordings of real printers, served by another agent than our own simulator, are read as their expectations say: answered,
# total, supplies, inputs and alerts.
. "$(dirname "$0")/lib.sh"
need snmpsimd jq python3 runuser
corpus=$PWD/../shared/corpus
[ -d "$corpus/snmprec" ] || fail "the recordings are missing: $corpus"

make --no-print-directory build >/dev/null
network
port=11161
mkdir "$scratch/data" "$scratch/cache"
cp "$corpus"/snmprec/*.snmprec "$scratch/data/"
chmod -R a+rX "$scratch"
chown -R nobody "$scratch/cache"
background snmpsimd --data-dir="$scratch/data" --cache-dir="$scratch/cache" \
	--agent-udpv4-endpoint=127.0.0.1:$port --process-user=nobody --process-group=nogroup
read_one() { in_network ./meteragent read --json --timeout 5s --port $port --community "$1" 127.0.0.1; }
wait_for 60 "snmpsim answers" read_one samsung-ml-2850

# What the two have in common. A recording without a value demands nothing; percentages may differ by a rounding.
differences='
	def near($a; $b): ($a == null and $b == null) or ($a != null and $b != null and ($a - $b | fabs) <= 0.1);
	def rows($kind; $wanted; $found): $wanted // [] | .[] | . as $w
		| ([$found // [] | .[] | select(.key == $w.index)] | first) as $f
		| if $f == null then "\($kind) \(.index): no such row"
		  elif near($w.percent; $f.level.percent) then "" else "\($kind) \(.index): \($w.percent) wanted, \($f.level.percent) read" end;
	$expected[0] as $e | . as $r
	| ($e.counters.total_impressions | values | . as $total
		| if any($r.meters // [] | .[]; .name | startswith("systemTotals.")) and any($r.meters[]; .value == $total) then "" else "total \($total) is missing" end),
	rows("supply"; $e.supplies; $r.supplies),
	rows("input"; $e.inputs; $r.inputs),
	($e.alerts // [] | length | select(. > 0) | if . == ($r.alerts // [] | length) then "" else "\(.) alerts wanted" end)'
facts=0 wrong=0 recordings=0
mkdir "$scratch/readings"
for recording in "$corpus"/snmprec/*.snmprec; do
	name=$(basename "$recording" .snmprec)
	recordings=$((recordings + 1))
	if ! read_one "$name" >"$scratch/reading.json" || jq -e .error "$scratch/reading.json" >/dev/null; then
		echo "  $name: $(jq -r .error "$scratch/reading.json")"
		wrong=$((wrong + 1))
		continue
	fi
	cp "$scratch/reading.json" "$scratch/readings/$name.json"
	jq -r --slurpfile expected "$corpus/snmprec/$name.json" "$differences" "$scratch/reading.json" >"$scratch/facts"
	facts=$((facts + $(wc -l <"$scratch/facts")))
	if grep . "$scratch/facts" >"$scratch/missing"; then
		sed "s/^/  $name: /" "$scratch/missing"
		wrong=$((wrong + $(wc -l <"$scratch/missing")))
	fi
done
echo "  $recordings recordings, $facts facts, $wrong wrong, served by snmpsim"
[ $wrong -eq 0 ] && [ $recordings -gt 40 ] || fail "not every recording is read as expected"

# What the toner rules and the complaints make of them: agent/toner/testdata/recordings.txt, in full with go test -v.
METERAGENT_READINGS=$scratch/readings go test -count=1 -run TestOtherReadings ./agent/toner

# The same recordings from the simulator of the corpus, with its own score.
(cd ../shared/bench && GOFLAGS=-mod=mod go build -modfile="$scratch/go.mod" -o "$scratch/fleetsim" ./cmd/fleetsim) 2>/dev/null ||
	(cp -r ../shared/bench "$scratch/bench" && chmod -R u+w "$scratch/bench" && cd "$scratch/bench" && go build -o "$scratch/fleetsim" ./cmd/fleetsim)
in_network python3 "$corpus/score.py" --agent ./meteragent --sim "$scratch/fleetsim" --min 0 | tail -n 2 | tee "$scratch/score"
for kind in answered total supply input alerts; do
	check "$kind: all" awk -v kind="$kind" 'match($0, kind " [0-9]+/[0-9]+") {
		split(substr($0, RSTART + length(kind) + 1, RLENGTH - length(kind) - 1), n, "/"); good = n[1] == n[2] && n[2] > 0
	} END { exit !good }' "$scratch/score"
done
