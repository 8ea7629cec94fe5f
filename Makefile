# Every command a person or CI needs. `make` alone lists them.
# Needs GNU make 3.81 or later, Go and git; nothing else unless a line says so.

.DEFAULT_GOAL := help
SHELL := /bin/sh

GO ?= go
FUZZTIME ?= 10s
AGREEMENTS ?= 100000

# VCS stamping would make two builds of one tree differ, and fails outright in
# a checkout that another user owns.
export GOFLAGS := $(strip $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false)

# The function: static, without aws-lambda-go's old RPC mode, without paths of
# the machine it was built on, and without HTTP/2: STS and the Runtime API speak
# HTTP/1.1, and what is not there need not be loaded or mended. That keeps the
# linux/arm64 binary under its ceiling of 9 MiB: it takes away 0.43.
FUNCTION_FLAGS := -tags lambda.norpc,nethttpomithttp2 -trimpath -ldflags '-s -w'

# golangci-lint is a tool of its own module, so that its many dependencies
# never stand in the service's go.sum.
LINT = $(GO) tool -modfile=tools/go.mod golangci-lint

.PHONY: help build run demo test cover agreement fuzz bench lint fmt conformance conformance-aws refresh browser templates docs check clean \
	allowlist build-VendFunction invoke sam-local deploy package delete reproducible emulator guard simulate FORCE

help:
	@awk -f tools/help.awk $(MAKEFILE_LIST)

##@ Try it

run: build ## the whole story on this machine, no AWS needed; stays up until Ctrl-C
	build/credvend local --tour --bootstrap build/bootstrap

demo: build ## the same story, then exit: 0 only if every step went as told
	build/credvend local --tour --exit --port 0 --dir .credvend/demo --bootstrap build/bootstrap

# Flags of the runner of events/, which both of these share.
EVENT_FLAGS = $(if $(ALLOWLIST),-allowlist "$(ALLOWLIST)") $(if $(SHOW),-show) $(if $(LOG),-log) $(if $(EVENT),"$(EVENT)")

invoke: build/bootstrap build/events ## one event of events/ to the real function: EVENT=NAME (without it: the list); SHOW=1 LOG=1 RIE=PATH ALLOWLIST=FILE
	@build/events $(if $(RIE),-rie "$(RIE)") $(EVENT_FLAGS)

# In the container of sam local invoke, for this machine's processor.
sam-local: build/events ## the same event in a container, by sam local invoke (needs SAM CLI and Docker): EVENT=NAME
	@mkdir -p build/sam-local
	CGO_ENABLED=0 GOOS=linux GOARCH=$$($(GO) env GOHOSTARCH) $(GO) build $(FUNCTION_FLAGS) -o build/sam-local/bootstrap ./functions/vend
	@build/events -sam build/sam-local -bootstrap build/sam-local/bootstrap $(EVENT_FLAGS)

##@ Build

build: build/bootstrap build/credvend ## build/bootstrap (the function, for this machine) and build/credvend (the tool)

# For this machine's system and processor, so that the local stack can run it
# on macOS too. What goes to AWS is built by build-VendFunction.
build/bootstrap: FORCE
	CGO_ENABLED=0 $(GO) build $(FUNCTION_FLAGS) -o $@ ./functions/vend

build/credvend: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $@ ./cmd/credvend

build/events: FORCE
	@GOOS= GOARCH= CGO_ENABLED=0 $(GO) build -o $@ ./test/events

allowlist: build/credvend ## build/allowlist.json, the canonical form of allowlist.yaml
	build/credvend allowlist build allowlist.yaml -o build/allowlist.json

# `sam build` calls this with ARTIFACTS_DIR set, in a copy of the tree. The
# tool that builds the allowlist runs here, so it is built for here: empty
# GOOS and GOARCH mean this machine.
build-VendFunction: ## for `sam build`: bootstrap (linux, GOARCH=arm64) and allowlist.json into ARTIFACTS_DIR
	@test -n "$(ARTIFACTS_DIR)" || { echo "build-VendFunction: say where to, as sam build does: make $@ ARTIFACTS_DIR=build/lambda" >&2; exit 2; }
	@mkdir -p "$(ARTIFACTS_DIR)"
	CGO_ENABLED=0 GOOS=linux GOARCH=$(or $(GOARCH),arm64) $(GO) build $(FUNCTION_FLAGS) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/vend
	GOOS= GOARCH= CGO_ENABLED=0 $(GO) run -trimpath ./cmd/credvend allowlist build allowlist.yaml -o "$(ARTIFACTS_DIR)/allowlist.json"

# The zip that tools of your own take: aws lambda update-function-code
# --zip-file fileb://build/credvend-vend.zip, CloudFormation's package, Terraform.
package: ## build/credvend-vend.zip: what `sam deploy` would upload, without SAM (linux, GOARCH=arm64)
	@echo "package: builds bootstrap (linux/$(or $(GOARCH),arm64)) and allowlist.json, and packs them; nothing leaves this machine"
	@rm -rf build/package
	@$(MAKE) --no-print-directory build-VendFunction ARTIFACTS_DIR=build/package
	@if test -n "$$(tools/examples.sh allowlist.yaml)"; then echo "note: allowlist.yaml still names accounts of AWS's documentation" >&2; fi
	@printf 'build/credvend-vend.zip: ' && GOOS= GOARCH= $(GO) -C tools run ./pack -o "$(CURDIR)/build/credvend-vend.zip" "$(CURDIR)/build/package"

