#!/bin/bash
# at most 420 s
# The rpm and its scripts. There is no Red Hat here, so Debian's rpm installs it on Debian, without looking at what it needs.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/system.sh
need mmdebstrap systemd-nspawn nsenter ip curl jq

dist 1.0.0 linux-amd64
dist 1.0.1 linux-amd64
new_system
cp "$scratch"/meteragent-1.0.?-1.x86_64.rpm "$root/root/"
boot
peers "$PWD/out/bin/linux-amd64/meteragent"

check "it can be installed" inside rpm -i --nodeps /root/meteragent-1.0.0-1.x86_64.rpm
check "its files are as packed" inside rpm -V --nodeps meteragent
check "the service is enabled" inside systemctl is-enabled --quiet meteragent
check "it is off, being not configured" is ActiveState inactive
check "the configuration folder is the service's" owner /etc/meteragent "root:meteragent 2750"
configuration | inside sh -c 'umask 027; cat >/etc/meteragent/meteragent.toml'
check "it starts" inside meteragent service start
wait_for 90 "it delivers" more_than 0
pid=$(property MainPID)
check "the next version can be installed" inside rpm -U --nodeps /root/meteragent-1.0.1-1.x86_64.rpm
wait_for 10 "the new program runs" active_anew "$pid"
check "it is still enabled" inside systemctl is-enabled --quiet meteragent
check "it can be removed" inside rpm -e meteragent
check "no process is left" refuses inside pgrep -x meteragent
check "the configuration stays" inside test -s /etc/meteragent/meteragent.toml
check "Debian is content" up
power_off
