#!/bin/bash
# at most 300 s
# The programs for ARM and MIPS, run by qemu: they know themselves, check a configuration, read simulated copiers, keep the
# readings in a database and deliver them to a portal that runs on the machine itself.
. "$(dirname "$0")/lib.sh"
need ip curl jq qemu-arm-static qemu-aarch64-static qemu-mipsel-static

make --no-print-directory build >/dev/null
make --no-print-directory cross TARGETS="linux-arm-5 linux-arm64 linux-mipsle" >/dev/null
network
peers ./meteragent
for pair in arm-5:arm arm64:aarch64 mipsle:mipsel; do
	target=${pair%:*}
	run() { in_network "qemu-${pair#*:}-static" "out/bin/linux-$target/meteragent" "$@" --config "$scratch/$target.toml"; }
	{
		configuration
		printf '[store]\nfolder = "%s"\n' "$scratch/$target"
	} >"$scratch/$target.toml"
	check "$target: it knows itself" ends 0 "linux/${target%-5}" run version
	check "$target: it accepts a configuration" run check
	before=$(arrived .counts.received)
	check "$target: it reads and delivers, all confirmed" run run --once
	check "$target: that arrived" more_than "$((before + 2))"
	check "$target: its database is whole" ends 0 SIM00001 run status
done
