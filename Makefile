# Everything a person types. `make run` needs only Python 3.11 or newer and make; all else is installed into .venv.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
RUN    := $(VENV)/.installed-run
DEV    := $(VENV)/.installed-dev
CORES  := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PIP    := $(PY) -m pip install --require-hashes --quiet --disable-pip-version-check --no-input --root-user-action=ignore

export PYTHONUNBUFFERED := 1

# A development tool: its command is called without installing its app. Tables of a first migration hold no rows to lock.
define LINT_MIGRATIONS
import tests.servers, django
from django.core.management import call_command
from django_migration_linter.management.commands.lintmigrations import Command
django.setup()
apps = ["accounts", "campaigns", "experiments", "integrations", "outreach", "prospects", "templates"]
call_command(Command(), project_root_path=".", include_apps=apps, ignore_initial_migrations=True, no_cache=True,
             quiet=["ok", "ignore"])
endef
export LINT_MIGRATIONS

.DEFAULT_GOAL := help
.PHONY: setup run test prove faults check fix bench shell help

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' Makefile

setup: $(DEV)  ## install everything, tests and tools included

run: $(RUN)  ## start Outreach: database, web, worker, schedule and the demo world
	@$(PY) manage.py run

test: $(DEV)  ## run the tests, but for the long proofs
	@$(PY) -m pytest -n $$(($(CORES) + 1)) --dist worksteal -m "not prove"

prove: $(DEV)  ## run all tests, the long proofs too, at full numbers
	@PROVE=1 $(PY) -m pytest -n auto --dist worksteal

faults: $(DEV)  ## kill workers and servers everywhere, and compare the ledger with what arrived
	@PROVE=1 $(PY) -m pytest -n auto tests/faults

check: $(DEV)  ## lint, format, types, layers, migrations, API schema
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) $(VENV)/bin/lint-imports
	@$(PY) manage.py check
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) -m pytest -q tests/test_architecture.py
	@$(PY) manage.py spectacular --fail-on-warn --validate --file /dev/null
	@DJANGO_SETTINGS_MODULE=outreach.settings LOG_LEVEL=WARNING $(PY) -c "$$LINT_MIGRATIONS"

fix: $(DEV)  ## repair what ruff can repair
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(DEV)  ## measure the hot paths against their floors
	@for name in send claim forecast import segments pages; do echo "== bench/$$name.py"; $(PY) -m bench.$$name || exit 1; done

shell: $(RUN)  ## a Python shell with Django loaded
	@$(PY) manage.py shell

# A virtual environment whose Python is gone counts as absent and is made again.
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Outreach needs Python 3.11 or newer, and $(PYTHON) is not: install it, or name one:" \
	       "make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) lacks its venv module: install it (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt | $(PY)
	@echo "Installing what Outreach needs (about a minute) ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements.txt | $(PY)
	@echo "Installing what Outreach and its tests need (about a minute) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(RUN)
