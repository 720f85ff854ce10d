# The two commands of a newcomer: make demo, make test. Every target makes what it needs.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
TESTS ?= -n 2 --dist loadfile

.PHONY: demo setup dev test lint reproduce oracle bench figures catalogue clean

demo: setup  ## round robin of the learners on four games, into runs/demo
	$(BIN)/shaping tournament --out runs/demo

setup: .venv/.setup  ## .venv with the `shaping` command

dev: .venv/.dev  ## .venv with what the tests and linters need besides

.venv/.setup: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python of at least 3.11 was found; install one, or name it: make PYTHON=/path/to/python3."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.dev: .venv/.setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

test: dev  ## the whole suite, six to twelve minutes on two cores
	$(BIN)/python -m pytest -p no:benchmark -m 'not slow and not oracle' $(TESTS)

lint: dev  ## format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

reproduce: dev  ## the long reproductions of published numbers
	$(BIN)/python -m pytest -p no:benchmark -m slow

oracle: dev  ## comparisons with lrsnash (Debian's lrslib) and quantecon, each in a process of its own
	test -x .venv-oracle/bin/python || { $(PYTHON) -m venv .venv-oracle && .venv-oracle/bin/python -m pip install --quiet quantecon; }
	ORACLE_PYTHON=$(CURDIR)/.venv-oracle/bin/python $(BIN)/python -m pytest -p no:benchmark -m oracle

bench: dev  ## speed per CPU-second, compile time apart
	$(BIN)/python -m pytest benchmarks -p no:xdist --benchmark-timer=time.process_time

figures: setup  ## every figure with the settings of its paper, into runs/figures
	$(BIN)/python -m paper_figs make --preset paper

catalogue: setup  ## docs/catalogue.md from the registries
	$(BIN)/python docs/catalogue.py > docs/catalogue.md

clean:  ## everything made here but the results under runs
	rm -rf .venv .venv-oracle .jax_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
