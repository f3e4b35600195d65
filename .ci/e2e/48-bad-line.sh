#!/bin/bash
# at most 420 s
# A bad line to a portal over HTTP and to one over MQTT, made by toxiproxy: slow, narrow, in crumbs, cut in the middle of a
# send, reset, and a hole that swallows everything without a word. Nothing is lost, nothing counts twice.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need mosquitto curl jq
make --no-print-directory build >/dev/null
mkdir -p out/tools/toxiproxy
GOBIN=$PWD/out/tools/toxiproxy go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
network
printf 'user root\nlistener 1883 127.0.0.1\nallow_anonymous true\n' >"$scratch/mosquitto.conf"
background mosquitto -c "$scratch/mosquitto.conf"
background out/tools/toxiproxy/server -host 127.0.0.1 -port 8474
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
over_http=$portal over_mqtt=127.0.0.1:8081
background ./meteragent portal --listen "$over_http"
wait_for 20 "the broker listens" in_network bash -c 'exec 3<>/dev/tcp/127.0.0.1/1883'
background ./meteragent portal --listen "$over_mqtt" --broker mqtt://127.0.0.1:1883
both() { # both COMMAND...: of each portal
	portal=$over_http "$@" && portal=$over_mqtt "$@"
}
wait_for 20 "the portals listen" both arrived .counts

# To take something off the line waits until what is held up there is through, 5 s at most in each place.
line() { in_network curl -fsS --max-time 30 -X "$1" "http://127.0.0.1:8474/proxies$2" -d "${3:-}"; }
line_listens() { line GET "" >/dev/null; }
wait_for 20 "the line listens" line_listens
line POST "" '{"name": "http", "listen": "127.0.0.1:9080", "upstream": "'"$over_http"'"}' >/dev/null
line POST "" '{"name": "mqtt", "listen": "127.0.0.1:9883", "upstream": "127.0.0.1:1883"}' >/dev/null
site http://127.0.0.1:9080/events 'name = "http"' '[[portal]]' 'name = "mqtt"' 'url = "mqtt://127.0.0.1:9883"'
sed -i 's/^\[portal\]/[[portal]]/' "$scratch/site.toml"

each_way() { # each_way METHOD PATH [BODY]: in both directions of both lines
	local name
	for name in http mqtt; do
		line "$1" "/$name/toxics$2" "${3:-}" >/dev/null
	done
}
count() { arrived .counts.received; }
more() { # more: 20 records or more since `begin`, at each portal
	portal=$over_http more_than "$((begun_http + 20))" && portal=$over_mqtt more_than "$((begun_mqtt + 20))"
}
begin() { begun_http=$(portal=$over_http count) begun_mqtt=$(portal=$over_mqtt count); }
bad() { # bad TYPE ATTRIBUTES: what is sent and what is answered suffers from now on
	each_way POST "" '{"name": "up", "type": "'"$1"'", "stream": "upstream", "attributes": {'"$2"'}}'
	each_way POST "" '{"name": "down", "type": "'"$1"'", "stream": "downstream", "attributes": {'"$2"'}}'
	begin
}
good() {
	each_way DELETE /up
	each_way DELETE /down
}
agent_start
begin
wait_for 60 "readings arrive" more
bad latency '"latency": 300, "jitter": 200'
wait_for 60 "over a line that is slow" more
good
bad bandwidth '"rate": 20'
wait_for 60 "over a narrow one" more
good
bad slicer '"average_size": 50, "size_variation": 40, "delay": 500'
wait_for 60 "in crumbs" more
good
for cut in 100 1000 10000; do
	bad limit_data "\"bytes\": $cut"
	sleep 4
	good
	begin
	wait_for 90 "after each connection was cut at $cut bytes" more
done
bad reset_peer '"timeout": 20'
sleep 4
good
begin
wait_for 90 "after resets" more
bad timeout '"timeout": 0'
sleep 4 # what was on the way
begin
sleep 4
check "nothing comes through a hole" refuses more
good
wait_for 150 "after a hole without a word" more
agent_stop
both everything_arrived
