# make help lists the targets. `make`, `make demo` and `make test` need Go and make, nothing else.

GO      ?= go
VERSION ?= $(or $(patsubst v%,%,$(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null)),0.0.0-dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
# The time of the commit, so that the same commit gives the same bytes.
export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
MAINTAINER ?= meteragent <meteragent@example.com>
# How long `make soak` runs, and in it each fuzz target.
SOAK ?= 10m
# How long `make fuzz` runs each fuzz target.
FUZZ ?= 10s

STAMP   := -X meteragent/agent/cli.version=$(VERSION) -X meteragent/agent/cli.commit=$(COMMIT) -X meteragent/agent/cli.built=$(SOURCE_DATE_EPOCH)
# What runs seldom (of TLS, the handshake), or waits for the network or the disk, is compiled without inlining, which makes
# the program 1 MB smaller. What reads, packs and encrypts is not in this list.
COLD    := meteragent/agent/... meteragent/packaging/... meteragent/store meteragent/transport/portal meteragent/collector/simulator \
	github.com/google/... github.com/gorilla/... github.com/kardianos/... github.com/pelletier/... github.com/spf13/... \
	golang.org/x/net/... golang.org/x/sync/... golang.org/x/sys/... golang.org/x/text/... \
	archive/zip context crypto/ecdh crypto/ecdsa crypto/ed25519 crypto/elliptic crypto/hkdf crypto/hpke crypto/mlkem \
	crypto/internal/fips140/bigmod crypto/internal/fips140/drbg crypto/internal/fips140/ecdh crypto/internal/fips140/ecdsa \
	crypto/internal/fips140/ed25519 crypto/internal/fips140/edwards25519/... crypto/internal/fips140/hkdf \
	crypto/internal/fips140/mlkem crypto/internal/fips140/nistec/... crypto/internal/fips140/rsa crypto/internal/fips140/tls12 \
	crypto/internal/fips140/tls13 crypto/rand crypto/rsa crypto/sha3 \
	crypto/tls crypto/x509/... encoding/asn1 encoding/csv encoding/pem flag fmt internal/fmtsort internal/godebug log/... \
	math/big mime/... net net/http/... net/url os os/... path path/filepath regexp/... syscall text/tabwriter text/template time \
	vendor/golang.org/x/crypto/cryptobyte vendor/golang.org/x/net/... vendor/golang.org/x/text/...
# The names of generic functions have the fields of their types in them; the long ones become a hash (0.07 MB).
SHORT   := -d=maxshapelen=40
# On amd64 the linker lets each function begin at a multiple of 32. Nothing measured gets slower with 8 (0.19 MB).
ALIGN_amd64 := -funcalign=8
# $(call release,ARCHITECTURE)
release = -trimpath -buildvcs=false -tags gosnmp_nodebug -ldflags '-s -w -buildid= $(ALIGN_$(1)) $(STAMP)' -gcflags=all=$(SHORT) $(COLD:%=-gcflags='%=-l $(SHORT)')
TARGETS ?= linux-amd64 linux-arm64 linux-arm-5 linux-arm-6 linux-arm-7 linux-mipsle windows-amd64 windows-arm64

.PHONY: build
build: ## the program for this machine, ./meteragent
	CGO_ENABLED=0 $(GO) build $(call release,$(shell $(GO) env GOARCH)) .

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' Makefile | expand -t 8

.PHONY: demo
demo: build ## simulated copiers, a portal and the agent in one process
	./meteragent demo

# The race detector needs cgo and a C compiler.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),$(shell command -v $(firstword $(shell $(GO) env CC)) >/dev/null 2>&1 && echo -race))

# Pure functions start no goroutine, and nor do their tests: the race detector would only take five times as long.
PURE := meteragent/agent/alert meteragent/agent/clock meteragent/agent/toner

.PHONY: test
test: ## all Go tests, with the race detector if there is a C compiler
	$(if $(RACE),,@echo "make test: no C compiler here, so the tests run WITHOUT the race detector")
	$(GO) test $(RACE) $(filter-out $(PURE),$(shell $(GO) list ./...))
	$(GO) test $(PURE)

.PHONY: bench
bench: ## benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: soak
soak: ## the long tests, for SOAK=10m
	METERAGENT_SOAK=$(SOAK) $(GO) test $(RACE) -run Soak -count=1 -timeout=0 -v ./...
	$(MAKE) --no-print-directory fuzz FUZZ=$(SOAK)

# What was found interesting is kept in out/fuzz, not in the cache of go, which grows from run to run of everybody until
# trying it anew takes all of a short time. A target of which nothing new was tried has failed. go test sometimes fails
# with "context deadline exceeded" when the time is over; what it finds, it writes to testdata/fuzz.
.PHONY: fuzz
fuzz: ## every fuzz target, for FUZZ=10s each
	@mkdir -p out
	@grep -ro '^func Fuzz[A-Za-z]*' --include='*_test.go' . | sed 's|^\(.*\)/[^/]*:func \(.*\)|\1 \2|' | sort | while read -r package target; do \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) -fuzzminimizetime 10x $$package -args -test.fuzzcachedir="$(CURDIR)/out/fuzz/$$package" >out/fuzz.log 2>&1 </dev/null || \
			{ grep -q '^ *context deadline exceeded$$' out/fuzz.log && ! grep -q 'testdata/fuzz' out/fuzz.log; } || { cat out/fuzz.log; exit 1; }; \
		tried=$$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' out/fuzz.log | tail -n 1); \
		grep -q 'now fuzzing' out/fuzz.log && [ "$${tried:-0}" -gt 0 ] || \
			{ cat out/fuzz.log; echo "make fuzz: in $(FUZZ) nothing new was tried of $$target; give it more time (FUZZ=...), or let it begin anew (make clean)"; exit 1; }; \
		echo "$$package $$target: $$tried"; \
	done

