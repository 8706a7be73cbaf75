# Casebind: two commands matter, `make app` and `make test`. Both set everything up first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PORT   ?= 8501
# Extra flags for pip, e.g. PIP_FLAGS="--find-links DIR" where a CPU wheel of PyTorch is kept.
PIP_FLAGS ?=
# Where the walks through the app leave their screenshots.
export CASEBIND_ARTEFACTS ?= $(CURDIR)/artefacts

.PHONY: help setup app test test-fast lint style types imports demo browser clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) ## create .venv with everything (instant the second time)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --upgrade pip
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) "torch==2.13.*"
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --editable ".[test,cluster]"
	@touch $(STAMP)

app: setup ## run the app on the shipped workspace at http://localhost:8501
	$(BIN)/casebind demo --if-missing
	$(BIN)/python serve.py --server.port $(PORT)

demo: setup ## rebuild the shipped workspace from data/demo
	$(BIN)/casebind demo

browser: ## install Debian's chromium for the browser tests, once
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "installing chromium for the browser tests"; SUDO=$$( [ $$(id -u) = 0 ] || echo sudo ); \
	    $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

lint: setup ## ruff, mypy and the import contract
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types style imports

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

# One of three processes waits for its browser, so three run on two cores; each computes on one thread, as threads would
# only wait. Files are taken in the order of tests/conftest.py, the long ones first.
ON_TWO_CORES := -n 3 --dist loadfile --no-loadscope-reorder

test: ## set up and run every test, on two cores
	@$(MAKE) --no-print-directory --jobs 2 --output-sync setup browser
	@$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ON_TWO_CORES)

test-fast: setup lint ## the quick tests: no browser, no training, no clusters
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ON_TWO_CORES) -m "not browser and not slow"

clean: ## remove the environment and caches (never a workspace)
	rm -rf $(VENV) artefacts .pytest_cache .mypy_cache .ruff_cache *.egg-info
