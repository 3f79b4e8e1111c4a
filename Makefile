# make test is the one test command: CI calls it, and so should you.
GO      ?= go
BIN     := $(CURDIR)/bin
VERSION ?= dev

.PHONY: build test unit e2e sdk lint clients tools fuzz bench bench-ldap load clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN)/ringbook ./cmd/ringbook

# Everything: the real clients are installed first where that is possible.
test: clients unit e2e

unit:
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -timeout 15m $$($(GO) list ./... | grep -v /e2e)

e2e:
	$(GO) test -count=1 -shuffle=on -timeout 30m -v ./e2e

# Microsoft's own SDK reads the Graph stand-in. It compiles for minutes, so it is
# a module of its own.
sdk:
	cd e2e/sdk && $(GO) test -count=1 -timeout 60m ./...

lint: tools
	test -z "$$($(BIN)/gofumpt -l .)"
	$(BIN)/golangci-lint run ./...
	test -z "$$($(GO) fix -diff ./... 2>&1)"

clients:
	@e2e/clients.sh

tools:
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	GOBIN=$(BIN) $(GO) install mvdan.cc/gofumpt@v0.12.0

# Every fuzz target, FUZZTIME each.
FUZZTIME ?= 5m
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Ten thousand phones that poll and a hundred that sync for the first time, on the
# built server: requests per second, waits, processor time and memory.
load:
	RINGBOOK_E2E_PHONES=10000 $(GO) test -count=1 -run '^TestLoad$$' -v ./e2e

# What LDAP costs beside slapd (Debian's), in time of the server's processor. PEOPLE=100000
# takes some minutes.
PEOPLE ?= 1000 10000
bench-ldap:
	RINGBOOK_BENCH_PEOPLE="$(PEOPLE)" RINGBOOK_BENCH_ROUNDS=5 RINGBOOK_BENCH_MS=500 \
	  $(GO) test -count=1 -timeout 60m -run '^TestBesideSlapd$$' -v ./e2e

clean:
	rm -rf $(BIN)
