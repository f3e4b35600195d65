#!/bin/bash
# Packs the programs in out/bin (made by `make cross`) into dist/: .deb, .rpm, .tar.gz, .zip, .msi, SHA256SUMS, and prints their
# sizes. The same commit gives the same bytes. `make dist` calls it and sets VERSION, SOURCE_DATE_EPOCH, MAINTAINER and GO.
set -euo pipefail
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH VERSION MAINTAINER PACKAGE_ARCH LC_ALL=C TZ=UTC
limit=14000000 # bytes; the stripped program for linux/amd64 may not be larger
umask 022

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
cp agent/config/default.toml "$stage/meteragent.toml"
for file in README.txt install.cmd uninstall.cmd; do
	sed 's/$/\r/' "packaging/windows/$file" >"$stage/windows/$file"
done
sed 's/$/\r/' "$stage/meteragent.toml" >"$stage/windows/meteragent.toml"
sed 's/$/\r/' "$stage/copyright" >"$stage/windows/copyright.txt"

# package ARCH FORMAT...: the programs in $stage as packages. ARCH is nfpm's word for the architecture.
package() {
	PACKAGE_ARCH=$1
	local format
	for format in "${@:2}"; do
		(cd "$stage" && ../tools/nfpm package --config nfpm.yaml --packager "$format" --target ../../dist/ >../nfpm.log) ||
			{ cat out/nfpm.log >&2 && return 1; }
	done
}

for folder in out/bin/*/; do
	target=$(basename "$folder")
	base=dist/meteragent_${VERSION}_${target//-/_}
	case $target in
	windows-*)
		out/tools/bundle "$base.zip" "$SOURCE_DATE_EPOCH" meteragent "${folder}meteragent.exe" "$stage"/windows/*
		[ "$target" != windows-amd64 ] || packaging/windows/msi.sh "${folder}meteragent.exe" "$VERSION" "$stage/windows" "$base.msi"
		continue
		;;
	esac
	cp "${folder}meteragent" "$stage/meteragent"
	out/tools/bundle "$base.tar.gz" "$SOURCE_DATE_EPOCH" meteragent "$stage"/{meteragent,README.txt,meteragent.toml,copyright}
	case $target in
	linux-amd64) package amd64 deb rpm ;;
	linux-arm64) package arm64 deb rpm ;;
	linux-arm-6) package arm6 deb ;; # Debian's and Raspberry Pi OS's armhf
	esac
done
(cd dist && sha256sum -- * >../out/SHA256SUMS && mv ../out/SHA256SUMS .)

echo
printf '%-52s %10s\n' artefact bytes
(cd dist && for file in *; do printf '%-52s %10d\n' "$file" "$(stat -c %s "$file")"; done)
program=out/bin/linux-amd64/meteragent
if [ -f "$program" ]; then
	size=$(stat -c %s "$program")
	printf '\nprogram for linux/amd64, stripped: %d bytes, at most %d\n' "$size" "$limit"
	[ "$size" -le "$limit" ] || { echo "dist: the program is too large" >&2 && exit 1; }
fi
