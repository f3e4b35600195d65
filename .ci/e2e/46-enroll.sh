#!/bin/bash
# at most 300 s
# An agent enrols with a code, delivers with the certificate it got, and renews it by itself before it ends; a wrong code and a
# missing certificate are named, and stop nothing.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need openssl jq
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
