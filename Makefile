# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: tools
tools: ## Build the programs of other projects that the playground runs
	@hack/build-tools.sh

.PHONY: build
build: ## Build this project's programs into bin
	@hack/build.sh

.PHONY: generate
generate: ## Generate code from the API types
	@hack/update-codegen.sh

.PHONY: verify
verify: ## Fail if formatting, vet, or code generated anew makes a difference
	@hack/verify.sh

.PHONY: test
test: unit build-failpoints ## Run all tests but faults and fuzz
	@$(MAKE) --jobs=3 --output-sync=target lane-1 lane-2 lane-3

# Three lanes that take about as long. All but explore wait more than they work. Access, conformance and e2e share a playground.
.PHONY: lane-1 lane-2 lane-3
lane-1:
	@$(MAKE) --jobs=1 access conformance e2e lifetime
lane-2:
	@$(MAKE) --jobs=1 install chaos
lane-3:
	@$(MAKE) --jobs=1 failpoints
	@nice $(MAKE) --jobs=1 explore

.PHONY: unit
unit: tools ## Run the unit tests
	@go test ./cmd/... ./pkg/... ./test/playground/... ./test/ramendr/... ./test/storagesim/... ./test/bench/... ./test/chaos/... ./test/demo/... ./test/docs/... ./test/explore/... ./test/access/document/... ./test/install/audit/... ./test/install/guide/... ./test/e2e/framework/... ./test/importtest/... ./examples/...

.PHONY: fuzz
fuzz: ## Try random inputs on everything that reads what others wrote, FUZZTIME=20s on each
	@hack/fuzz.sh

E2E_PROCS ?= 6
.PHONY: e2e
e2e: tools build ## Run the end-to-end tests on the playground
	@go tool ginkgo --procs=$(E2E_PROCS) --timeout=30m --poll-progress-after=3m $(E2E_FLAGS) ./test/e2e

.PHONY: install
install: tools build ## Do what docs/install.md says on a playground, with the image's programs
	@hack/build-release.sh bin/image
	@go tool ginkgo --timeout=20m --poll-progress-after=3m ./test/install

.PHONY: lifetime
lifetime: tools build ## Try what docs/operations.md says of starting, stopping, replacing and breaking the server
	@go tool ginkgo --procs=3 --timeout=15m --poll-progress-after=3m ./test/lifetime

.PHONY: access
access: tools build ## Try every cell of docs/access.md against the hub
	@go tool ginkgo --procs=$(E2E_PROCS) --timeout=30m --poll-progress-after=3m ./test/access

.PHONY: conformance
conformance: tools build ## Try on the hub that every kind works as a built-in one does
	@go tool ginkgo --procs=$(E2E_PROCS) --timeout=30m --poll-progress-after=3m ./test/conformance

.PHONY: build-failpoints
build-failpoints: build
	@go build -tags failpoints -o bin/failpoints/dr-apiserver ./cmd/apiserver
	@go build -tags failpoints -o bin/failpoints/dr-agent ./cmd/agent

FAILPOINTS_PROCS ?= 12
.PHONY: failpoints
failpoints: tools build-failpoints ## Have the programs die between any two writes, one place after the other
	@hack/own-playground.sh go tool ginkgo --procs=$(FAILPOINTS_PROCS) --timeout=30m --poll-progress-after=5m $(E2E_FLAGS) ./test/failpoints

FAULTS_PROCS ?= 12
FAULTS_LABELS ?=
FAULTS_FLAGS ?=
.PHONY: faults
faults: tools build ## Have storage lag, fail, hang and die between any two steps; FAULTS_LABELS=sample tries a step per method
	@hack/own-playground.sh go tool ginkgo --procs=$(FAULTS_PROCS) --timeout=90m --poll-progress-after=5m --label-filter='$(FAULTS_LABELS)' $(FAULTS_FLAGS) ./test/faults

CHAOS_FLAGS ?= -seed 203 -length 5m
.PHONY: chaos
chaos: tools build-failpoints ## Break a playground at random while people act, and hold what happens against what is promised
	@go build -o bin/chaos ./test/chaos
	@hack/own-playground.sh bin/chaos $(CHAOS_FLAGS)

.PHONY: list-failpoints
list-failpoints: ## Print the places at which the programs can be made to die
	@go run ./test/failpoints/list

.PHONY: up
up: tools build ## Boot the playground; do nothing if it is up
	@bin/playground up

.PHONY: down
down: ## End every process of the playground and remove every trace of it
	@hack/down.sh

.PHONY: demo
demo: ## Tell the story of a failover and the way back
	@echo "bin/demo: building"
	@go build -o bin/demo ./test/demo
	@bin/demo

.PHONY: bench
bench: tools build ## Measure failover and relocate, and what further volumes and methods cost
	@go build -o bin/bench ./test/bench
	@bin/bench $(BENCH_FLAGS)

IMAGE ?= ghcr.io/ramendr/dr-apiserver:latest
.PHONY: image
image: ## Build the image of dr-apiserver and dr-agent, with docker, podman or buildah: CONTAINER_TOOL
	@$(or $(CONTAINER_TOOL),docker) build --tag $(IMAGE) .

.PHONY: bench-api
bench-api: tools build ## Compare the API with a CustomResourceDefinition of the same schema
	@go build -o bin/bench-api ./test/benchapi
	@bin/bench-api $(BENCH_API_FLAGS)

.PHONY: explore
explore: ## Let everything happen that can, in every order, and check that the promises hold
	@go run ./test/explore -walks 500 $(EXPLORE_FLAGS)

.PHONY: clean
clean: down ## Remove what was built
	@rm -rf bin
