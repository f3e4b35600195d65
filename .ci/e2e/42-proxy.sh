#!/bin/bash
# at most 240 s
# A site that reaches the world through a proxy with a login only, and a portal that lets agents in by their certificate:
# over HTTPS (nginx), over MQTT and over MQTT in WebSocket (mosquitto). What is wrong is named, and nothing is lost.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need mosquitto mosquitto_passwd nginx tinyproxy openssl jq
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost
openssl req -newkey rsa:2048 -nodes -subj "/CN=agent" -keyout "$scratch/agent.key" -out "$scratch/agent.csr" 2>/dev/null
openssl x509 -req -in "$scratch/agent.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" -CAcreateserial -days 2 \
	-out "$scratch/agent.pem" 2>/dev/null

cat >"$scratch/tinyproxy.conf" <<CONF
Port 3128
Listen 127.0.0.1
BasicAuth site right
ConnectPort 8443
ConnectPort 8883
ConnectPort 8884
LogFile "$scratch/tinyproxy.log"
CONF
background tinyproxy -d -c "$scratch/tinyproxy.conf"

tls="cafile $scratch/ca.pem
certfile $scratch/server.pem
keyfile $scratch/server.key"
cat >"$scratch/mosquitto.conf" <<CONF
user root
per_listener_settings true
listener 8883 127.0.0.1
$tls
require_certificate true
use_identity_as_username true
listener 8884 127.0.0.1
protocol websockets
$tls
require_certificate true
use_identity_as_username true
listener 1883 127.0.0.1
allow_anonymous false
password_file $scratch/passwords
CONF
touch "$scratch/passwords"
chmod 600 "$scratch/passwords"
mosquitto_passwd -b "$scratch/passwords" portal secret
background mosquitto -c "$scratch/mosquitto.conf"

nginx_conf <<CONF
server {
	listen 127.0.0.1:8443 ssl;
	server_name localhost;
	ssl_certificate $scratch/server.pem;
	ssl_certificate_key $scratch/server.key;
	ssl_client_certificate $scratch/ca.pem;
	ssl_verify_client on;
	location / { proxy_pass http://$portal; }
}
CONF
background nginx -c "$scratch/nginx.conf"
wait_for 20 "the broker listens" in_network timeout 2 openssl s_client -connect 127.0.0.1:8883

echo secret >"$scratch/portal.password"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
background ./meteragent portal --listen "$portal" --broker mqtt://127.0.0.1:1883 --user portal --password-file "$scratch/portal.password"
wait_for 20 "the portal listens" arrived .counts

through() { # through URL LOGIN [PORTAL LINE...]: one round
	site "$1" "ca = \"$scratch/ca.pem\"" "proxy = \"http://$2@127.0.0.1:3128\"" "${@:3}"
	in_network ./meteragent --lang en run --once --config "$scratch/site.toml" 2>&1
}
certificate=("client_certificate = \"$scratch/agent.pem\"" "client_key = \"$scratch/agent.key\"")
for url in https://localhost:8443/events mqtts://localhost:8883 wss://localhost:8884; do
	check "$url: a wrong login at the proxy is named" ends 1 'proxy does not connect us' through "$url" site:wrong "${certificate[@]}"
	check "$url: a missing certificate is named" ends 1 'not authorised' through "$url" site:right
	check "$url: with both it arrives" through "$url" site:right "${certificate[@]}"
	check "$url: through the proxy" grep "Request.*CONNECT localhost:$(sed 's|.*:\([0-9]*\).*|\1|' <<<"$url")" "$scratch/tinyproxy.log"
done
everything_arrived
