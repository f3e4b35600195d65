#!/bin/bash
# at most 60 s
# A Linux host with net-snmp's snmpd is a device, but no printer: that is said, with its own words, and nothing crashes.
. "$(dirname "$0")/lib.sh"
need snmpd
make --no-print-directory build >/dev/null
network
mkdir "$scratch/var"
cat >"$scratch/snmpd.conf" <<CONF
agentaddress udp:127.0.0.1:161
rocommunity public 127.0.0.1
sysdescr A Linux host of the tests
CONF
background env MIBS= SNMP_PERSISTENT_DIR="$scratch/var" snmpd -f -Lf "$scratch/snmpd.log" -C -c "$scratch/snmpd.conf" -p "$scratch/snmpd.pid"
read_it() {
	code=0
	in_network ./meteragent --lang en read "$@" 127.0.0.1 >"$scratch/out" 2>"$scratch/err" || code=$?
}
answers() {
	read_it
	grep -q 'not a printer' "$scratch/err"
}
wait_for 20 "it says that this is no printer" answers
check "with the device's own words" grep -F "A Linux host of the tests" "$scratch/err"
check "and what to do" grep '^hint: ' "$scratch/err"
for version in 1 2c; do
	read_it --snmp $version
	check "SNMP $version: the exit code is 1" test "$code" = 1
done
read_it --json
check "as JSON, too" jq -e '.error and .hint' "$scratch/out"
read_it --community wrong --timeout 200ms
check "the wrong community is no answer, exit code 4" test "$code" = 4
code=0
in_network ./meteragent discover --json --tries 1 --timeout 1s 127.0.0.1 >"$scratch/out" 2>&1 || code=$?
check "a sweep does not take it for a printer" test "$code" = 4
