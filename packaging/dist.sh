#!/bin/bash
# Packs the programs in out/bin (made by `make cross`) into dist/: .deb, .rpm, .tar.gz, .apk, .ipk, .zip, .msi, an OCI image, the SBOM, SHA256SUMS, and prints their
# sizes. The same commit gives the same bytes. `make dist` calls it and sets VERSION, SOURCE_DATE_EPOCH, MAINTAINER and GO.
set -euo pipefail
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH VERSION MAINTAINER PACKAGE_ARCH LC_ALL=C TZ=UTC
limit=12800000 # bytes; the stripped program for linux/amd64 may not be larger
umask 022

# What somebody signs is meant for others, who must find an address there that somebody reads. TRIAL=1 is for keys of a test.
if [ -n "${MINISIGN_KEY:-}${AUTHENTICODE:-}" ] && [ -z "${TRIAL:-}" ] && { grep -q 'example\.com' SECURITY.md || [[ $MAINTAINER == *example.com* ]]; }; then
	echo "dist: SECURITY.md or MAINTAINER still names example.com: fill in who answers, and what is promised" >&2
	exit 1
fi

# licences prints our copyright notice and the licence of every library that is in the program on any system.
licences() {
	cat packaging/copyright
	local path version dir file
	{
		for os in linux windows; do
			GOOS=$os $GO list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' .
		done | sort -u | grep .
		echo "Go $($GO env GOVERSION) $($GO env GOROOT)"
	} | while read -r path version dir; do
		printf '\n%s\n%s %s\n\n' "$(printf '=%.0s' {1..80})" "$path" "$version"
		for file in "$dir"/LICENSE* "$dir"/COPYING* "$dir"/NOTICE* "$dir"/edl-v10*; do
			[ ! -f "$file" ] || cat "$file"
		done
	done
}

# changelog prints what Debian's tools want; the true one is CHANGELOG.md.
changelog() {
	printf 'meteragent (%s) stable; urgency=medium\n\n  * Version %s; its changes are in CHANGELOG.md.\n\n -- %s  %s\n' \
		"${VERSION//-/\~}" "$VERSION" "$MAINTAINER" "$(date -u -d "@$SOURCE_DATE_EPOCH" -R)"
}

stage=out/stage
rm -rf dist "$stage"
mkdir -p dist "$stage/windows"
licences >"$stage/copyright"
changelog | gzip -9n >"$stage/changelog.gz"
cp -r packaging/linux/. "$stage/"
# The manual pages and completions are printed by the program itself, which therefore must run here.
$GO build -buildvcs=false -ldflags "-X meteragent/agent/cli.version=$VERSION" -o out/tools/meteragent .
mkdir "$stage/completion"
for shell in bash zsh fish; do
	out/tools/meteragent --lang en completion "$shell" >"$stage/completion/$shell"
done
out/tools/meteragent --lang en man | gzip -9n >"$stage/meteragent.1.gz"
out/tools/meteragent --lang de man | gzip -9n >"$stage/meteragent.de.1.gz"
cp agent/config/default.toml "$stage/meteragent.toml"
for file in README.txt install.cmd uninstall.cmd; do
	sed 's/$/\r/' "packaging/windows/$file" >"$stage/windows/$file"
done
sed 's/$/\r/' "$stage/meteragent.toml" >"$stage/windows/meteragent.toml"
sed 's/$/\r/' "$stage/copyright" >"$stage/windows/copyright.txt"

# package ARCH FORMAT...: the programs in $stage as packages. ARCH is nfpm's word for the architecture; for an ipk it is OpenWrt's,
# which has one for each family of processors, and is refused by all others (packaging/linux/README.txt).
package() {
	PACKAGE_ARCH=$1
	find "$stage" -exec touch -d "@$SOURCE_DATE_EPOCH" {} + # apk has the times of its scripts
	local format
	for format in "${@:2}"; do
		(cd "$stage" && ../tools/nfpm package --config nfpm.yaml --packager "$format" --target ../../dist/ >nfpm.log) ||
			{ cat "$stage/nfpm.log" >&2 && return 1; }
	done
}

