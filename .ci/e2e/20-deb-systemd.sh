#!/bin/bash
# at most 420 s
# The deb on a Debian with systemd: installed, configured, killed, hung, rebooted, upgraded, removed, purged. Nothing the
# copiers said may be lost on the way.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/system.sh
need mmdebstrap systemd-nspawn nsenter ip curl jq

dist 1.0.0 linux-amd64
dist 1.0.1 linux-amd64
new_system
cp "$scratch"/meteragent_1.0.?_amd64.deb "$root/root/"
boot
echo 'secret of the portal' >"$scratch/token"
peers "$PWD/out/bin/linux-amd64/meteragent" --token-file "$scratch/token"
# within SECONDS WHAT COMMAND...: as wait_for, and says how long it took, for the whole minute since $since or from now.
within() {
	local from=${since:-$(now)} what=$2
	wait_for "$1" "$what" "${@:3}"
	awk -v s="$(now)" -v from="$from" -v most="$1" -v what="$what" 'BEGIN {printf "  %s: %.1f s of at most %s\n", what, s - from, most; exit s - from > most}' ||
		fail "$what, within $1 s"
}
now() { date +%s.%N; }

echo "  installed, not configured"
begun=$(now)
check "the deb can be installed" inside dpkg -i /root/meteragent_1.0.0_amd64.deb
check "the service is enabled" inside systemctl is-enabled --quiet meteragent
check "it is off" is ActiveState inactive
check "that is no error" is Result success
check "starting it says what is missing" ends 1 /etc/meteragent/meteragent.toml inside meteragent service start
check "the configuration folder is the service's" owner /etc/meteragent "root:meteragent 2750"
check "systemd finds nothing wrong in the unit" inside systemd-analyze verify /usr/lib/systemd/system/meteragent.service

echo "  configured"
configuration | sed '/^url/a token = { credential = "token" }' | inside sh -c 'umask 027; cat >/etc/meteragent/meteragent.toml'
# The token is root's alone; systemd hands it over.
inside mkdir -p /etc/credstore /etc/systemd/system/meteragent.service.d
inside sh -c 'umask 077; cat >/etc/credstore/token' <"$scratch/token"
printf '[Service]\nLoadCredential=token:/etc/credstore/token\n' | inside tee /etc/systemd/system/meteragent.service.d/token.conf >/dev/null
inside systemctl daemon-reload
check "a file made there is readable by the service" owner /etc/meteragent/meteragent.toml "root:meteragent 640"
check "the program accepts the configuration" inside env CREDENTIALS_DIRECTORY=/etc/credstore meteragent check
check "the service starts" inside meteragent service start
check "it is active" is ActiveState active
check "it says so" ends 0 run inside meteragent service status
since=$begun within 60 "installed, configured, and it delivers" more_than 0
check "with the token that systemd gave it, which stands nowhere else" refuses inside grep -rqs "secret of the portal" /etc/meteragent /var/lib/meteragent
wait_for 60 "its readings know whether the clock is right" arrived '[.events[] | select(.type == "meteragent.reading.v1") | .data.clock] | length > 0 and all(. != "unknown")'
check "while it runs, an administrator's check finds the token, too" inside meteragent check
check "its data is its own" owner /var/lib/meteragent "meteragent:meteragent 700"
score=$(inside systemd-analyze security --no-pager meteragent.service | sed -n 's/.*level for meteragent.service: \([0-9.]*\).*/\1/p')
echo "  exposure by systemd-analyze security: $score"
check "that is at most 1.5" awk "BEGIN {exit !($score > 0 && $score <= 1.5)}"

echo "  killed, hung, rebooted"
pid=$(property MainPID)
inside kill -KILL "$pid"
within 10 "it is back after kill -9" active_anew "$pid"
inside systemctl --quiet stop meteragent
check "it stops in order" is Result success
inside mkdir -p /run/systemd/system/meteragent.service.d
echo "[Service]
WatchdogSec=3" | inside tee /run/systemd/system/meteragent.service.d/quick.conf >/dev/null
inside systemctl daemon-reload
inside systemctl start meteragent
pid=$(property MainPID)
inside kill -STOP "$pid"
within 20 "it is back after it hung, with a watchdog of 3 s" active_anew "$pid"
inside rm -r /run/systemd/system/meteragent.service.d
inside systemctl daemon-reload
reboot
wait_for 30 "it is active after a reboot" is ActiveState active

echo "  upgraded"
before=$(arrived .counts.received)
pid=$(property MainPID)
check "the next version can be installed" inside dpkg -i /root/meteragent_1.0.1_amd64.deb
wait_for 10 "the new program runs" active_anew "$pid"
check "it is the new one" ends 0 1.0.1 inside meteragent version
wait_for 90 "it delivers" more_than "$before"
check "nothing was lost on the way" arrived '.holes == []'
check "nothing was refused" arrived '.counts.refused == 0'

echo "  removed, installed again, purged"
check "it can be removed" inside dpkg -r meteragent
check "no process is left" refuses inside pgrep -x meteragent
check "the configuration stays" inside test -s /etc/meteragent/meteragent.toml
check "the data stays" inside sh -c 'ls /var/lib/meteragent/* >/dev/null'
check "it can be installed again" inside dpkg -i /root/meteragent_1.0.1_amd64.deb
wait_for 10 "it runs at once, being configured" is ActiveState active
check "it can be purged" inside dpkg -P meteragent
check "the configuration has gone" no_such /etc/meteragent
check "the data has gone" no_such /var/lib/meteragent
inside rm -r /etc/systemd/system/meteragent.service.d # ours
check "no trace in systemd" refuses inside sh -c 'find /etc/systemd /lib/systemd /var/lib/systemd -name "*meteragent*" | grep .'
check "Debian is content" up
power_off
