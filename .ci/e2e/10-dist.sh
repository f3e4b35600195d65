#!/bin/bash
# at most 900 s
# All artefacts are built, are what they say, and come out the same when they are built again in another folder.
# shellcheck source=.ci/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need lintian rpm unzip jq

export SOURCE_DATE_EPOCH=1767225600 COMMIT=0123456789ab
make --no-print-directory dist VERSION=9.8.7 >"$scratch/dist.log" 2>&1 || {
	tail -n 40 "$scratch/dist.log" >&2
	fail "make dist"
}
sed -n '/^artefact/,$p' "$scratch/dist.log" | sed 's/^/  /'

check "the checksums are right" sh -c 'cd dist && sha256sum --quiet -c SHA256SUMS'
check "lintian finds no error" lintian --allow-root --no-cfg --fail-on error dist/*.deb
check "rpm can read the rpms" rpm -Kv --nosignature dist/*.rpm
check "the program knows its version" sh -c "out/bin/linux-amd64/meteragent version | grep -F 9.8.7"
check "the archive for Windows is whole" unzip -tqq dist/meteragent_9.8.7_windows_amd64.zip
check "its texts have Windows line ends" sh -c \
	"! unzip -p dist/meteragent_9.8.7_windows_amd64.zip '*.txt' '*.cmd' '*.toml' | grep -qv $'\r\$'"
check "the archive for routers is whole" tar -tzf dist/meteragent_9.8.7_linux_mipsle.tar.gz

mkdir "$scratch/elsewhere"
cp dist/SHA256SUMS "$scratch/sums"
tar -c --exclude=./out --exclude=./dist --exclude=./.git . | tar -C "$scratch/elsewhere" -x
check "another folder gives the same bytes" sh -c "
	cd '$scratch/elsewhere' && umask 077 && make --no-print-directory dist VERSION=9.8.7 TARGETS='linux-amd64 windows-amd64' &&
	cd dist && rm SHA256SUMS && sha256sum --quiet --ignore-missing -c '$scratch/sums' && sha256sum * | sort >../a &&
	sort '$scratch/sums' | comm -13 - ../a | wc -l | grep -qx 0"
