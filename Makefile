# make demo and make test are all that a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
# Our own modules are compiled once, not at every start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup lock check
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(VENV)/.done ## the Python environment, from the lock

$(VENV)/.done: requirements.lock pyproject.toml
	@tests/support/setup-python.sh
	@touch $@

lock: setup ## compile the lock files anew from pyproject.toml
	@tests/support/lock.sh

check: setup ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
