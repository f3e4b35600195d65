#!/bin/bash
# Makes the MSI of a program: msi.sh PROGRAM.exe VERSION TEXTS OUT.msi. TEXTS is a folder with README.txt, copyright.txt and
# meteragent.toml. The same program, version and SOURCE_DATE_EPOCH give the same bytes.
set -euo pipefail
program=$1 version=$2 texts=$3 out=$4
here=$(dirname "$0")

# guid WORD: the same word gives the same GUID.
guid() {
	printf 'meteragent %s' "$1" | sha256sum | tr a-f A-F |
		sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/'
}
# Windows knows three numbers. What follows them is in the program's own version.
numbers=$(grep -oE '^[0-9]+\.[0-9]+\.[0-9]+' <<<"$version")
[ -n "$numbers" ] || { echo "msi.sh: $version does not begin with three numbers" >&2 && exit 1; }
sum=$(sha256sum "$program" | cut -d ' ' -f 1)

# wixl takes sources from its own folder only, times from the files and the clock, and the package's code from chance.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$program" "$folder/meteragent.exe"
cp "$texts"/README.txt "$texts"/copyright.txt "$folder/"
cp "$texts/meteragent.toml" "$folder/example.toml"
cp "$here/meteragent.wxs" "$folder/"
out=$(realpath "$out")
cd "$folder"
time=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" '+%Y-%m-%d %H:%M:%S')
TZ=UTC touch -d "$time" -- *
TZ=UTC faketime -f "$time" wixl -a x64 -D "Version=$numbers" -D "Product=$(guid "product $version")" -o "$out" meteragent.wxs
# What wixl cannot say: the old version goes within the transaction of the new one, and not before it, so that a failure brings
# it back; and the properties reach the part of the installer that has the rights.
msibuild "$out" -q "UPDATE \`InstallExecuteSequence\` SET \`Sequence\` = 1510 WHERE \`Action\` = 'RemoveExistingProducts'" \
	-q "UPDATE \`Property\` SET \`Value\` = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;CUSTOMER;PORTAL;NETWORK;TOKENFILE;ENROLL;CODEFILE;PURGE' WHERE \`Property\` = 'SecureCustomProperties'"
msibuild "$out" -s meteragent meteragent 'x64;1033' "{$(guid "package $version $sum")}"
