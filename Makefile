# Every target explains itself: `make help`.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
BENCH := .make/bench
BENCH_INSTALL := $(BENCH)/bin/python -m pip --disable-pip-version-check install -qq
PEERS := .make/bench-serving
JUDGES := .make/judges
JUDGES_INSTALL := $(JUDGES)/bin/python -m pip --disable-pip-version-check install -qq
PYTHON ?= python3
PACKAGES := libs/common libs/engine services/dispatch-api services/rl-inference services/standalone
EDITABLE := $(foreach package,$(PACKAGES),-e $(package))
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --constraint constraints.txt
NO_PACKAGES := { echo "The packages could not be installed; pip's message is above. Is the package index reachable?" >&2; exit 1; }
MANIFESTS := constraints.txt VERSION $(foreach package,$(PACKAGES),$(package)/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-bench judges run test test-bench test-judges coverage check format bench-engine bench-api bench-continuity bench-day bench-days bench-fair-shares bench-running-day bench-fairness bench-online bench-optimal bench-patients bench-relay bench-serving chaos-short chaos lock revision fuzz-api openapi settings-docs asyncapi golden-events rich-optima clean

help:  ## show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("ATMR Dispatch needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

# The engine comes first, so that its search is compiled on one core while pip works on the other.
$(VENV)/.runtime: $(VENV)/bin/python $(MANIFESTS)
	@echo "Installing ATMR Dispatch into $(VENV) (about a minute the first time) ..."
	@$(INSTALL) hatchling editables || $(NO_PACKAGES)
	@$(INSTALL) --no-build-isolation -e libs/engine || $(NO_PACKAGES)
	@$(BIN)/atmr-engine warmup >/dev/null 2>&1 & compiling=$$!; \
	$(INSTALL) --no-build-isolation $(EDITABLE) || $(NO_PACKAGES); \
	wait $$compiling || echo "The optimiser could not be compiled ahead; it will be when it is first used." >&2
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.txt
	@$(BIN)/atmr-engine warmup --fleet >/dev/null 2>&1 & compiling=$$!; \
	$(INSTALL) --requirement requirements-dev.txt || $(NO_PACKAGES); \
	wait $$compiling || true
	@touch $@

setup: $(VENV)/.runtime  ## make the environment that runs the product (.venv)

setup-dev: $(VENV)/.development  ## the same plus the tools for tests and checks

# Apart from .venv: ortools needs an older protobuf than the tools for tests do.
$(BENCH)/.installed: $(VENV)/bin/python $(MANIFESTS) requirements-bench.txt
	@echo "Installing the engine's peers into $(BENCH) ..."
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH_INSTALL) --constraint constraints.txt hatchling editables hypothesis pytest || $(NO_PACKAGES)
	@$(BENCH_INSTALL) --constraint constraints.txt --no-build-isolation -e libs/engine || $(NO_PACKAGES)
	@$(BENCH_INSTALL) --requirement requirements-bench.txt || $(NO_PACKAGES)
	@touch $@

