# Stepwell's tasks. All that is needed: Python 3.11 or newer (with venv), git and make.
#
#   make demo            a small project, a session of 75 steps over it, and the timeline
#   make test            the tests
#   make check           format, lint, layers, types, tests

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
ARGS ?=

.PHONY: help setup demo test test-long check format bench test-agents bench-hooks docs screenshots release-check clean
.DEFAULT_GOAL := help

help: ## show the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and was not found" >&2; exit 1; }
	@echo "making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# Two stamps: the demo needs no development tools, and should not wait for them.
# An editable installation comes without bytecode, and some environments let Python write none.
$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "installing stepwell"
	@$(PIP) --editable .
	@$(BIN)/python -m compileall -q store tui
	@touch $@

$(VENV)/.ready-dev: pyproject.toml | $(BIN)/python
	@echo "installing stepwell and its development tools"
	@$(PIP) --editable '.[dev]'
	@$(BIN)/python -m compileall -q store tui
	@touch $@ $(VENV)/.ready

setup: $(VENV)/.ready-dev ## make .venv and install everything into it
	@echo "ready: $(VENV)"

demo: $(VENV)/.ready ## build the demo and open it; ARGS=--no-open only prints where it is
	@$(BIN)/stepwell demo $(ARGS)

test: $(VENV)/.ready-dev ## run the tests
	@$(BIN)/python -m pytest --quiet --numprocesses auto $(ARGS)

test-long: $(VENV)/.ready-dev ## run also the tests that take minutes
	@$(BIN)/python -m pytest --quiet --numprocesses auto -m '' --timeout 3600 $(ARGS)

check: $(VENV)/.ready-dev ## format, lint, layers, types, tests
	@$(BIN)/ruff format --check --quiet . || { echo "run make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/lint-imports --no-logo
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory test

format: $(VENV)/.ready-dev ## format the code and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/.ready-dev ## measure beside other tools and write docs/benchmarks.md; QUICK=1 for a short look
	@$(BIN)/python bench/run.py $(if $(QUICK),--quick) $(ARGS)

test-agents: $(VENV)/.ready ## drive real agents from the npm registry, offline; needs Node; ARGS='claude --page'
	@$(BIN)/python bench/clients/run.py $(ARGS)

bench-hooks: $(VENV)/.ready ## measure what a hook costs an agent, beside starting Python at all
	@$(BIN)/python bench/clients/pace.py $(ARGS)

docs: $(VENV)/.ready ## write the command and key references from the program's tables
	@$(BIN)/python docs/generate.py

screenshots: $(VENV)/.ready ## draw screenshots/*.svg from the real app over the demo
	@$(BIN)/python screenshots/draw.py $(ARGS)

release-check: $(VENV)/.ready ## build the wheel, install it into an empty environment, try it
	@PYTHON=$(abspath $(BIN)/python) bash .ci/release-check

clean: ## remove what was built, not the virtual environment
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
