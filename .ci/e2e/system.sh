# shellcheck shell=bash
# A Debian 12 with systemd as its first process, in a container of systemd-nspawn. Sourced after lib.sh by stages that boot.
# On these machines no systemd runs outside, hence --register=no --keep-unit.

# new_system makes a fresh one in $root. The base is built once and kept in out/.
new_system() {
	local base=out/e2e/bookworm.tar
	if [ ! -f "$base" ]; then
		mkdir -p out/e2e
		mmdebstrap -q --format=tar --variant=minbase --include=systemd,systemd-sysv,dbus,passwd,procps,rpm bookworm "$base.part" \
			</dev/null >"$scratch/mmdebstrap.log" 2>&1 || fail "mmdebstrap: $(tail -n 5 "$scratch/mmdebstrap.log")"
		mv "$base.part" "$base"
	fi
	root=$scratch/system
	mkdir "$root"
	tar -C "$root" -xf "$base"
	network # sets $net
}

# boot starts it and waits until it is up.
boot() {
	systemd-nspawn -D "$root" --register=no --keep-unit -b -q --network-namespace-path="/run/netns/$net" \
		--system-call-filter="adjtimex clock_adjtime" --kill-signal=SIGRTMIN+3 --console=pipe </dev/null >>"$scratch/console.log" 2>&1 &
	nspawn=$!
	# Without the first, the system goes on without the program that started it.
	undo+=("pkill -KILL -P $nspawn; kill -KILL $nspawn 2>/dev/null; wait $nspawn 2>/dev/null")
	wait_for 30 "Debian starts" pgrep -P "$nspawn" -x systemd
	init=$(pgrep -P "$nspawn" -x systemd)
	wait_for 60 "Debian is up" up
}
up() { [[ $(inside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }

# inside COMMAND...: as root in the container.
inside() { nsenter --target "$init" --all -- "$@"; }

# reboot and power_off end as a user's command would.
reboot() {
	kill -RTMIN+5 "$init"
	wait "$nspawn" || [ $? -eq 133 ] || fail "nspawn did not report a reboot"
	boot
}
power_off() {
	kill -RTMIN+3 "$init"
	wait "$nspawn" || fail "the power-off was not clean"
}

# What stages ask about the service.
property() { inside systemctl show --property="$1" --value meteragent.service; }
is() { [ "$(property "$1")" = "$2" ]; }
active_anew() { is ActiveState active && ! is MainPID "$1"; } # active_anew OLD-PID
owner() { [ "$(inside stat -c '%U:%G %a' "$1")" = "$2" ]; }
no_such() { ! inside test -e "$1"; }
