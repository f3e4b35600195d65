#!/bin/bash
# at most 900 s
# All artefacts are built, are what they say, and come out the same when they are built again in another folder.
. "$(dirname "$0")/lib.sh"
need lintian rpm unzip jq wixl msibuild faketime minisign osslsigncode openssl man

export SOURCE_DATE_EPOCH=1767225600 COMMIT=0123456789ab
mkdir "$scratch/keys" # of a maker who exists for this test only
minisign -G -W -f -p "$scratch/keys/pub" -s "$scratch/keys/sec" >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2000 -subj "/CN=meteragent test" -addext extendedKeyUsage=codeSigning \
	-keyout "$scratch/keys/key.pem" -out "$scratch/keys/cert.pem" 2>/dev/null
export MINISIGN_KEY=$scratch/keys/sec AUTHENTICODE=$scratch/keys
check "nothing is signed that names nobody to write to" ends 1 "SECURITY.md" env VERSION=9.8.7 MAINTAINER=nobody packaging/dist.sh
export TRIAL=1
make --no-print-directory dist VERSION=9.8.7 >"$scratch/dist.log" 2>&1 || {
	tail -n 40 "$scratch/dist.log" >&2
	fail "make dist"
}
sed -n '/^artefact/,$p' "$scratch/dist.log" | sed 's/^/  /'

check "the checksums are right" sh -c 'cd dist && sha256sum --quiet -c SHA256SUMS'
check "their signature is right" minisign -V -q -p "$scratch/keys/pub" -m dist/SHA256SUMS
for file in out/bin/windows-amd64/meteragent.exe dist/*.msi; do
	check "$(basename "$file") carries the maker's signature" osslsigncode verify -CAfile "$scratch/keys/cert.pem" -in "$file"
done
cp out/bin/windows-amd64/meteragent.exe "$scratch/changed.exe"
printf x | dd of="$scratch/changed.exe" bs=1 seek=500000 conv=notrunc 2>/dev/null
check "which a changed byte breaks" refuses osslsigncode verify -CAfile "$scratch/keys/cert.pem" -in "$scratch/changed.exe"
check "lintian finds no error" lintian --allow-root --no-cfg --fail-on error dist/*.deb
check "rpm can read the rpms" rpm -Kv --nosignature dist/*.rpm
check "the program knows its version" sh -c "out/bin/linux-amd64/meteragent version | grep -F 9.8.7"
check "the archive for Windows is whole" unzip -tqq dist/meteragent_9.8.7_windows_amd64.zip
windows_lines() { ! unzip -p "$1" '*.txt' '*.cmd' '*.toml' | grep -v $'\r$'; }
check "its texts have Windows line ends" windows_lines dist/meteragent_9.8.7_windows_amd64.zip
check "the archive for routers is whole" tar -tzf dist/meteragent_9.8.7_linux_mipsle.tar.gz

check "the apk is whole" sh -c 'tar -tzf dist/*_9.8.7_*x86_64*.apk | grep -x etc/init.d/meteragent'
check "with what keeps its log small" sh -c 'tar -tzf dist/*_9.8.7_*x86_64*.apk | grep -x etc/logrotate.d/meteragent'
architecture() { tar -xzOf dist/meteragent_9.8.7_"$1".ipk ./control.tar.gz | tar -xzO ./control | grep -x "Architecture: $1"; }
for family in mipsel_24kc arm_arm926ej-s arm_cortex-a7_neon-vfpv4 aarch64_cortex-a53 x86_64; do
	check "an ipk for what OpenWrt calls $family" architecture "$family"
done
check "the ipk is whole" sh -c 'tar -xzOf dist/*_9.8.7*mipsel*.ipk ./data.tar.gz | tar -tz | grep etc/init.d/meteragent'
mark='usr/share/doc/meteragent/copyright$' # by which the program knows that a package manager brought it
check "the apk says what it is" sh -c "tar -tzf dist/*_9.8.7_*x86_64*.apk | grep $mark"
check "the ipk says what it is" sh -c "tar -xzOf dist/*_9.8.7*mipsel*.ipk ./data.tar.gz | tar -tz | grep $mark"
for script in packaging/linux/openrc/meteragent packaging/linux/procd/meteragent packaging/linux/apk/* packaging/linux/ipk/*; do
	sh -n "$script" || fail "$script is no shell script"
done
check "the manual page has no mistakes" sh -c "! zcat out/stage/meteragent.1.gz | MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z - 2>&1 >/dev/null | grep ."
check "the SBOM names what is in the program" jq -e '[.components[].purl] | any(startswith("pkg:golang/go.etcd.io/bbolt@")) and length > 10' dist/meteragent_9.8.7_sbom.json
mkdir "$scratch/image" "$scratch/root"
tar -C "$scratch/image" -xf dist/meteragent_9.8.7_oci.tar
digests() { (cd "$scratch/image/blobs/sha256" && for blob in *; do echo "$blob  $blob"; done | sha256sum --quiet -c); }
check "each blob of the image is what its name says" digests
blob() { jq -r "$2" "$scratch/image/$1" | tr : /; }
manifest=blobs/$(blob index.json '.manifests[] | select(.platform.architecture == "amd64").digest')
tar -C "$scratch/root" -xzf "$scratch/image/blobs/$(blob "$manifest" '.layers[0].digest')"
check "the image's program runs as nobody in its root" chroot --userspec=65532:65532 "$scratch/root" /usr/bin/meteragent version
check "and does one round of its work there" chroot --userspec=65532:65532 "$scratch/root" /usr/bin/meteragent demo --once

mkdir "$scratch/elsewhere"
tar -c --exclude=./out --exclude=./dist --exclude=./.git . | tar -C "$scratch/elsewhere" -x
again() {
	(umask 077 && cd "$scratch/elsewhere" && make --no-print-directory dist VERSION=9.8.7 TARGETS="linux-amd64 windows-amd64") &&
		mkdir "$scratch/image.again" &&
		tar -C "$scratch/image.again" -xf "$scratch"/elsewhere/dist/*_oci.tar &&
		[ -f "$scratch/image.again/$manifest" ] && # its name is the hash of all that is in the image
		rm "$scratch"/elsewhere/dist/{SHA256SUMS*,*_oci.tar} &&
		for file in "$scratch"/elsewhere/dist/*; do cmp "$file" "dist/$(basename "$file")" || return; done
}
check "another folder and another umask give the same bytes" again
