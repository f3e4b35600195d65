#!/bin/bash
# at most 700 s
# A cluster of three NATS servers with JetStream as the broker. The one that the agent is connected to is killed in the middle
# of a backlog, and another one hangs for a while, so that the cluster denies sessions and subscriptions to agent and portal: the
# agent goes on with the one that is left, nothing is lost, and nothing counts twice.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need nats-server openssl jq
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost

node() { # node NUMBER: in the background
	cat >"$scratch/nats-$1.conf" <<CONF
server_name: n$1
listen: "127.0.0.1:422$1"
jetstream { store_dir: "$scratch/nats-$1" }
cluster { name: e2e, listen: "127.0.0.1:622$1", routes: ["nats://127.0.0.1:6221", "nats://127.0.0.1:6222", "nats://127.0.0.1:6223"] }
mqtt {
	listen: "127.0.0.1:888$1"
	tls { cert_file: "$scratch/server.pem", key_file: "$scratch/server.key" }
}
authorization { users: [ { user: agent, password: right }, { user: portal, password: secret } ] }
http: "127.0.0.1:822$1"
CONF
	start nats-server -c "$scratch/nats-$1.conf" >"$scratch/nats-$1.log" 2>&1
	nodes[$1]=$!
	undo+=("kill -KILL ${nodes[$1]} 2>/dev/null")
}
nodes=()
for n in 1 2 3; do node $n; done
leader() { in_network curl -fsS --max-time 2 "http://127.0.0.1:8222/jsz" | jq -e '.meta_cluster.leader != null and .meta_cluster.cluster_size == 3'; }
wait_for 60 "the cluster has a leader" leader
connected() { in_network curl -fsS --max-time 2 "http://127.0.0.1:822$1/varz" | jq -e ".connections > ${2:-0}"; }

echo secret >"$scratch/portal.password"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
portal_start() {
	start ./meteragent portal --listen "$portal" --broker mqtts://localhost:8883 \
		--user portal --password-file "$scratch/portal.password" --ca "$scratch/ca.pem" >"$scratch/portal.log" 2>&1
	portal_pid=$!
}
undo+=('kill -KILL "$portal_pid" 2>/dev/null')
portal_start
portal_listens() { # it gives up if its first session is refused, as by a cluster that has a leader and no peers yet
	kill -0 "$portal_pid" 2>/dev/null || portal_start
	arrived .counts
}
wait_for 60 "the portal listens, at the third node" portal_listens

site mqtts://localhost:8881 'user = "agent"' 'token = "right"' "ca = \"$scratch/ca.pem\""
python3 - "$scratch/site.toml" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
first = re.search(r"\[portal\]\n(?:[^\[\n].*\n)*", text).group(0).replace("[portal]", "[[portal]]")
text = re.sub(r"\[portal\]\n(?:[^\[\n].*\n)*", lambda _: first + first.replace("8881", "8882"), text, count=1)
open(sys.argv[1], "w").write(text)
PY
agent_start
wait_for 120 "readings arrive over the cluster" more_than 60
wait_for 10 "the agent is at the first node" connected 1
kill -STOP "$portal_pid"
waits() { [ "$(waiting)" -gt 100 ]; }
wait_for 40 "without the portal's word readings wait" waits
kill -CONT "$portal_pid"
kill -STOP "${nodes[3]}"
kill -KILL "${nodes[1]}"
wait "${nodes[1]}" 2>/dev/null || true
before=$(arrived .counts.received)
refused() { grep -q "broker closes the connection before it answers\|broker denies the subscription" "$scratch/agent.log"; }
wait_for 60 "one node of three cannot serve the agent" refused
kill -CONT "${nodes[3]}"
wait_for 300 "delivery goes on when there are two" more_than "$((before + 100))"
gone() { [ "$(waiting)" -lt 60 ]; }
wait_for 60 "and the backlog is gone" gone
agent_stop
last_round=120 # two nodes of three may deny for a while
everything_arrived