# Apart again: MLServer wants an older uvloop than the product has.
$(PEERS)/.installed: $(VENV)/bin/python requirements-bench-serving.txt
	@echo "Installing the peers of rl-inference into $(PEERS) ..."
	@$(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install -qq --requirement requirements-bench-serving.txt || $(NO_PACKAGES)
	@touch $@

setup-bench: $(BENCH)/.installed  ## the engine and the solvers that it is compared with, in .make/bench

# Apart from .venv: tritonclient and kserve need older packages than the product has.
$(JUDGES)/.installed: $(VENV)/bin/python $(MANIFESTS) requirements-judges.txt
	@echo "Installing the clients that judge rl-inference into $(JUDGES) ..."
	@$(BIN)/python -m venv $(JUDGES)
	@$(JUDGES_INSTALL) --constraint constraints.txt hatchling editables pytest pytest-asyncio || $(NO_PACKAGES)
	@$(JUDGES_INSTALL) --constraint constraints.txt --no-build-isolation -e libs/common -e services/rl-inference || $(NO_PACKAGES)
	@$(JUDGES_INSTALL) --requirement requirements-judges.txt || $(NO_PACKAGES)
	@touch $@

judges: $(JUDGES)/.installed  ## rl-inference and the clients that judge it, in .make/judges

run: setup  ## start everything on embedded parts, with a demo company and its planned day
	@exec $(BIN)/atmr demo

test: setup-dev  ## set-up and all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: setup-dev  ## lint, types, imports, size budget, OpenAPI and Alembic drift
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy libs/*/src services/*/src
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture tests/contract
	
format: setup-dev  ## let ruff write the code's layout
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-engine: setup  ## the engine beside its peers (setup-bench) on benchmark sets, hours: BENCH_ARGS=--help
	@$(if $(wildcard $(BENCH)/.installed),$(BENCH),$(VENV))/bin/python -m atmr_engine.bench $(BENCH_ARGS)

test-bench: setup-bench  ## the tests of the benchmark with its peers, which make test skips
	PYTHONPATH=tests $(BENCH)/bin/python -m pytest -c /dev/null --rootdir . --noconftest --import-mode=importlib -W error -q libs/engine/tests/test_bench_*.py

test-judges: judges  ## Triton's and KServe's own clients against rl-inference, which make test skips
	PYTHONPATH=tests $(JUDGES)/bin/python -m pytest -c /dev/null --rootdir . --noconftest --import-mode=importlib -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function -q services/rl-inference/tests/test_judge_*.py

bench-day: setup  ## the Geneva operator's day times ten, planned through the API: wall seconds
	$(BIN)/python tests/benchmarks/day_through_api.py

bench-days: setup  ## planned days driven under noise, by policy and slack: on time, late, unserved (BENCH_ARGS="--days 5")
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/executed_days.py $(BENCH_ARGS)

bench-fair-shares: setup  ## what it costs to share the working minutes out evenly: spread and cost by weight
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/fair_shares.py $(BENCH_ARGS)

bench-continuity: setup  ## a month of standing orders: drivers per patient, spread of the pickups, cost
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/continuity.py $(BENCH_ARGS)

bench-running-day: setup  ## 10,000 events on running days: commitments, told times, what a repair of 1 s recovers
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/running_day.py $(BENCH_ARGS)

bench-api: setup-dev  ## POST /v1/bookings beside the usual SQLModel way, bare and full: ratios in one run
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/bookings_api.py $(BENCH_ARGS)

bench-online: setup-dev  ## offers of 100 duties for a booking of a day with 1,000: p50 and p99 of scan and call
	$(BIN)/python tests/benchmarks/online_insertion.py

bench-patients: setup-dev  ## searching among 50,000 patients of one company, through the API: p50 and p99
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/patient_search.py

bench-relay: setup-dev  ## the outbox relay beside an ORM relay, and into a real broker: events per CPU second
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/relay.py

bench-fairness: setup-dev  ## 50 companies' small runs at once beside one of 1,000 bookings: seconds to the plan
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/fair_runs.py

bench-serving: setup-dev $(PEERS)/.installed  ## rl-inference beside ONNX Runtime, MLServer, FastAPI and gRPC; reload, overload, INT8
	PYTHONPATH=tests $(BIN)/python -m benchmarks.serving $(BENCH_ARGS)

bench-optimal: setup-dev  ## the engine at 1 s beside the proven optima of 20 small rich days: gaps in %
	PYTHONPATH=tests $(BIN)/python -m support.rich_optimum.compare $(BENCH_ARGS)

rich-optima: setup-dev  ## prove the optima of the 20 rich days again and store them (minutes)
	PYTHONPATH=tests $(BIN)/python -m support.rich_optimum.write

chaos-short: setup-dev  ## bookings under kill -9 and bad networks, two negative controls: at most 3 minutes
	@PYTHONPATH=tests $(BIN)/python -m chaos.run --short $(CHAOS_ARGS)

chaos: setup-dev  ## the long form, every crash point and control 20 times: CHAOS_ARGS=--help
	@PYTHONPATH=tests $(BIN)/python -m chaos.run $(CHAOS_ARGS)

lock: ## remake constraints.txt from the newest releases (a new environment, then frozen)
	rm -rf .make/lock && $(PYTHON) -m venv .make/lock
	.make/lock/bin/python -m pip install --quiet hatchling editables
	.make/lock/bin/python -m pip install --quiet --no-build-isolation $(EDITABLE) --requirement requirements-dev.txt
	{ echo "# Exact versions of everything that may be installed; remade by 'make lock'."; .make/lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.txt
	rm -rf .make/lock

revision: setup-dev  ## compare the tables with the newest revision and write the next: MESSAGE="..."
	PYTHONPATH=tests $(BIN)/python -m support.revision "$(MESSAGE)"
	$(BIN)/ruff format --quiet services/*/src/*/migrations

fuzz-api: setup-dev  ## many made-up requests for every operation of the API: no 500, nothing undocumented (minutes)
	SCHEMATHESIS_EXAMPLES=$${SCHEMATHESIS_EXAMPLES:-200} $(BIN)/python -m pytest -q tests/contract/test_schemathesis*.py

openapi: setup-dev  ## write docs/openapi/*.json again
	$(BIN)/atmr openapi --out docs/openapi
	$(BIN)/atmr models openapi --out docs/openapi

settings-docs: setup-dev  ## write docs/settings.md again
	$(BIN)/atmr settings --out docs/settings.md

asyncapi: setup-dev  ## write docs/asyncapi/events.json again
	$(BIN)/atmr asyncapi --out docs/asyncapi

golden-events: setup-dev  ## write what a release says on the wire: RELEASE=0.2.0 (one that is not out)
	PYTHONPATH=tests $(BIN)/python -m support.golden_events tests/contract/golden/$(RELEASE)

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) .make .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
