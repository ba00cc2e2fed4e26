# `make run` and `make test` do everything they need, on a machine with python3 and make.

PYTHON ?= python3
BIN := .venv/bin
LIVESYNC_HOME ?= $(CURDIR)/.livesync

.PHONY: run test setup lint prove bench clean

setup: .venv/ready

.venv/ready: pyproject.toml setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 13) else "LiveSync needs Python 3.11, 3.12 or 3.13; this is %d.%d. Say which: make PYTHON=python3.12 ..." % v[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python lacks venv. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

run: setup
	@EXTERNAL_SYNC_ENABLED=$${EXTERNAL_SYNC_ENABLED:-true} LIVESYNC_HOME="$(LIVESYNC_HOME)" \
		$(BIN)/livesync up --sandbox examples/livesync.yaml examples/sandbox.yaml

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What holds the tests themselves to account, the tests of the longest benchmarks, months of row
# versions that are cleaned away, and what waits for Dagster's backfill daemon (a look in 30 s), are
# for `make prove`.
LONG := livesync_pipelines_tests/proof/test_mutants.py \
	livesync_pipelines_tests/cli/test_up_again.py \
	livesync_pipelines_tests/engine/test_row_cleaning.py \
	$(patsubst %,livesync_pipelines_tests/benchmarks/test_%.py,burst content gate old quiet webhooks)

test: lint
	$(BIN)/python -m pytest $(LONG:%=--ignore=%)

# Generated histories from a seed, every fault at every step, and everything that is killed or
# broken on purpose. A history that fails prints the line that keeps it for `make test`. Then more
# than 100,000 generated rows, merged and held to what every merge must keep to.
prove: setup
	@seed=$${SEED:-$$(date +%s)}; echo "make prove SEED=$$seed HISTORIES=$${HISTORIES:-300}"; \
		LIVESYNC_PROVE=$${HISTORIES:-300} $(BIN)/python -m pytest -n 0 -s -p no:cacheprovider \
		--hypothesis-seed=$$seed -k whatever_happens livesync_pipelines_tests/proof/test_machine.py && \
		LIVESYNC_PROVE=1 $(BIN)/python -m pytest -n 0 -s -p no:cacheprovider \
		--hypothesis-seed=$$seed livesync_pipelines_tests/core/test_row_merge.py
	LIVESYNC_PROVE=1 $(BIN)/python -m pytest -n 0 -s -v livesync_pipelines_tests/proof \
		livesync_pipelines_tests/scenarios livesync_pipelines_tests/engine/test_file_sync.py $(LONG)

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .livesync .pytest_cache .mypy_cache .ruff_cache .hypothesis
