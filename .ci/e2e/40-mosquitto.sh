#!/bin/bash
# at most 180 s
# Delivery over a real broker with TLS, user and password, which is killed and started again in the middle: nothing is lost,
# nothing counts twice, and the wrong password is named.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need mosquitto mosquitto_passwd openssl jq
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost

cat >"$scratch/mosquitto.conf" <<CONF
user root
listener 8883 127.0.0.1
cafile $scratch/ca.pem
certfile $scratch/server.pem
keyfile $scratch/server.key
allow_anonymous false
password_file $scratch/passwords
CONF
touch "$scratch/passwords"
chmod 600 "$scratch/passwords"
mosquitto_passwd -b "$scratch/passwords" agent right
mosquitto_passwd -b "$scratch/passwords" portal secret
broker() {
	start mosquitto -c "$scratch/mosquitto.conf" >>"$scratch/mosquitto.log" 2>&1
	broker_pid=$!
	wait_for 20 "the broker listens" in_network timeout 2 openssl s_client -connect 127.0.0.1:8883
}
undo+=('kill -KILL "$broker_pid" 2>/dev/null')
broker

echo secret >"$scratch/portal.password"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
background ./meteragent portal --listen "$portal" --broker mqtts://localhost:8883 \
	--user portal --password-file "$scratch/portal.password" --ca "$scratch/ca.pem"
wait_for 20 "the portal listens" arrived .counts
site mqtts://localhost:8883 'user = "agent"' 'token = "wrong"' "ca = \"$scratch/ca.pem\""
in_network ./meteragent --lang en run --once --config "$scratch/site.toml" >"$scratch/out" 2>"$scratch/err" && fail "the wrong password was accepted"
check "the wrong password is named" grep 'not authorised' "$scratch/err"
check "and not shown" refuses grep wrong "$scratch/err"
sed -i 's/"wrong"/"right"/' "$scratch/site.toml"

agent_start
wait_for 60 "readings arrive over MQTT" more_than 60
kill -KILL "$broker_pid"
wait "$broker_pid" 2>/dev/null || true
waits() { [ "$(waiting)" -gt 20 ]; }
wait_for 30 "without a broker readings wait" waits
before=$(arrived .counts.received)
broker
wait_for 90 "they arrive when it is back" more_than "$((before + 20))"
agent_stop
everything_arrived