# authenticode FILE: signs it, if there is a certificate, at the time of the commit.
authenticode() {
	[ -n "${AUTHENTICODE:-}" ] || return 0
	osslsigncode sign -certs "$AUTHENTICODE/cert.pem" -key "$AUTHENTICODE/key.pem" -h sha256 -n meteragent -st "$SOURCE_DATE_EPOCH" \
		-in "$1" -out "$1.signed" >/dev/null
	mv "$1.signed" "$1"
}

# pack FOLDER: everything for one system, from a copy of the stage, so that systems are packed side by side.
pack() {
	local folder=$1 target base
	target=$(basename "$folder")
	base=dist/meteragent_${VERSION}_${target//-/_}
	case $target in
	windows-*)
		authenticode "${folder}meteragent.exe"
		out/tools/bundle "$base.zip" "$SOURCE_DATE_EPOCH" meteragent "${folder}meteragent.exe" "$stage"/windows/*
		[ "$target" != windows-amd64 ] || packaging/windows/msi.sh "${folder}meteragent.exe" "$VERSION" "$stage/windows" "$base.msi"
		[ "$target" != windows-amd64 ] || authenticode "$base.msi"
		return
		;;
	esac
	rm -rf "$stage-$target"
	cp -r "$stage" "$stage-$target"
	local stage=$stage-$target
	cp "${folder}meteragent" "$stage/meteragent"
	out/tools/bundle "$base.tar.gz" "$SOURCE_DATE_EPOCH" meteragent "$stage"/{meteragent,README.txt,meteragent.toml,copyright}
	case $target in
	linux-amd64) package amd64 deb rpm apk ipk ;;
	linux-arm64) package arm64 deb rpm apk && package aarch64_cortex-a53 ipk ;;
	linux-arm-5) package arm_arm926ej-s ipk ;;
	linux-arm-6) package arm6 deb apk ;; # Debian's and Raspberry Pi OS's armhf
	linux-arm-7) package arm7 apk && package arm_cortex-a7_neon-vfpv4 ipk ;;
	linux-mipsle) package mipsel_24kc ipk ;;
	esac
	rm -rf "$stage"
}

jobs=()
for folder in out/bin/*/; do
	pack "$folder" &
	jobs+=($!)
done
images=()
for arch in amd64 arm64 arm/v7; do
	program=out/bin/linux-${arch/\/v/-}/meteragent
	[ ! -f "$program" ] || images+=("$arch=$program")
done
[ ${#images[@]} -eq 0 ] || out/tools/image "dist/meteragent_${VERSION}_oci.tar" "$SOURCE_DATE_EPOCH" "$VERSION" "${images[@]}"
for job in "${jobs[@]}"; do
	wait "$job"
done

# What is in the program (CycloneDX), of the first one built; the libraries are the same on all systems.
out/tools/cyclonedx-gomod bin -json -noserial -output "out/sbom.json" -version "$VERSION" "$(find out/bin -type f | LC_ALL=C sort | head -1)" 2>/dev/null
jq -S --arg at "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)" '.metadata.timestamp = $at | del(.metadata.tools)' \
	out/sbom.json >"dist/meteragent_${VERSION}_sbom.json"
(cd dist && sha256sum -- * >../out/SHA256SUMS && mv ../out/SHA256SUMS .)
# MINISIGN_KEY signs the checksums, AUTHENTICODE (a folder with cert.pem and key.pem) what Windows runs; neither is here.
if [ -n "${MINISIGN_KEY:-}" ]; then
	minisign -S -W -s "$MINISIGN_KEY" -m dist/SHA256SUMS -t "meteragent $VERSION" >/dev/null
fi

echo
printf '%-52s %10s\n' artefact bytes
(cd dist && for file in *; do printf '%-52s %10d\n' "$file" "$(stat -c %s "$file")"; done)
program=out/bin/linux-amd64/meteragent
if [ -f "$program" ]; then
	size=$(stat -c %s "$program")
	printf '\nprogram for linux/amd64, stripped: %d bytes, at most %d\n' "$size" "$limit"
	[ "$size" -le "$limit" ] || { echo "dist: the program is too large" >&2 && exit 1; }
fi
