# shellcheck shell=bash
# What the stages share. A stage sources it first. At its end, whatever it was, what the stage started is ended (by process
# id) and its scratch folder removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

scratch=$(mktemp -d)
why=""  # it failed
undo=() # commands that take back what was done, in order; finish runs them from last to first
finish() {
	local code=$? i
	set +e
	trap - ERR
	if [ "$code" -ne 0 ]; then
		tail -n 15 "$scratch"/*.log >&2 # in the words of what ran
		echo "  failed: ${why:-exit code $code}" | tee -a "${REASONS:-/dev/null}" >&2
	fi
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}"
	done
	rm -rf --one-file-system "$scratch"
	exit "$code"
}
set -E
trap 'why=${why:-"line $LINENO: $BASH_COMMAND"}' ERR
trap finish EXIT
trap 'why="ended from outside, perhaps since it took too long"; exit 143' INT TERM

fail() {
	why=$*
	echo "  failed: $why" >&2 # here too: this may be a subshell
	exit 1
}

# check WHAT COMMAND...: says what is looked at, and fails unless the command succeeds.
check() {
	"${@:2}" >"$scratch/said" 2>&1 || {
		tail -n 40 "$scratch/said" >&2
		fail "$1 (${*:2})"
	}
	echo "  ok: $1"
}

# wait_for SECONDS WHAT COMMAND...: the same, but it may take some time until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	until "${@:3}" >"$scratch/said" 2>&1; do
		if [ $SECONDS -ge $end ]; then
			tail -n 40 "$scratch/said" >&2
			fail "$2, within $1 s (${*:3})"
		fi
		sleep 0.2
	done
	echo "  ok: $2"
}

refuses() { ! "$@"; }

# ends CODE TEXT COMMAND...: the command ends with that exit code and says that text.
ends() {
	local code=0 said
	said=$("${@:3}" 2>&1) || code=$?
	echo "exit code $code: $said"
	[ "$code" -eq "$1" ] && [[ $said == *"$2"* ]]
}

need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || fail "$tool is missing: run .ci/e2e/install.sh"
	done
}

# network: a network of this stage's own, so that ports never collide. Commands run in it after `in_network`.
network() {
	net=meteragent-$$
	ip netns add "$net"
	undo+=("ip netns delete $net")
	ip -n "$net" link set lo up
}
in_network() { ip netns exec "$net" "$@"; }

# start COMMAND...: in the background of this stage's network. $! is the command itself; after `in_network COMMAND &` it would
# be a shell around it, and killing that leaves the command running.
start() { ip netns exec "$net" "$@" & }

# background COMMAND...: the same, and it ends with the stage. Its output goes to a log in the scratch folder.
background() {
	start "$@" >"$scratch/background.${#undo[@]}.log" 2>&1
	undo+=("kill $! 2>/dev/null; wait $! 2>/dev/null")
}

# The program's own commands for copiers and a portal: their names and ports stand here and nowhere else.
copiers=127.0.0.1:1161 portal=127.0.0.1:8080
peers() { # peers PROGRAM [FLAG OF THE PORTAL...]: simulated copiers and a portal, in this stage's network
	background "$1" simulate --listen "$copiers" --count 3
	background "$1" portal --listen "$portal" "${@:2}"
	wait_for 20 "the portal listens" arrived .counts
}
arrived() { in_network curl -fsS --max-time 5 "http://$portal/received.json" | jq -e "$1"; }
more_than() { arrived ".counts.received > $1"; }
configuration() {
	cat <<TOML
customer = "1234567"
site = "e2e"
[portal]
url = "http://$portal/events"
[[network]]
addresses = ["127.0.0.1-127.0.0.3"]
port = ${copiers#*:}
[page]
listen = ""
TOML
}

# dist VERSION [TARGET...]: builds and puts the artefacts into the scratch folder; other stages' artefacts stay out of it.
dist() {
	make --no-print-directory dist VERSION="$1" TARGETS="${*:2}" >"$scratch/dist.log" 2>&1 || {
		tail -n 40 "$scratch/dist.log" >&2
		fail "make dist VERSION=$1"
	}
	cp dist/* "$scratch/"
}
