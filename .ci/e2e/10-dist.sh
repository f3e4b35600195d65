#!/bin/bash
# at most 900 s
# All artefacts are built, are what they say, and come out the same when they are built again in another folder.
. "$(dirname "$0")/lib.sh"
need lintian rpm unzip jq wixl msibuild faketime

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
windows_lines() { ! unzip -p "$1" '*.txt' '*.cmd' '*.toml' | grep -v $'\r$'; }
check "its texts have Windows line ends" windows_lines dist/meteragent_9.8.7_windows_amd64.zip
check "the archive for routers is whole" tar -tzf dist/meteragent_9.8.7_linux_mipsle.tar.gz

mkdir "$scratch/elsewhere"
tar -c --exclude=./out --exclude=./dist --exclude=./.git . | tar -C "$scratch/elsewhere" -x
again() {
	(umask 077 && cd "$scratch/elsewhere" && make --no-print-directory dist VERSION=9.8.7 TARGETS="linux-amd64 windows-amd64") &&
		rm "$scratch/elsewhere/dist/SHA256SUMS" &&
		for file in "$scratch"/elsewhere/dist/*; do cmp "$file" "dist/$(basename "$file")" || return; done
}
check "another folder and another umask give the same bytes" again