##@ Deploy (needs the SAM CLI and an AWS identity)

deploy: build/credvend ## check the allowlist, say what will happen, then sam build and sam deploy --guided; STACK=credvend
	@tools/deploy.sh

delete: ## say what goes and what stays, ask, then sam delete; STACK=credvend
	@tools/delete.sh

##@ Check

test: ## every test that needs Go alone, with the race detector where there is a C compiler (random cases a fifth then: make cover has all)
	@tools/race.sh $(GO) test ./...
	$(GO) -C tools test ./...

cover: ## coverage by package, with all random cases; fails under 85 % in all, 95 % in route, allowlist, scope, identity
	@tools/cover.sh $(GO) build/cover.out
	$(GO) -C tools run ./covergate -total 85 \
		-package internal/route=95 -package internal/allowlist=95 \
		-package internal/scope=95 -package internal/identity=95 \
		../build/cover.out

reproducible: ## build-VendFunction in two folders: the same bytes, and at most 9 MiB; COLD=1 from empty caches, in minutes
	$(GO) test -count=1 -timeout 30m -run Reproducible -v ./test/deploy

# AWS's emulator is in no registry that CI reaches: where it is missing, this
# says so and does nothing.
emulator: ## every event under AWS's own Runtime Interface Emulator, if it is here: RIE=PATH
	@rie="$(abspath $(RIE))"; rie=$${rie:-$$(command -v aws-lambda-rie || true)}; \
	if test -n "$$rie"; then RIE="$$rie" $(GO) test -count=1 -run RIE ./test/events; \
	else echo "emulator: NOT RUN: put aws-lambda-rie on the PATH, or RIE=PATH (https://github.com/aws/aws-lambda-runtime-interface-emulator/releases)"; fi

agreement: ## who-can, what-can, diff and Decide against brute force, AGREEMENTS=100000 lists (make cover: 2,000)
	$(GO) test ./internal/analysis -run 'TestAgreement' -count=1 -timeout 60m -v -agreements $(AGREEMENTS)

fuzz: ## each fuzz target for FUZZTIME=10s, in the package that holds it
	@tools/fuzz.sh $(GO) $(FUZZTIME)


# vet for macOS too: the local stack starts processes, each system in its way.
lint: ## gofmt, go vet, golangci-lint (its first build takes some minutes)
	@files=$$(gofmt -l .) && test -z "$$files" || { echo "not gofmt-ed (make fmt mends it): $$files" >&2; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	$(GO) -C tools vet ./...
	$(LINT) run ./...

fmt: ## gofmt every Go file in place
	gofmt -w .

conformance: build ## stock clients (AWS CLI, SDKs, curl) against the local stack
	test/clients/run.sh

# The same requests to AWS as to the local stack: docs/conformance-aws.md.
conformance-aws: build/bootstrap ## the local stack's checks against your own two AWS accounts; SANDBOX=local: against itself
	$(GO) build -tags conformance -o build/conformance-aws ./test/sandbox
	@build/conformance-aws $(if $(filter local,$(SANDBOX)),-local -bootstrap build/bootstrap) $(ARGS)

# The stand-in that they ask is a test's: nothing of the service is judged here.
refresh: build ## how often stock clients fetch credentials, and what refusals do to them, as docs/callers.md says; UPDATE=1 writes it there
	test/callers/run.sh refresh $(if $(UPDATE),--update)

browser: build ## the live view, the map, and a page that vends and signs, in headless Chromium (Node 18 and Chromium; installs them as root on Debian)
	test/view/run.sh
	test/callers/run.sh browser
	test/map/run.sh

# cfn-lint and SAM's translator are Python's; without them go test ./test/templates
# stands alone, and this says so.
templates: ## both templates through cfn-lint and SAM's transform, where Python has them
	$(GO) test ./test/templates
	@if python3 -c 'import cfnlint, samtranslator' 2>/dev/null; then test/templates/run.sh; \
	else echo "templates: this python3 lacks cfn-lint or aws-sam-translator, so only the Go checks ran"; fi

docs: ## the documents' pictures in headless Chromium, and their commands that call the AWS CLI and curl
	test/docs/run.sh

check: lint test guard cover conformance refresh browser templates docs emulator package demo ## all that CI runs
	$(MAKE) conformance-aws SANDBOX=local

##@ Measure

bench: ## start, vend, memory, deciding, many at once, beside the least there could be: a table, bench/results.json, docs/performance.svg (some minutes); ARGS="-only start"
	@$(GO) run ./bench $(ARGS)

guard: ## allocations of the hot path beside bench/baseline.txt: a change over 5 % needs a line there; UPDATE=1 writes it
	$(GO) test -count=1 -v -run Baseline ./bench/guard $(if $(UPDATE),-update)

simulate: ## fleets of ten thousand to ten million clients, in virtual time: docs/scale.md; ARGS=--help
	@$(GO) run ./simulate $(or $(ARGS),-docs docs)

##@ Tidy up

clean: ## remove build/ and what the local stack wrote
	rm -rf build .credvend

FORCE:
