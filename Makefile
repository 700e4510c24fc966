# make demo and make test are all that a newcomer needs; `make` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
PYTHON_TOOL := PYTHONPATH=tests $(BIN)/python
# The cluster that tests run on is another one than the demo's: each can come and go without the other.
TEST_NODE := testmesh-test
# Our own modules are compiled once, not at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo down env test try setup check format unit integration cluster cluster-tests bench crds lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: setup ## a real cluster with operator and demo services, and a run of the order flow
	@$(PYTHON_TOOL) -m cluster.demo

down: setup ## take the demo's cluster away again
	@$(PYTHON_TOOL) -m cluster.node down

test: setup ## everything that CI runs
	@tests/support/stages.sh check unit integration cluster-tests

try: setup ## the demo services on loopback and the order flow, or FLOWS=…, against them, without Kubernetes
	@$(BIN)/python examples/microservices/local.py $(FLOWS)

setup: $(VENV)/.done ## the Python environment, from the lock

$(VENV)/.done: requirements.lock pyproject.toml
	@tests/support/setup-python.sh
	@touch $@

check: setup ## formatting, lint, types, layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## write the formatting that check wants
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

unit: setup ## unit tests
	$(BIN)/pytest tests/unit

integration: setup ## tests against real servers on loopback
	@$(PYTHON_TOOL) -m support.packages
	$(BIN)/pytest tests/integration -m "not cluster"

cluster: setup ## a real cluster with our images on it, and nothing else
	@$(PYTHON_TOOL) -m cluster.node up
	@$(PYTHON_TOOL) -m cluster.node images

env: setup ## shell lines for the demo's cluster: eval "$(make -s env)"
	@$(PYTHON_TOOL) -m cluster.node env

cluster-tests: export TESTMESH_NODE ?= $(TEST_NODE)
cluster-tests: setup ## scenarios on a cluster of their own, taken away at the end unless KEEP=1
	@$(MAKE) cluster
	@$(BIN)/pytest tests/integration tests/cluster -m cluster; status=$$?; [ -n "$(KEEP)" ] || $(PYTHON_TOOL) -m cluster.node down; exit $$status

bench: setup ## whole-process ratios beside a bare baseline
	@$(PYTHON_TOOL) tests/bench/bench_engine.py

crds: setup ## the definitions anew, from the models
	@$(BIN)/python -m testmesh_operator.resources.crds crds helm/testmesh/files/crds

lock: setup ## the lock files anew, from pyproject.toml
	@tests/support/lock.sh

clean: ## remove what this checkout built (the caches stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
