#!/bin/bash
# at most 300 s
# An agent enrols with a code, delivers with the certificate it got, and renews it by itself before it ends; a wrong code and a
# missing certificate are named, and stop nothing. Then both sides with OpenSSL in the place of ours.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need openssl jq nginx python3
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=agents" \
	-keyout "$scratch/agents.key" -out "$scratch/agents.pem" 2>/dev/null
echo 7KQ2-M4XA >"$scratch/code"

background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
background ./meteragent portal --listen 127.0.0.1:8443 --certificate "$scratch/server.pem" --key "$scratch/server.key" \
	--authority "$scratch/agents.pem" --authority-key "$scratch/agents.key" --code-file "$scratch/code" --life 30s
asked() { in_network curl -fsS --max-time 5 --cacert "$scratch/ca.pem" https://localhost:8443/received.json | jq -e "$1"; }
wait_for 20 "the portal listens" asked .counts

site https://localhost:8443/events 'enroll = "https://localhost:8443"' "ca = \"$scratch/ca.pem\""
enroll() { in_network ./meteragent --lang en enroll https://localhost:8443 "$1" --config "$scratch/site.toml"; }
agent_start
wait_for 20 "without a certificate the agent reads, and says so" grep 'not enrolled' "$scratch/agent.log"
waits() { [ "$(waiting)" -gt 20 ]; }
wait_for 30 "readings wait" waits
agent_stop
check "a wrong code is named" ends 1 "not authorised" enroll 0000-0000
check "the right one enrols" enroll 7KQ2-M4XA
check "the key is for nobody else" test "$(stat -c %a "$scratch/data/client-portal.pem")" = 600
check "the configuration is as it was" grep -c '^enroll = ' "$scratch/site.toml"

agent_start
wait_for 30 "readings arrive with the certificate" asked '.counts.received > 60'
renewed() { [ "$(grep -c 'certificate is renewed' "$scratch/agent.log")" -ge "$1" ]; }
wait_for 40 "it is renewed before it ends" renewed 1
wait_for 40 "and so is the next one, by the one before" renewed 2
before=$(asked .counts.received)
wait_for 30 "readings arrive all the same" asked ".counts.received > $before + 100"
check "nobody was refused" asked '.counts.refused == 0'
check "the code is in no log" refuses grep -r 7KQ2 "$scratch/agent.log" "$scratch/data"
agent_stop

# Our portal is asked by curl and OpenSSL.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=a stranger" -keyout "$scratch/stranger.key" \
	-outform DER 2>/dev/null | base64 >"$scratch/stranger.csr"
stranger() { # stranger CODE: enrols
	in_network curl -fsS --cacert "$scratch/ca.pem" -u "a stranger:$1" -H 'Content-Type: application/pkcs10' --data-binary "@$scratch/stranger.csr" \
		https://localhost:8443/.well-known/est/simpleenroll | base64 -d | openssl pkcs7 -inform DER -print_certs -out "$scratch/stranger.pem"
}
check "OpenSSL enrols at our portal" stranger 7KQ2-M4XA
check "and has a certificate of its authority" openssl verify -purpose sslclient -CAfile "$scratch/agents.pem" "$scratch/stranger.pem"
check "for its own key" cmp <(openssl x509 -in "$scratch/stranger.pem" -noout -pubkey) <(openssl pkey -in "$scratch/stranger.key" -pubout)
check "it does not without the code" refuses stranger 0000-0000

# Our agent enrols at OpenSSL, with an authority below the one that nginx trusts, and delivers through nginx.
mkdir "$scratch/est"
cd "$scratch/est"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=root of agents" -keyout root.key -out root.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=agents" -keyout issuing.key -out issuing.csr 2>/dev/null
openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -out issuing.pem 2>/dev/null \
	-extfile <(echo 'basicConstraints=critical,CA:true')
cat issuing.pem root.pem >chain.pem
cp ../server.pem ../server.key .
touch index.txt
cat >ca.cnf <<CONF
[ca]
default_ca = agents
[agents]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
certificate = issuing.pem
private_key = issuing.key
default_md = sha256
policy = names
x509_extensions = client
[names]
commonName = supplied
[client]
basicConstraints = critical,CA:false
extendedKeyUsage = clientAuth
CONF
nginx_conf <<CONF
server {
	listen 127.0.0.1:8445 ssl; ssl_certificate $PWD/server.pem; ssl_certificate_key $PWD/server.key;
	ssl_client_certificate $PWD/root.pem; ssl_verify_client on; ssl_verify_depth 2;
	location / { proxy_pass http://$portal; }
}
CONF
cd "$OLDPWD"
background ./meteragent portal --listen "$portal"
background nginx -c "$scratch/nginx.conf"
start python3 .ci/e2e/est-openssl.py "$scratch/est" 8444 9RTF-W6KD 30 >"$scratch/est.log" 2>&1
undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")
listens() { in_network openssl s_client -connect 127.0.0.1:8444 </dev/null; }
wait_for 20 "OpenSSL listens" listens
wait_for 20 "the other portal listens" arrived .counts

mv "$scratch/data" "$scratch/data-of-the-first"
site https://localhost:8445/events 'enroll = "https://localhost:8444"' "ca = \"$scratch/ca.pem\""
enroll() { in_network ./meteragent --lang en enroll https://localhost:8444 "$1" --config "$scratch/site.toml"; }
check "OpenSSL's server refuses a wrong code" ends 1 "not authorised" enroll 0000-0000
check "OpenSSL's server enrols our agent" enroll 9RTF-W6KD
agent_start
wait_for 30 "readings arrive through nginx, which wants the certificate" more_than 60
renewed() { [ "$(grep -c '^renewed' "$scratch/est.log")" -ge "$1" ]; }
wait_for 60 "OpenSSL's server renews it twice" renewed 2
before=$(arrived .counts.received)
wait_for 30 "readings arrive with the newest" more_than "$((before + 100))"
agent_stop
everything_arrived
