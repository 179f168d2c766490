# rulegate. `make help` lists what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
FUZZTIME  ?= 20s
BENCH     ?= .
BENCHTIME ?= 1s
# The first of the five ports in a row that the quickstart listens on.
PORT      ?= 10000

QUICKSTART := bin/quickstart

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# What has to be compiled again is for Go's build cache to say, so these are
# always handed to it.
.PHONY: build
build: command module ## bin/rulegate and bin/rulegate.wasm

.PHONY: command
command:
	@mkdir -p bin
	$(GO) build -trimpath -o bin/rulegate ./host/cli/rulegate

.PHONY: module
module:
	@mkdir -p bin
	GOOS=wasip1 GOARCH=wasm $(GO) build -buildmode=c-shared -trimpath -ldflags="-s -w" -o bin/rulegate.wasm ./plugin

.PHONY: quickstart
quickstart:
	@mkdir -p $(QUICKSTART)
	$(GO) build -trimpath -o $(QUICKSTART)/ ./envoy/quickstart/launch ./envoy/quickstart/seed ./envoy/quickstart/upstream

.PHONY: envoy
envoy: ## print the path of Envoy: ENVOY's, the PATH's, or PyPI's wheel
	@.ci/envoy

# The launcher takes make's place in the recipe, so a signal to make reaches
# it, and it ends what it started.
.PHONY: run
run: build quickstart ## the quickstart on Envoy; Ctrl-C ends it
	@envoy=$$(.ci/envoy); exec $(QUICKSTART)/launch -envoy "$$envoy" -port $(PORT)

.PHONY: run-embedded
run-embedded: build quickstart ## the quickstart on the embedded gateway, without Envoy
	@exec $(QUICKSTART)/launch -port $(PORT)

.PHONY: test
test: ## everything: vet, staticcheck, tests, cases in all three runners, quickstart, race
	@GO=$(GO) .ci/test

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (20s)
	@GO=$(GO) FUZZTIME=$(FUZZTIME) .ci/fuzz

.PHONY: bench
bench: build ## the benchmarks; BENCH picks some
	ENVOY=$${ENVOY:-$$(.ci/envoy)} RULEGATE_WASM=$(CURDIR)/bin/rulegate.wasm \
	  $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./rules/... ./host/... ./envoy/...

.PHONY: sizes
sizes: ## what each dependency adds to the module
	@GO=$(GO) .ci/sizes

.PHONY: fmt
fmt: ## gofmt everything
	gofmt -w envoy host plugin rules

.PHONY: clean
clean: ## remove what was built; .cache (Envoy) stays
	rm -rf bin run
