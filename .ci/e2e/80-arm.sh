#!/bin/bash
# at most 400 s
# The store on 32-bit ARM, emulated: its tests pass, but for the three longest, and its file may not become longer than 256 MiB, since there is little
# address space.
. "$(dirname "$0")/lib.sh"
need qemu-arm-static
CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 go test -c -o "$scratch/store.test" ./store
cd store
export METERAGENT_STORE_TEST_RUNNER=qemu-arm-static
tests() { qemu-arm-static "$scratch/store.test" -test.v -test.skip 'Soak|OneBadPage|KillUnderLoad|TestCompaction$' >"$scratch/log"; }
check "the tests of the store pass" tests
check "none is missing" awk '/^--- PASS/ { n++ } END { exit n < 60 }' "$scratch/log"
