# Each target is one line that a person could type; `make help` lists them.

PYTHON ?= python3
export PYTHON

.DEFAULT_GOAL := help
.PHONY: bench bench-drift bench-ingest bench-storage bench-aggregates bench-predict help install demo status reset smoke test test-traced test-timescale lint openapi kills kills-staging weather chaos overload models-report test-browser screenshots bench-lists fuzz circuit
.PHONY: firmware firmware-rv32 firmware-fuzz firmware-coverage firmware-mutants firmware-contract firmware-nights sim

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

install: .venv/.runtime ## create .venv and install the locked packages
	@echo "installed: make demo"

demo: .venv/.runtime ## run the whole platform here, until Ctrl-C (PORT=8001 moves it)
	@.venv/bin/python manage.py demo

status: .venv/.runtime ## print the demo's addresses and passwords again
	@.venv/bin/python manage.py demo --status

reset: .venv/.runtime ## delete the demo's data and secrets
	@.venv/bin/python manage.py demo --reset

smoke: .venv/.runtime ## walk the main job on a temporary platform and say what happened
	@.venv/bin/python manage.py smoke

test: .venv/.dev ## run the tests on temporary servers, with coverage
	@.venv/bin/python -m tests.lines -n auto --maxprocesses=4 --dist worksteal

test-traced: .venv/.dev ## the same by coverage.py's tracer, which takes twice the time
	@.venv/bin/python -m pytest -n auto --maxprocesses=4 --dist worksteal --cov --cov-report=term:skip-covered

test-browser: .venv/.browser ## the console in Debian's Chromium: scenarios, every page, axe-core (skipped without)
	@.venv/bin/python -m tests.browser

screenshots: .venv/.browser ## write docs/screenshots anew from a demo of its own
	@.venv/bin/python -m tests.browser screenshots

bench-lists: .venv/.dev ## how long each list takes over a million nights, 300 ms at most (NIGHTS=1000000)
	@NIGHTS=$(or $(NIGHTS),1000000) .venv/bin/python -m pytest tests/console/test_many_nights.py -q -s

test-timescale: .venv/.dev ## the tests of storage and ingest on a real TimescaleDB, fetched for it
	@.venv/bin/python -m tests.timescale

lint: .venv/.dev ## check style, types, layers, migrations and templates
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy noctis tenants devices recordings inference mlops operations
	@.venv/bin/lint-imports
	@.venv/bin/python manage.py makemigrations --check --dry-run
	@.venv/bin/djlint --lint templates

bench: bench-ingest bench-predict ## measure ingest and staging, and hold the ratios against those kept

bench-ingest: .venv/.dev ## measure ingest as ratios to a raw COPY (JSON=file keeps the figures)
	@.venv/bin/python -m bench.ingest

bench-predict: .venv/.dev ## measure questions for stages as ratios (JSON=file keeps the figures)
	@.venv/bin/python -m bench.predict

bench-storage: .venv/.dev ## measure retention on plain and partitioned tables (EPOCHS=10000000)
	@.venv/bin/python -m bench.storage

bench-series: .venv/.dev ## bytes a night, summaries against raw rows, insertion (YEARS=1,10,100)
	@.venv/bin/python -m bench.series

image-steps: .venv/.dev ## build the image's stages in chroots and walk the main job on them (root)
	@.venv/bin/python -m tests.deploy

backup-proof: .venv/.dev ## back up beside eight writers; find a flipped byte, a changed value, a lost row
	@.venv/bin/python -m pytest -v -k "$(FOUND)" tests/operations/test_backup.py tests/operations/test_backup_refused.py

FOUND = eight_writers or one_flipped_byte or one_changed_value or one_missing_row

bench-aggregates: .venv/.dev ## measure daily summaries against continuous aggregates (needs the full TimescaleDB)
	@.venv/bin/python -m bench.aggregates

bench-drift: .venv/.dev ## how often drift is cried or missed, over 200 runs each, and its cost
	@.venv/bin/python -m bench.drift

models-report: .venv/.runtime ## judge how linear-1 is trained by people it never saw (NOCTIS_DATA_DIR=folder)
	@.venv/bin/python manage.py evaluate --leave-subjects-out

