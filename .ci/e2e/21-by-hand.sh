#!/bin/bash
# at most 300 s
# The archive on a Debian with systemd: the service registered and removed by the program itself, everything twice, and said
# plainly what cannot be done.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/system.sh
. .ci/e2e/site.sh
need mmdebstrap systemd-nspawn nsenter ip curl jq openssl

dist 1.0.0 linux-amd64
new_system
tar -C "$root/root" -xzf "$scratch/meteragent_1.0.0_linux_amd64.tar.gz"
boot
peers "$PWD/out/bin/linux-amd64/meteragent"
program=/usr/local/bin/meteragent
service() { inside "$program" service "$@"; }

inside mkdir /etc/meteragent
configuration | inside sh -c 'umask 077; cat >/etc/meteragent/meteragent.toml'
check "a program in /root is refused" ends 1 /root inside /root/meteragent/meteragent service install
inside cp /root/meteragent/meteragent "$program"
check "nothing is installed yet" ends 3 "" service status
check "there is nothing to start" ends 3 "" service start
check "there is nothing to stop" ends 3 "" service stop
check "removing nothing is no error" service uninstall
inside sed -i.right 's/^customer/custmer/' /etc/meteragent/meteragent.toml
check "a bad configuration is not installed, and its problems are listed" ends 2 custmer service install
check "nothing is installed still" ends 3 "" service status
inside mv /etc/meteragent/meteragent.toml.right /etc/meteragent/meteragent.toml
check "it can be installed" service install
check "again" service install
check "the service can read what was written before" owner /etc/meteragent/meteragent.toml "root:meteragent 640"
inside cat /etc/systemd/system/meteragent.service >"$scratch/unit"
check "the unit is the packages', but for its program" sh -c "
	diff packaging/linux/meteragent.service '$scratch/unit' | grep '^>' >'$scratch/diff'
	[ \"\$(cat '$scratch/diff')\" = '> ExecStart=$program run --config /etc/meteragent/meteragent.toml' ]"
check "it will start with the machine" inside systemctl is-enabled --quiet meteragent
check "it is off" is ActiveState inactive
check "others may not start it" ends 1 "rights" inside setpriv --reuid=65534 --regid=65534 --clear-groups "$program" service start
check "others may ask" inside setpriv --reuid=65534 --regid=65534 --clear-groups "$program" service status
check "it starts" service start
pid=$(property MainPID)
check "again" service start
check "which leaves it alone" is MainPID "$pid"
wait_for 90 "it delivers" more_than 0
check "it may be installed while it runs" service install
check "which leaves it alone" is MainPID "$pid"
check "it restarts" service restart
check "as a new process" active_anew "$pid"
check "it stops" service stop
check "again" service stop
check "it is off" is ActiveState inactive
inside systemctl start meteragent
check "it can be removed while it runs" service uninstall
check "again" service uninstall
check "no process is left" refuses inside pgrep -x meteragent
check "nothing is installed any more" ends 3 "" service status
check "the configuration stays" inside test -s /etc/meteragent/meteragent.toml
check "the data stays" inside sh -c 'ls /var/lib/meteragent/* >/dev/null'
check "unless asked" service uninstall --purge

echo "  configured, enrolled and started by one command"
authority "$scratch" 127.0.0.1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=agents" \
	-keyout "$scratch/agents.key" -out "$scratch/agents.pem" 2>/dev/null
echo 7KQ2-M4XA | tee "$scratch/code" | inside tee /root/code >/dev/null
echo 0000-0000 | inside tee /root/wrong >/dev/null
inside mkdir -p /etc/ssl/certs
inside tee /etc/ssl/certs/ca-certificates.crt <"$scratch/ca.pem" >/dev/null
background out/bin/linux-amd64/meteragent portal --listen 127.0.0.1:8443 --certificate "$scratch/server.pem" --key "$scratch/server.key" \
	--authority "$scratch/agents.pem" --authority-key "$scratch/agents.key" --code-file "$scratch/code"
enrolled() { # enrolled CODE-FILE
	service install --now --customer 1234567 --portal https://127.0.0.1:8443/events --network 127.0.0.1-127.0.0.3 \
		--enroll https://127.0.0.1:8443 --code-file "$1"
}
check "a wrong code is said" ends 1 "not authorised" enrolled /root/wrong
check "the service runs all the same" is ActiveState active
check "it is purged" service uninstall --purge
check "the right one enrols" enrolled /root/code
inside sed -i 's/^#port = .*/port = 1161/; s/^#listen = .*/listen = ""/' /etc/meteragent/meteragent.toml
check "it restarts" service restart
certified() { in_network curl -fsS --max-time 5 --cacert "$scratch/ca.pem" https://127.0.0.1:8443/received.json | jq -e '.counts.received > 3'; }
wait_for 60 "it delivers with its certificate" certified
power_off
