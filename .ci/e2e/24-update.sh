#!/bin/bash
# at most 300 s
# Updates of a program installed by hand, on a Debian with systemd, from a repository made with go-tuf: one that works; ones
# that crash, hang, or cannot deliver, after which the version before is back; and repositories that are tampered with, rolled
# back and frozen. The other ways to forge, cut and withhold a repository are tried beside go-tuf's own client, and a full disk in
# packaging/update.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/system.sh
need mmdebstrap systemd-nspawn nsenter ip curl jq nginx

beside() { (cd packaging/tools && go test -count=1 ./release); }
check "go-tuf's client takes and refuses the same repositories" beside
(cd packaging/tools && go build -o ../../out/tools/ ./release)
for version in 1.0.0 1.0.1; do
	CGO_ENABLED=0 go build -trimpath -tags gosnmp_nodebug -ldflags "-s -w -X meteragent/agent/cli.version=$version" \
		-o "$scratch/$version" .
done
new_system
boot
peers "$scratch/1.0.0"
program=/usr/local/bin/meteragent
install -m 755 "$scratch/1.0.0" "$root$program"

repository=$scratch/repository
release() { out/tools/release "$repository" "$1" 100 "linux-amd64=$2"; }
release 1.0.0 "$scratch/1.0.0"
chmod 711 "$scratch"
cat >"$scratch/nginx.conf" <<CONF
daemon off; user root; pid $scratch/nginx.pid; error_log $scratch/nginx.log;
events {}
http { access_log off; server { listen 127.0.0.1:8443; root $repository; } }
CONF
background nginx -c "$scratch/nginx.conf" -p "$scratch"

mkdir "$root/etc/meteragent"
cp "$repository/root.json" "$root/etc/meteragent/"
{
	configuration | sed 's/^listen = ""/listen = "127.0.0.1:8631"/'
	cat <<-TOML
		[poll]
		meters = "2s"
		supplies = "1s"
		[update]
		url = "http://127.0.0.1:8443"
		root = "root.json"
		automatic = true
		every = "1s"
		probation = "15s"
	TOML
} >"$root/etc/meteragent/meteragent.toml"
sed 's#8080/events#8081/nobody#; s/8631/8632/' "$root/etc/meteragent/meteragent.toml" >"$root/etc/meteragent/dead.toml"
check "it is installed and started" inside "$program" service install --now
inside mkdir -p /run/systemd/system/meteragent.service.d
printf '[Service]\nRestartSec=200ms\nTimeoutStartSec=3\n' >"$scratch/quick.conf"
inside tee /run/systemd/system/meteragent.service.d/quick.conf <"$scratch/quick.conf" >/dev/null
inside systemctl daemon-reload
runs() { [ "$(in_network curl -fsS --max-time 5 http://127.0.0.1:8631/status.json | jq -r .version)" = "$1" ]; }
on_page() { in_network curl -fsS --max-time 5 http://127.0.0.1:8631/status.json | jq -e --arg t "$1" '.problems | any(contains($t))'; }
told() { # told VERSION RESULT TEXT: the portal knows
	arrived "[.events[] | select(.type == \"meteragent.agent.v1\") | .data | select(.event == \"update\") | .update]
		| any(.version == \"$1\" and .result == \"$2\" and ((.reason // \"\") | contains(\"$3\")))"
}
wait_for 60 "it delivers" more_than 0
wait_for 10 "1.0.0 runs" runs 1.0.0

echo "  a version that works"
release 1.0.1 "$scratch/1.0.1"
check "the release says which database it writes" jq -e '.signed.targets["meteragent-1.0.1-linux-amd64"].custom.database > 0' "$repository/metadata/targets.json"
wait_for 60 "1.0.1 runs" runs 1.0.1
wait_for 60 "it passes its probation, and the portal knows" told 1.0.1 passed ""
check "the installed program is untouched" cmp "$scratch/1.0.0" "$root$program"

echo "  versions that do not"
echo 'boot stops here' >"$scratch/no-program"
printf '#!/bin/sh\nexit 1\n' >"$scratch/crashes"
printf '#!/bin/sh\nexec sleep 1000\n' >"$scratch/hangs"
printf '#!/bin/sh\nexec %s run --config /etc/meteragent/dead.toml\n' "$program" >"$scratch/cannot-deliver"
release 1.0.2 "$scratch/crashes"
wait_for 60 "one that crashes is taken back, and the portal knows" told 1.0.2 failed "ended 3 times"
wait_for 10 "1.0.1 runs" runs 1.0.1
check "the page says so" on_page 1.0.2
release 1.0.3 "$scratch/hangs"
wait_for 60 "one that hangs is taken back, and the portal knows" told 1.0.3 failed prove
release 1.0.4 "$scratch/cannot-deliver"
wait_for 90 "one that cannot deliver is taken back, and the portal knows" told 1.0.4 failed "no copier was read and confirmed"
release 1.0.5 "$scratch/no-program"
wait_for 60 "one that is no program is taken back, and the portal knows" told 1.0.5 failed "exec format error"
wait_for 10 "1.0.1 runs" runs 1.0.1

echo "  repositories that are refused"
pid=$(property MainPID)
refused() { # refused WHAT TEXT: the service goes on, says so on its page, and tells the portal
	wait_for 30 "$1: refused, and the page says so" on_page "$2"
	wait_for 30 "$1: the portal knows" told "" refused "$2"
	check "$1: 1.0.1 goes on as it is" is MainPID "$pid"
}
cp -r "$repository" "$scratch/old"
release 1.0.6 "$scratch/1.0.1"
printf x | dd of="$repository/targets/meteragent-1.0.6-linux-amd64" bs=1 seek=9999 conv=notrunc 2>/dev/null
refused "a tampered program" "or others"
cp -r "$scratch/old" "$scratch/mended"
for _ in 1 2; do # newer metadata than what was seen
	out/tools/release "$scratch/mended" 1.0.1 100 "linux-amd64=$scratch/1.0.1"
done
mv "$repository" "$scratch/tampered"
mv "$scratch/mended" "$repository"
wait_for 30 "forgotten when all is well again" refuses on_page "or others"
cp "$scratch"/old/metadata/*.json "$repository/metadata/"
refused "a repository rolled back" "older than what was seen before"
for _ in 1 2 3; do
	SOURCE_DATE_EPOCH=1767225600 out/tools/release "$repository" 1.0.1 100 "linux-amd64=$scratch/1.0.1"
done
refused "a frozen one" expired

echo "  keys that others could change"
inside chmod 664 /etc/meteragent/root.json
check "they are refused" ends 2 "others than root can change it" inside "$program" update --check
inside systemctl restart meteragent
wait_for 30 "the page says so" on_page "others than root"
wait_for 10 "and the installed version runs" runs 1.0.0
inside chmod 644 /etc/meteragent/root.json
inside systemctl restart meteragent
wait_for 10 "1.0.1 is back with the right" runs 1.0.1

echo "  by hand"
check "what is frozen is refused by hand, too" ends 1 expired inside "$program" update --check
check "nothing was lost" arrived '.holes == []'
power_off
