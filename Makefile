# SPDX-License-Identifier: MIT
# Every target installs what it needs and says so. `make demo` and `make test` are all a newcomer needs.

CONFIGURATION ?= release
PREFIX ?= $(HOME)/.local
SWEEPD := .build/$(CONFIGURATION)/sweepd

.PHONY: help deps build demo test test-python test-campaigns lint bench bench-search bench-stopping chaos fuzz load simulate simulate-mutants install dist dist-test clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

deps: ## install what is missing: Debian packages, a virtual environment for the examples
	@.ci/deps

build: deps ## build sweepd
	swift build -c $(CONFIGURATION) --static-swift-stdlib --product sweepd

demo: build ## tune a small neural network on handwritten digits: 24 trials, 2 workers
	@.ci/demo $(SWEEPD)

test: deps lint ## run all tests
	swift build --build-tests
	swift test --skip-build --no-parallel
	$(MAKE) --no-print-directory test-python test-campaigns

test-python: deps ## run the Python client's tests
	.venv/bin/python -m pytest -q Workers/Python/tests

test-campaigns: deps ## bounded parts of the campaigns, and the attacks of the threat model, against the debug build
	swift build --build-tests
	@Tests/Campaigns/test

lint: deps ## formatting, import rules, forbidden words
	@.ci/lint

bench: build ## throughput beside Optuna, resume, raw ZeroMQ and SQLite
	@Tests/Benchmarks/run

bench-search: build ## the search beside Optuna, HEBO and BoTorch: what it finds, how long it takes; QUICK=1 for ten minutes
	@Tests/Benchmarks/search/run

bench-stopping: build ## early stopping beside Optuna's pruners, on recorded curves; QUICK=1 for five minutes
	@Tests/Benchmarks/stopping/run

load: build ## 1,000 workers with keys over TCP, 100,000 trials, a kill -9 half-way; QUICK=1 for a hundred workers
	@Tests/Campaigns/Load/run

chaos: deps ## a thousand runs with kills, partitions, full disks, clock jumps; goes on from where it was (RUNS, MINUTES, JOBS)
	swift build --product sweepd
	@.venv/bin/python Tests/Campaigns/Chaos/campaign.py

fuzz: build ## mutated connections, lawless messages, inputs to the codec, by the million; goes on from where it was (MINUTES)
	@Tests/Campaigns/Fuzz/run

simulate: deps ## 200,000 simulated runs under faults, then more with COUNT=… or for SECONDS=…; goes on from its ledger
	@COUNT=$(COUNT) SECONDS_TO_RUN=$(SECONDS) Tests/Campaigns/simulate

simulate-mutants: deps ## 29 planted bugs, each of which the simulation has to find
	@Tests/Campaigns/mutants

install: build ## install sweepd and its Python client below PREFIX
	@.ci/install $(SWEEPD) $(PREFIX)

dist: build ## a tarball for machines that have nothing but glibc, in .build/dist
	@.ci/dist $(SWEEPD)

dist-test: dist ## run that tarball on a bare Debian 12 made with debootstrap; needs root
	@.ci/dist-test

clean: ## remove what was built
	rm -rf .build .venv
