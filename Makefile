# Everything is made inside this folder: the virtual environment in .venv, pip's cache in .cache.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Every interpreter that a test starts would compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE
# Else pyright asks PyPI whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-sqlite test-postgresql chaos parity mutants check format lint imports types migrations budgets clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-16s %s\n", $$1, $$2}'

demo: $(INSTALLED)  ## see real work being done: a census of every Python file of this environment
	$(BIN)/python manage.py demo

test: $(INSTALLED)  ## the whole suite on SQLite, and on a real PostgreSQL 18 at the same time
	$(BIN)/python -m tests.side_by_side

test-sqlite: $(INSTALLED)  ## the suite on SQLite
	DATABASE_URL= $(BIN)/python -m pytest

test-postgresql: $(INSTALLED)  ## all that a database takes part in, on PostgreSQL: DATABASE_URL, or a server of its own
	$(BIN)/python -m tests.postgresql_server $(BIN)/python -m pytest

chaos: $(INSTALLED)  ## long storms of faults on PostgreSQL and SQLite, and longer property tests; SEED=… repeats one
	$(BIN)/python -m tests.debian pgbouncer faketime iproute2
	JOBQUEUE_EXAMPLES=300 DATABASE_URL= $(BIN)/python -m pytest tests/model tests/store/test_state_machine.py $(if $(SEED),--hypothesis-seed=$(SEED))
	JOBQUEUE_EXAMPLES=300 $(BIN)/python -m tests.postgresql_server $(BIN)/python -m pytest tests/store/test_state_machine.py tests/acceptance/test_pgbouncer.py tests/acceptance/test_clock_skew.py tests/acceptance/test_hosts.py $(if $(SEED),--hypothesis-seed=$(SEED))
	$(BIN)/python -m tests.chaos --database postgresql --clocks 1 -1 $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.chaos --database postgresql --pgbouncer --seconds 60 --jobs 6000 --doomed 5 $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.chaos --database sqlite $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.chaos.soak --database postgresql
	$(BIN)/python -m tests.chaos.soak --database sqlite

parity: $(INSTALLED)  ## every promise of docs/parity.md, by the tests that prove it
	$(BIN)/python -m tests.parity

mutants: $(INSTALLED)  ## faults put into core, store and service, one at a time: which does no test notice?
	nice $(BIN)/python -m tests.mutants $(PACKAGES)

check: lint imports types migrations budgets test  ## the one gate: everything below, and the tests

format: $(INSTALLED)  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(INSTALLED)  ## formatting and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

imports: $(INSTALLED)  ## the layers: who may import whom
	$(BIN)/lint-imports --cache-dir .cache/import_linter

types: $(INSTALLED)  ## mypy strict, with django-stubs, and pyright
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

migrations: $(INSTALLED)  ## no model differs from its migrations
	$(BIN)/python manage.py makemigrations --check --dry-run

budgets: $(INSTALLED)  ## files of at most 300 lines, functions of at most 30
	$(BIN)/python -m tests.budgets

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: run 'make PYTHON=python3.12 …'"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module: on Debian, 'apt-get install python3-venv'"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[dev]' $(EXTRA_REQUIREMENTS)
	@touch $@

clean:  ## remove what make made
	rm -rf .venv* .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(CURDIR) -name __pycache__ -prune -exec rm -rf {} +
	rm -rf example_project/db.sqlite3* example_project/reports
