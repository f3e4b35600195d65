#!/bin/bash
# Installs what the stages need, on Debian 12 as root, once.
set -euo pipefail
packages=(
	gcc libc6-dev                                  # the race detector
	shellcheck lintian rpm unzip                   # looking at what was built
	mmdebstrap systemd-container procps iproute2   # a Debian that boots, in a network of its own
	curl jq                                        # asking the portal what arrived
	snmpd snmp snmpsim avahi-daemon                # devices that are not our own simulator
	onesixtyone nmap time                          # other searchers
	prometheus-snmp-exporter                       # another reader
	mosquitto mosquitto-clients nginx-light tinyproxy openssl        # between the agent and the portal
	qemu-user-static                               # ARM and MIPS
	minisign osslsigncode man-db                   # signatures, manual pages
	wine wine64 wixl msitools faketime perl-base   # Windows
	nats-server                                    # a cluster between the agent and the portal
	python3-minimal util-linux                     # the corpus's own score; another user
	strace                                         # what a process writes and syncs, for the power cut
	qemu-user-static                               # 32-bit ARM
	e2fsprogs                                      # a disk that fails
)
missing=()
for package in "${packages[@]}"; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
