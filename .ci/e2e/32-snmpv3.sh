#!/bin/bash
# at most 120 s
# SNMPv3 against net-snmp's snmpd: every protocol that it offers for authentication and privacy, and what it refuses. It has no
# printer objects, so that "not a printer", with its own words, is the sign that it was read.
. "$(dirname "$0")/lib.sh"
need snmpd snmpget
make --no-print-directory build >/dev/null
network
mkdir "$scratch/var"
printf 'authentic-password\n' >"$scratch/auth"
printf 'private-password\n' >"$scratch/priv"
printf 'another-password\n' >"$scratch/wrong"

# What the two call the protocols.
auths=(MD5:md5 SHA:sha1 SHA-224:sha224 SHA-256:sha256 SHA-384:sha384 SHA-512:sha512)
privs=(DES:des AES:aes128 AES-192:aes192 AES-256:aes256 AES192C:aes192c AES256C:aes256c)
{
	echo "agentaddress udp:127.0.0.1:161"
	echo "sysdescr A Linux host of the tests"
	echo "createUser plain"
	echo "rouser plain noauth"
	for auth in "${auths[@]}"; do
		echo "createUser ${auth#*:} ${auth%:*} authentic-password"
		echo "rouser ${auth#*:} auth"
		for priv in "${privs[@]}"; do
			echo "createUser ${auth#*:}-${priv#*:} ${auth%:*} authentic-password ${priv%:*} private-password"
			echo "rouser ${auth#*:}-${priv#*:} priv"
		done
	done
} >"$scratch/snmpd.conf"
background env MIBS= SNMP_PERSISTENT_DIR="$scratch/var" snmpd -f -Lf "$scratch/snmpd.log" -C -c "$scratch/snmpd.conf" -p "$scratch/snmpd.pid"

read_as() { # read_as USER FLAG...
	in_network ./meteragent --lang en read --timeout 500ms --user "$@" 127.0.0.1 2>&1 || true
}
was_read() { read_as "$@" | tee "$scratch/answer" | grep -F 'not a printer: it says "A Linux host of the tests"'; }
wait_for 20 "without authentication" was_read plain
interoperates=0
for auth in "${auths[@]}"; do
	a=${auth#*:}
	check "$a" was_read "$a" --auth "$a" --auth-password "$scratch/auth"
	for priv in "${privs[@]}"; do
		p=${priv#*:}
		if in_network snmpget -v3 -l authPriv -u "$a-$p" -a "${auth%:*}" -A authentic-password -x "${priv%:*}" -X private-password -t 1 -r 1 127.0.0.1 1.3.6.1.2.1.1.1.0 >"$scratch/snmpget" 2>&1; then
			check "$a with $p" was_read "$a-$p" --auth "$a" --auth-password "$scratch/auth" --priv "$p" --priv-password "$scratch/priv"
			interoperates=$((interoperates + 1))
		else
			echo "  net-snmp itself cannot: $a with $p ($(head -n 1 "$scratch/snmpget"))"
		fi
	done
done
check "all that net-snmp can, $interoperates pairs" test "$interoperates" -ge 24

refused() { # refused TEXT USER FLAG...: with the counter's name, and a hint
	read_as "${@:2}" >"$scratch/answer"
	grep -F "$1" "$scratch/answer" && grep '^hint: ' "$scratch/answer"
}
refused_here() {
	printf 'short\n' >"$scratch/short"
	ends 2 "less than 8" in_network ./meteragent --lang en read --user sha256 --auth sha256 --auth-password "$scratch/short" 127.0.0.1
}
check "a wrong user" refused usmStatsUnknownUserNames nobody --auth sha256 --auth-password "$scratch/auth"
check "a wrong password" refused usmStatsWrongDigests sha256 --auth sha256 --auth-password "$scratch/wrong"
check "a wrong protocol" refused usmStatsWrongDigests sha256 --auth sha512 --auth-password "$scratch/auth"
check "a wrong key, to which snmpd is silent" refused "the device answers, but" sha256-aes128 --auth sha256 --auth-password "$scratch/auth" --priv aes128 --priv-password "$scratch/wrong"
check "a level too high" refused usmStatsUnsupportedSecLevels sha256 --auth sha256 --auth-password "$scratch/auth" --priv aes128 --priv-password "$scratch/priv"
check "a password that is too short is refused before anything is sent" refused_here
