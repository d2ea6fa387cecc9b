# Strand: `make run` runs the engine on a year of real shopping history, `make test` runs every check.
# Both set up what they need in .venv; only Python 3.11 or newer and make must be there.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
SLOWEST := --durations=10
# Twice the cores: half of a long test's time is waiting, for brokers and other processes.
PROCESSES := -n 4 --dist worksteal
# The hundreds of processes that tests start read compiled modules.
unexport PYTHONDONTWRITEBYTECODE
# As `strand` does for itself: NumPy's threads for linear algebra would cost each of those processes 60 ms of a core.
export OPENBLAS_NUM_THREADS := 1
MINUTES ?= 10
NODES ?= 1
AT_ONCE ?= 2

.PHONY: help setup run test test-fast checks soak chaos chaos-kafka chaos-kafka-short bench quix kafka-up kafka-down lock clean

help: ## list these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with every pinned dependency and this project in it

# The first interpreter that is new enough; asked only when the environment is made.
$(READY): requirements.lock pyproject.toml
	@for python in python3 python3.11 python3.12 python3.13; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Strand needs Python 3.11 or newer; found $$(python3 --version 2>&1 || echo none)." >&2; \
	  echo "Operator action: install python3.11 (with its venv module) and run make again." >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$($$found --version), about a minute the first time"; \
	$$found -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## run the grocery example: a year of real history in, personalised messages out
	@$(BIN)/python -m examples.grocery

test: checks ## run every check: style, types, layers, tidiness, docs, tests
	@$(BIN)/python -m pytest $(PROCESSES) -m "not soak" $(SLOWEST)

test-fast: $(READY) ## the tests that answer in half a minute
	@$(BIN)/python -m pytest -q -n 2 -m "not slow and not soak"

checks: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

soak: $(READY) ## minutes of random rulebooks, and the whole grocery year in every way it can be run
	@$(BIN)/python -m pytest $(PROCESSES) -m soak $(SLOWEST)

chaos: $(READY) ## kills and power cuts for MINUTES=10, added up in bench/chaos-results.jsonl
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES)

chaos-kafka: $(READY) ## strike workers and NODES=1 or 3 brokers for MINUTES=10, added up in bench/
	@$(BIN)/python -m tests.chaos_kafka --minutes $(MINUTES) --events 100000 --nodes $(NODES) --at-once $(AT_ONCE)

chaos-kafka-short: $(READY) ## six short trials on Kafka, each of another fault
	@$(BIN)/python -m tests.chaos_kafka --trials 6 --short --at-once $(AT_ONCE)

bench: $(READY) ## measure the engine against floors of the same run, into bench/results.md
	@$(BIN)/strand bench

# It wants older releases of libraries that the engine uses, so it is not in the lock.
quix: $(READY) ## an environment of its own in .quix with the peer that `strand bench kafka` compares with
	@$(BIN)/python -m venv .quix
	@.quix/bin/python -m pip install --quiet --disable-pip-version-check quixstreams==3.28.1

kafka-up: $(READY) ## a Kafka of NODES=1 or 3 here (Java, Maven), unless KAFKA_BOOTSTRAP names one
	@$(BIN)/python -m deploy.kafka up --nodes $(NODES)

kafka-down: $(READY) ## stop it; its topics stay
	@$(BIN)/python -m deploy.kafka down

lock: $(READY) ## pin the newest versions that pyproject.toml allows (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
	@echo hatchling | uv pip compile pyproject.toml - --extra kafka --extra s3 --constraint requirements.lock \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  --output-file deploy/requirements.lock

clean: ## remove the environment, caches and the example's workspace
	@rm -rf $(VENV) .quix .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@rm -rf examples/*/workspace
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
