#!/bin/bash
# at most 90 s
# Printers that nobody has listed: one that avahi announces by multicast DNS, and everybody on a segment by broadcast. A hint is
# no find: what is announced and is no printer, or does not answer SNMP, is not shown.
. "$(dirname "$0")/lib.sh"
need avahi-daemon snmpd jq unshare
make --no-print-directory build >/dev/null
network

# Two copiers and a Linux host, each in a network namespace of its own, on the same segment: 10.99.22.0/24. A device listens on
# all its addresses, so that it hears a broadcast.
ip -n "$net" link add segment type bridge
ip -n "$net" address add 10.99.22.1/24 broadcast + dev segment
ip -n "$net" link set segment up
attach() { # attach LAST...: a namespace with these addresses, named by the first
	local there=$net-$1 last
	ip netns add "$there"
	undo+=("ip netns delete $there")
	ip -n "$net" link add "to$1" type veth peer name segment netns "$there"
	ip -n "$net" link set "to$1" master segment up
	for last in "$@"; do
		ip -n "$there" address add "10.99.22.$last/24" broadcast + dev segment
	done
	ip -n "$there" link set segment up
	ip -n "$there" link set lo up
}
attach 20
attach 21
attach 30 22
for last in 20 21; do
	ip netns exec "$net-$last" ./meteragent simulate --listen 0.0.0.0:161 --count 1 >"$scratch/copier.$last" 2>&1 &
	undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")
done
mkdir "$scratch/var" "$scratch/avahi" "$scratch/avahi/services"
cat >"$scratch/snmpd.conf" <<CONF
agentaddress udp:10.99.22.30:161
rocommunity public 10.99.22.0/24
CONF
ip netns exec "$net-30" env MIBS= SNMP_PERSISTENT_DIR="$scratch/var" snmpd -f -Lf "$scratch/snmpd.log" -C -c "$scratch/snmpd.conf" -p "$scratch/snmpd.pid" &
undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")

# avahi announces copier 20, the Linux host 30, and 22, where nobody answers.
cat >"$scratch/avahi/avahi-daemon.conf" <<CONF
[server]
use-ipv6=no
enable-dbus=no
allow-interfaces=segment
[publish]
publish-addresses=no
CONF
for last in 20 22 30; do
	echo "10.99.22.$last host-$last.local"
	cat >"$scratch/avahi/services/$last.service" <<XML
<service-group><name>Printer $last</name>
<service><type>_pdl-datastream._tcp</type><host-name>host-$last.local</host-name><port>9100</port></service>
<service><type>_ipp._tcp</type><host-name>host-$last.local</host-name><port>631</port></service></service-group>
XML
done >"$scratch/avahi/hosts"
mkdir "$scratch/run"
ip netns exec "$net-30" unshare -m sh -c "mount --bind $scratch/avahi /etc/avahi && mkdir -p /run/avahi-daemon && mount --bind $scratch/run /run/avahi-daemon &&
	exec avahi-daemon --no-drop-root --no-chroot --no-rlimits" >"$scratch/avahi.log" 2>&1 &
undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")

search() { in_network ./meteragent discover --json --timeout 500ms "$@" | tee "$scratch/finds"; }
addresses() { search "$@" | jq -rs '[.[] | select(.printer) | .address] | sort | join(" ")'; }
finds() { [ "$(addresses "${@:2}")" = "$1" ]; }
wait_for 30 "the announced copier is found, and nothing else" finds "10.99.22.20" --mdns
check "the Linux host that is announced, too, has answered and is no printer" jq -es 'any(.address == "10.99.22.30" and .printer == false)' "$scratch/finds"
check "a range limits who is asked" finds "" --mdns 10.99.22.21-29
check "so does an exclude" finds "" --mdns --exclude 10.99.22.20
check "two copiers answer a broadcast" finds "10.99.22.20 10.99.22.21" --broadcast
check "with a broadcast nobody can be excluded" ends 2 exclude in_network ./meteragent discover --broadcast --exclude 10.99.22.1
check "every address asked: the same copiers" finds "10.99.22.20 10.99.22.21" --quick 10.99.22.0/24
