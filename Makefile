# Every target sets up what it needs; a machine with Python 3.11 to 3.13 and make is enough.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo up test unit check bench chaos fuzz explore gallery bounces lock clean

VENV := .venv
BIN := $(VENV)/bin
# The stamp is younger than all that the environment is made from.
STAMP := $(VENV)/.installed
# Three processes on two cores, because many tests wait; further options: make test ARGS='-k engines'
ARGS := -n 3 --dist worksteal
# Packages whose rules are tested without an engine; rendering and printing set type, which takes longer
UNIT := tests/api tests/app tests/cases tests/delivery tests/intake tests/postal tests/returns \
	tests/rules tests/runtime tests/store tests/webhooks

help:  ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	@sh scripts/setup.sh $(VENV)
	@touch $@

setup: $(STAMP)  ## make .venv with all dependencies

demo: $(STAMP)  ## replay the incident on embedded engines and print the figures
	@$(BIN)/notifier demo

up: $(STAMP)  ## run everything in one process
	@$(BIN)/notifier up

test: $(STAMP)  ## run all tests (ARGS='…' for pytest)
	@sh scripts/packages.sh
	@$(BIN)/python -m pytest $(ARGS)

unit: $(STAMP)  ## run the tests that need no engine (what sets type apart)
	@$(BIN)/python -m pytest -n 2 -m unit $(UNIT)

check: $(STAMP)  ## format, lint, types, import rules, lengths, labels
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_lengths.py
	@$(BIN)/python scripts/check_labels.py
	@$(BIN)/python scripts/check_app.py

bench: $(STAMP)  ## measure (ONLY=name,… for some); writes var/bench/summary.json
	@sh scripts/packages.sh bench || true
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

chaos: $(STAMP)  ## 200 faults while 100,000 mails go through; writes var/chaos/summary.json
	@$(BIN)/python -m tests.chaos

fuzz: $(STAMP)  ## 100,000 broken and hostile mails through reader and record (COUNT=…, SEED=…)
	@$(BIN)/python -m tests.returns.flood $(or $(COUNT),100000) $(or $(SEED),0)

explore: $(STAMP)  ## property tests on examples that nobody has seen, many of them
	@sh scripts/packages.sh
	@$(BIN)/python -m pytest $(ARGS) -m hypothesis --hypothesis-profile=explore

gallery: $(STAMP)  ## render every notice, channel and sample into docs/gallery
	@sh scripts/packages.sh
	@$(BIN)/python -m tests.gallery

bounces: $(STAMP)  ## make the samples of real servers anew (ONLY='exim …'; needs root on Debian)
	@$(BIN)/python -m tests.returns.generate $(ONLY)

lock: $(STAMP)  ## pin all dependencies anew in requirements.lock
	@sh scripts/lock.sh $(VENV)

clean:  ## remove the environment and caches; var, which holds the record, stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -rf build dist var/demo var/bench var/chaos
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
