#!/bin/bash
# at most 300 s
# Several receivers at once: a portal with two doors, of which the first is killed and comes back, a second portal that is away
# for a while, a webhook, and Home Assistant's topics at a real broker. Orders arrive at one of them.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need mosquitto mosquitto_sub nginx jq
make --no-print-directory build >/dev/null
network

printf 'user root\nlistener 1883 127.0.0.1\nallow_anonymous true\n' >"$scratch/mosquitto.conf"
background mosquitto -c "$scratch/mosquitto.conf"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
background ./meteragent portal --listen "$portal"
start ./meteragent portal --listen 127.0.0.1:8090 >"$scratch/second.log" 2>&1
second=$!
undo+=('kill -KILL "$second" 2>/dev/null')

# Two doors to one portal, and a web server that takes any POST and writes it down.
nginx_conf <<CONF
log_format hook '\$http_webhook_id \$http_webhook_signature';
server { listen 127.0.0.1:8081; location / { proxy_pass http://$portal; } }
server { listen 127.0.0.1:8082; location / { access_log $scratch/hook.log hook; proxy_pass http://127.0.0.1:8083/; } }
server { listen 127.0.0.1:8083; location / { return 200 "thank you"; } }
CONF
doors() {
	start nginx -c "$scratch/nginx.conf" -p "$scratch"
	door=$!
	wait_for 20 "the first door is open" in_network curl -fsS --max-time 5 http://127.0.0.1:8081/received.json
}
undo+=('kill "$door" 2>/dev/null; wait "$door" 2>/dev/null')
doors
wait_for 20 "the portal listens" arrived .counts

site http://127.0.0.1:8081/events
sed -i 's/^\[portal\]$/[[portal]]/' "$scratch/site.toml"
cat >>"$scratch/site.toml" <<TOML
[toner]
order_below = 90
days_left = 0
confirm = 2
confirm_over = "0s"
sudden = "0s"
[[portal]]
url = "http://$portal/events"
[[portal]]
name = "second"
url = "http://127.0.0.1:8090/events"
[[portal]]
kind = "webhook"
url = "http://127.0.0.1:8082/secret-path"
secret = "s3cr3t"
[[portal]]
kind = "homeassistant"
url = "mqtt://127.0.0.1:1883"
TOML
check "the configuration is right" in_network ./meteragent check --config "$scratch/site.toml"

agent_start
status() { in_network ./meteragent status --json --config "$scratch/site.toml" | jq -e "$1"; }
wait_for 60 "readings arrive" more_than 60
check "through the first door" status '.portals[0].doors[0].used'
kill "$door"
wait "$door" 2>/dev/null || true
kill -KILL "$second"
wait "$second" 2>/dev/null || true
before=$(arrived .counts.received)
wait_for 60 "and through the second while the first is shut" more_than "$((before + 40))"
wait_for 20 "which is said" status '.portals[0].doors[1].used and (.portals[0].doors[0].lastError | length > 0)'
doors
start ./meteragent portal --listen 127.0.0.1:8090 >"$scratch/second.log" 2>&1
second=$!
wait_for 60 "the first is used again" status '.portals[0].doors[0].used'
other() { in_network curl -fsS --max-time 5 http://127.0.0.1:8090/received.json | jq -e "$1"; }
wait_for 60 "the second portal gets what it missed" other '.counts.received > 60'

signed() { grep -c ' v1,' "$scratch/hook.log"; }
wait_for 30 "the webhook gets signed records" signed
check "its path is not shown" refuses grep -r secret-path "$scratch/agent.log"
kept() { in_network mosquitto_sub -h 127.0.0.1 -t "$1" -W 3 -v 2>/dev/null; }
kept 'homeassistant/#' >"$scratch/described" || true
kept 'meteragent/home/#' >"$scratch/values" || true
check "each counter is described" test "$(grep -c total_increasing "$scratch/described")" -ge 20
check "and has a value" test "$(grep -c 'meter_systemTotals_impressions_total [0-9]' "$scratch/values")" -ge 20
check "the agent is available" grep '/status {"status":"online"' "$scratch/values"
check "what has left is shown as it left" bash -c "ip netns exec $net ./meteragent status --outgoing --config '$scratch/site.toml' | grep -q '\"specversion\":\"1.0\"'"
check "no secret is shown" refuses bash -c "ip netns exec $net ./meteragent status --outgoing --config '$scratch/site.toml' | grep -E 's3cr3t|secret-path'"
kill -KILL "$agent"
wait "$agent" 2>/dev/null || true
wait_for 10 "after a power cut it is not (last will)" bash -c "ip netns exec $net mosquitto_sub -h 127.0.0.1 -t 'meteragent/home/+/status' -W 2 | grep offline"
everything_arrived
check "the portal has orders" arrived '[.events[] | select(.type == "meteragent.order.v1")] | length > 0'
check "the second portal has none" other '[.events[] | select(.type == "meteragent.order.v1")] == []'
