# Everything a developer runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO      ?= go
VERSION ?= 0.1.0
LDFLAGS := -s -w -X main.version=$(VERSION)

# lsp-client needs node and the package registry, so it is no part of test.
.PHONY: lsp-client help test test-quick proof proof-long fmt-proof bench edit-to-live build build-image docs fmt run needs browser fuzz clean

help: ## list what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve the starter project on this machine
	$(GO) run ./cmd/dispatcher serve flows/starter

test: needs ## everything: vet, staticcheck, arrows, unit tests with -race, browser, proofs, image build
	$(GO) vet ./...
	$(GO) vet -tags 'browser mutants failpoints' ./...
	$(GO) tool staticcheck ./...
	$(GO) test -race -timeout 10m ./...
	$(MAKE) --no-print-directory browser proof build-image

test-quick: ## the part under a minute, without installing anything
	$(GO) vet ./...
	$(GO) test -short ./...

browser: needs ## pages in a real Chromium
	$(GO) test -tags browser -timeout 10m -count=1 ./server/web/ ./internal/proof/browser/

proof: needs ## the promises of the first milestone, at their per-change size
	@$(GO) test -timeout 12m -count=1 -v -run 'TestPromise|TestMainJob' ./internal/proof/ -args -proof.scale=change | grep -vE '^=== |^ *--- PASS'; exit $${PIPESTATUS[0]}

proof-long: needs ## the same at night size: hours
	$(MAKE) --no-print-directory fmt-proof
	$(GO) test -timeout 24h -count=1 -v ./internal/proof/ -args -proof.scale=night

fmt-proof: ## dispatcher fmt on 10,000 files that were changed by chance: a minute
	@$(GO) test -timeout 30m -count=1 -v -run TestFormatProof ./flows/ -args -format.mutations=10000 | grep -E 'PROOF|^(ok|FAIL|---)'; exit $${PIPESTATUS[0]}

edit-to-live: needs ## from save to the first reply with the new words, 50 saves in each style
	@$(GO) test -timeout 30m -count=1 -v -run TestEditToLive ./internal/proof/ -args -proof.scale=change -proof.saves=50 | grep -E 'PROOF|^(ok|FAIL|---)'; exit $${PIPESTATUS[0]}

bench: ## every first-milestone goal as a ratio measured in one run (BENCH=full for 10 M rows)
	$(GO) run ./bench $(BENCHFLAGS)

fuzz: ## every fuzz target for 20 s
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz'); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 20s $$p || exit 1; done; done

lsp-client: build ## the language server against the client library of VS Code, with node
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && bin/dispatcher init "$$dir/shop" >/dev/null && \
	npm install --silent --no-audit --no-fund --prefix "$$dir" vscode-languageserver-protocol@3.18.5 && \
	node internal/proof/lsp/client.mjs bin/dispatcher "$$dir/shop" "$$dir"

build: ## the binary, static, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/dispatcher ./cmd/dispatcher

build-image: ## the steps of the Dockerfile, outside Docker
	.ci/image

docs: ## the generated pages and pictures of docs/designers, anew
	$(GO) test -count=1 ./cmd/dispatcher -run 'TestTheManualIsTrue|TestWalksOfTheDocuments' -update
	$(GO) test -count=1 ./flows/cookbook -run TestPages -update

fmt: ## gofmt everything
	gofmt -w $$(git ls-files '*.go')

needs: ## install what the tests need: chromium and strace
	@.ci/needs chromium strace

clean: ## remove what was built
	rm -rf bin
