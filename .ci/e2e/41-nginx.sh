#!/bin/bash
# at most 120 s
# nginx with TLS and HTTP/2 in front of the portal, as portals are run: delivered through it, and what it answers by itself
# (502 while the portal is away, 504 while it hangs, 413 for a large body) loses nothing.
. "$(dirname "$0")/lib.sh"
. .ci/e2e/site.sh
need nginx openssl jq
make --no-print-directory build >/dev/null
network
authority "$scratch" localhost
nginx_conf <<CONF
client_max_body_size 4k;
proxy_read_timeout 2s;
server {
	listen 127.0.0.1:8443 ssl http2;
	server_name localhost;
	ssl_certificate $scratch/server.pem;
	ssl_certificate_key $scratch/server.key;
	location / { proxy_pass http://$portal; }
}
CONF
background nginx -c "$scratch/nginx.conf"
background ./meteragent simulate --listen "$copiers" --count 20 --pages 600
start_portal() {
	start ./meteragent portal --listen "$portal" >/dev/null 2>&1
	portal_pid=$!
}
undo+=('kill "$portal_pid" 2>/dev/null')
site https://localhost:8443/events
in_network ./meteragent --lang en run --once --config "$scratch/site.toml" >"$scratch/out" 2>"$scratch/err" && fail "an unknown authority was accepted"
check "an unknown authority is named" grep 'unknown authority' "$scratch/err"
sed -i "/^url/a ca = \"$scratch/ca.pem\"" "$scratch/site.toml"
check "an absent portal is named" ends 1 '502 Bad Gateway' in_network ./meteragent --lang en run --once --config "$scratch/site.toml"
start_portal
wait_for 20 "the portal listens" arrived .counts
check "one round is confirmed through nginx" in_network ./meteragent run --once --config "$scratch/site.toml"
check "nginx refused what was too large, and the agent halved it" grep ' 413 ' "$scratch/nginx/access.log"

agent_start
wait_for 60 "readings arrive" more_than 80
check "over HTTP/2" grep 'POST /events HTTP/2.0" 200' "$scratch/nginx/access.log"
kill -STOP "$portal_pid"
wait_for 30 "nginx gives up on a portal that hangs" grep ' 504 ' "$scratch/nginx/access.log"
kill -CONT "$portal_pid"
counted=$(arrived .counts.received)
wait_for 60 "and they go on arriving" more_than "$((counted + 60))"
agent_stop
everything_arrived
