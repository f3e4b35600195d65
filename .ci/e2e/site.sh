# shellcheck shell=bash
# A site in a stage's network: certificates, a configuration, an agent, and the proof that everything arrived.

# authority FOLDER NAME: ca.pem, and server.pem with server.key for NAME.
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=test authority" \
		-keyout "$1/ca.key" -out "$1/ca.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1/server.key" -out "$1/server.csr" 2>/dev/null
	openssl x509 -req -in "$1/server.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo "subjectAltName=DNS:$2,IP:127.0.0.1") -out "$1/server.pem" 2>/dev/null
	chmod a+r "$1"/*.pem "$1"/*.key
}

# nginx_conf <<CONF: $scratch/nginx.conf for nginx with these servers. What nginx itself writes is in $scratch/nginx.
nginx_conf() {
	mkdir "$scratch/nginx"
	{
		echo "daemon off; user root; pid $scratch/nginx/pid; error_log $scratch/nginx.log; events {}"
		echo "http {"
		echo "access_log $scratch/nginx/access.log;"
		printf "%s_temp_path $scratch/nginx/%s;\n" client_body{,} proxy{,} fastcgi{,} uwsgi{,} scgi{,}
		cat
		echo "}"
	} >"$scratch/nginx.conf"
}

# site URL [PORTAL LINE...]: a configuration for 20 copiers that are read every second.
site() {
	cat >"$scratch/site.toml" <<TOML
customer = "1234567"
[portal]
url = "$1"
$(printf '%s\n' "${@:2}")
[[network]]
addresses = ["127.0.0.1-127.0.0.20"]
port = ${copiers#*:}
[poll]
meters = "2s"
supplies = "1s"
[page]
listen = "127.0.0.1:8631"
[store]
folder = "$scratch/data"
TOML
}

agent_start() {
	start ./meteragent run --config "$scratch/site.toml" >>"$scratch/agent.log" 2>&1
	agent=$!
	undo+=("kill -KILL $agent 2>/dev/null")
}

# agent_stop ends the agent in order, and fails if it takes longer than 10 s.
agent_stop() {
	local begin=$SECONDS
	kill -TERM "$agent"
	wait "$agent" || fail "the agent ended with an error: $(tail -n 5 "$scratch/agent.log")"
	[ $((SECONDS - begin)) -le 10 ] || fail "the agent took $((SECONDS - begin)) s to stop"
	echo "  ok: the agent stops in order"
}

# waiting is how many records wait, asked of the page or of the database.
waiting() { in_network ./meteragent status --json --config "$scratch/site.toml" | jq '[.portals[] | .urgent + .bulk] | add'; }
waiting_now() { waiting 2>/dev/null || echo unknown; }

# everything_arrived proves, with the agent stopped, that the portal has what the agent has stored: whatever still waits is
# delivered in one more round, which is tried again for last_round seconds, then no number is missing and nothing was refused.
last_round=0
everything_arrived() {
	wait_for "$last_round" "the last round is confirmed" in_network ./meteragent run --once --config "$scratch/site.toml"
	check "nothing waits" test "$(waiting)" = 0
	check "no number is missing" arrived '.holes == []'
	check "nothing was refused" arrived '.counts.refused == 0'
	check "each record counts once" arrived '[.events[].id] | length == (unique | length)'
	check "the totals never go down" arrived "$totals_that_fall"' | if . == [] then true else tojson | halt_error end'
}
# The totals that are lower than one before them of the same copier. Times are whole seconds; of two readings in one second,
# the one with the lower number in its stream was first, whichever arrived first.
totals_that_fall='[.events[] | select(.type == "meteragent.reading.v1")
	| {d: .subject, at: .data.takenAt, id, sequence,
		n: ([.data.meters[]? | select(.primary and .name == "systemTotals.impressions.total") | .value] | first)}
	| select(.n)] | group_by(.d) | map(sort_by(.at, .sequence) | [.[:-1], .[1:]] | transpose[] | select(.[0].n > .[1].n))'
