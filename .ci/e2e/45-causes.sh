#!/bin/bash
# at most 300 s
# The portal cannot be used: the DNS does not know its name or does not answer, nobody listens, its certificate has expired, a
# captive portal answers 200 with a page, the token is wrong. The agent starts all the same, copiers are read, the page answers,
# and the status names the cause.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need nginx openssl jq
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost
mkdir "$scratch/old"
touch "$scratch/old/index"
echo 01 >"$scratch/old/serial"
cat >"$scratch/old/ca.conf" <<CONF
[ca]
default_ca = test
[test]
database = $scratch/old/index
serial = $scratch/old/serial
new_certs_dir = $scratch/old
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
CONF
openssl ca -batch -config "$scratch/old/ca.conf" -cert "$scratch/ca.pem" -keyfile "$scratch/ca.key" -in "$scratch/server.csr" \
	-startdate 20200101000000Z -enddate 20200201000000Z -extensions names -notext -out "$scratch/old.pem" 2>/dev/null
nginx_conf <<CONF
default_type text/html;
ssl_certificate_key $scratch/server.key;
server { # a hotel's
	listen 127.0.0.1:8443 ssl;
	ssl_certificate $scratch/server.pem;
	location / { return 200 "<html><h1>Welcome. Please log in.</h1></html>"; }
}
server {
	listen 127.0.0.1:8444 ssl;
	ssl_certificate $scratch/old.pem;
	location / { return 200; }
}
server { # a portal that does not know the token
	listen 127.0.0.1:8445 ssl;
	ssl_certificate $scratch/server.pem;
	location / { return 401; }
}
CONF
background nginx -c "$scratch/nginx.conf"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
answers() { in_network curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:8631/"; }
status() { in_network ./meteragent --lang en status --json --config "$scratch/site.toml" | jq -e "$1"; }
grows() { [ "$(waiting_now)" -gt 40 ]; }

cause() { # cause WHAT URL TEXT
	rm -rf "$scratch/data"
	site "$2" "ca = \"$scratch/ca.pem\"" 'token = "secret-token"' 'spread = "0s"'
	local begin=$SECONDS
	agent_start
	wait_for 10 "$1: the page answers" answers
	[ $((SECONDS - begin)) -le 5 ] || fail "the start took $((SECONDS - begin)) s"
	wait_for 20 "$1: copiers are read, and their readings wait" grows
	wait_for 20 "$1: the cause is named" status "[.portals[] | .state == \"failing\" and (.lastError | contains(\"$3\"))] | all"
	check "$1: the token is not told" refuses grep -r secret-token "$scratch/agent.log"
	agent_stop
}
# The DNS of this network: first one that knows no name, then none.
mkdir -p "/etc/netns/$net"
undo+=("rm -r '/etc/netns/$net'; rmdir /etc/netns 2>/dev/null")
echo "nameserver 127.0.0.1" >"/etc/netns/$net/resolv.conf"
cat >"$scratch/dns.py" <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
while True:
    question, sender = s.recvfrom(512)
    s.sendto(question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:question.index(0, 12) + 5], sender)
PY
background python3 "$scratch/dns.py"
dns=$!
cause "a name that nobody knows" https://portal.invalid/events "no such host"
kill "$dns"
wait "$dns" 2>/dev/null || true
cause "no DNS" https://portal.invalid/events "DNS does not answer"
cause "no DNS, over MQTT" mqtts://portal.invalid "DNS does not answer"
cause "nobody listens" mqtts://localhost:8899 "connection refused"
cause "an expired certificate" https://localhost:8444/events "certificate expired"
cause "a captive portal" https://localhost:8443/events "this is not the portal"
cause "a wrong token" https://localhost:8445/events "not authorised"