# The figure of docs/fleet.md. The seed is fixed: the same code draws the same figure.
.PHONY: simulate
simulate: ## 1,000,000 agents after an outage of an hour: prints the load, draws docs/fleet.svg
	METERAGENT_FLEET=1000000 $(GO) test -count=1 -run FleetFigure -v ./docs

.PHONY: e2e
e2e: ## the packages on a real system; needs root and .ci/e2e/install.sh
	.ci/e2e/run

SCRIPTS := .ci/run .ci/e2e/run .ci/e2e/install.sh .ci/e2e/[0-9]*.sh packaging/dist.sh packaging/vulnerabilities.sh packaging/windows/msi.sh packaging/linux/deb/* packaging/linux/rpm/* packaging/linux/apk/* packaging/linux/ipk/*

.PHONY: lint
lint: tools ## gofmt, go vet and staticcheck for Linux and Windows, shellcheck
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	out/tools/staticcheck ./...
	GOOS=windows out/tools/staticcheck ./...
	@if command -v shellcheck >/dev/null; then shellcheck -x -a -P SCRIPTDIR -S warning $(SCRIPTS); else echo "make lint: no shellcheck here, so the scripts are NOT checked"; fi

.PHONY: cross
cross: $(TARGETS:%=out/bin/%) ## the programs for all systems, in out/bin

# out/bin/SYSTEM-ARCHITECTURE[-ARM VERSION]
.PHONY: $(TARGETS:%=out/bin/%)
part = $(word $(1),$(subst -, ,$*))
$(TARGETS:%=out/bin/%): out/bin/%:
	CGO_ENABLED=0 GOOS=$(call part,1) GOARCH=$(call part,2) GOARM=$(call part,3) GOMIPS=softfloat $(GO) build $(call release,$(call part,2)) -o $@/ .

# The tools have a module of their own, so that the product's stays small.
.PHONY: tools
tools:
	@mkdir -p out/tools
	cd packaging/tools && $(GO) build -o ../../out/tools/ ./bundle ./image ./release github.com/goreleaser/nfpm/v2/cmd/nfpm github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod honnef.co/go/tools/cmd/staticcheck

.PHONY: dist
dist: tools ## packages and archives for all systems, in dist
	rm -rf out/bin
	$(MAKE) --no-print-directory -j 2 cross
	VERSION='$(VERSION)' MAINTAINER='$(MAINTAINER)' GO='$(GO)' packaging/dist.sh

.PHONY: clean
clean: ## removes what make made
	rm -rf out dist meteragent meteragent.exe
