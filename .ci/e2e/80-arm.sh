#!/bin/bash
# at most 300 s
# The store on 32-bit ARM, emulated: its tests pass, and its file may not become longer than 256 MiB, since there is little
# address space. Left out are the soaks and the four longest tests (a kill under full load, one bad page after another, flipped
# bits, ten backlogs made short); with -test.short TestCrash kills 6 times instead of 30, and TestSalvage damages 30 copies
# instead of 150. All of it runs on the machine itself in `make test`.
. "$(dirname "$0")/lib.sh"
need qemu-arm-static
CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 go test -c -o "$scratch/store.test" ./store
cd store
export METERAGENT_STORE_TEST_RUNNER=qemu-arm-static
left_out='Soak|OneBadPage|FlippedBits|KillUnderLoad|TestCompaction$'
tests() { qemu-arm-static "$scratch/store.test" -test.v -test.short -test.skip "$left_out" >"$scratch/log"; }
check "the tests of the store pass" tests
check "none is missing" awk '/^--- PASS/ { n++ } END { exit n < 60 }' "$scratch/log"