openapi: .venv/.runtime ## write the API's description, docs/openapi.json and docs/api.md
	@.venv/bin/python manage.py openapi

fuzz: .venv/.dev ## schemathesis over every operation, good and broken requests (EXAMPLES=100 of either)
	@EXAMPLES=$(or $(EXAMPLES),100) .venv/bin/python -m pytest -q -n 2 tests/noctis/test_schemathesis.py

kills: .venv/.dev ## kill workers, masters and PostgreSQL under load, and count what is lost
	@.venv/bin/python -m tests.chaos --kills 60

weather: .venv/.dev ## latency, drip, resets, cuts and partitions of a minute before both servers, and two controls
	@.venv/bin/python -m tests.chaos.network

chaos: .venv/.dev ## all of it: kills, weather, overload, and a table of what was shown (16 minutes)
	@.venv/bin/python -m tests.chaos.shown

circuit: .venv/.dev ## how fast the API refuses while the database is gone, p50, p95, p99 (CALLS=600)
	@.venv/bin/python -m tests.chaos.circuit --calls $(or $(CALLS),600)

overload: .venv/.dev ## offer three times the peak for a minute, and say what is served (SECONDS=60)
	@.venv/bin/python -m tests.chaos.overload --seconds $(or $(SECONDS),60)

kills-staging: .venv/.dev ## kill workers that stage nights (KILLS=200), and count what is lost
	@.venv/bin/python -m tests.chaos.staging --kills $(or $(KILLS),200)

firmware: ## build and test the device's core here, with sanitizers and 100,000 power cuts
	@cmake -S firmware -B firmware/build/asan -DNOCTIS_SANITIZE=ON
	@cmake --build firmware/build/asan
	@ctest --test-dir firmware/build/asan --output-on-failure

firmware-coverage: ## measure the core's lines and branches under test
	@cmake -S firmware -B firmware/build/coverage -DNOCTIS_COVERAGE=ON -DNOCTIS_REBOOTS=2000
	@cmake --build firmware/build/coverage
	@ctest --test-dir firmware/build/coverage --output-on-failure
	@$(PYTHON) firmware/tests/coverage.py

firmware-mutants: ## change the log, uploader, updates and parser line by line; the tests must notice
	@$(PYTHON) firmware/tests/mutants.py

firmware-rv32: ## run the core's tests on an emulated rv32imc and print its sizes (needs Debian packages)
	@sh firmware/tests/rv32/run.sh

firmware-fuzz: ## fuzz frames, answers, flash and manifests, a minute each (needs clang)
	@sh firmware/tests/fuzz/run.sh

firmware-contract: .venv/.dev ## the features of 100,000 random epochs in C and in Python, bit by bit
	@.venv/bin/python -m tests.contract

firmware-nights: .venv/.dev ## 50 devices x 2 nights on a stack of their own, with power cuts and network faults
	@.venv/bin/python -m tests.firmware

sim: ## build noctis-sim, nights from many devices (needs OpenSSL's headers)
	@cmake -S firmware -B firmware/build/host -DCMAKE_BUILD_TYPE=Release
	@cmake --build firmware/build/host --target noctis-sim
	@echo "built: firmware/build/host/noctis-sim"

replay-nights: .venv/.dev ## replay nights by two versions on two workers that are killed (NIGHTS=1000)
	@.venv/bin/python -m tests.chaos.replays --nights $(or $(NIGHTS),1000)

reloads: .venv/.dev ## swap models a hundred times under 200 questions a second
	@.venv/bin/python -m tests.chaos.reloads

# The stamps hold what is installed: packages are touched only when a lock file has changed.
.venv/.runtime: requirements.lock requirements-build.lock
	@sh deploy/install.sh $<
	@touch $@

.venv/.browser: requirements-browser.lock .venv/.dev
	@sh deploy/install.sh $<
	@touch $@

.venv/.dev: requirements-dev.lock requirements-build.lock
	@sh deploy/install.sh $<
	@touch .venv/.runtime $@
