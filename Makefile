# Casebind: two commands matter, `make app` and `make test`. Both set everything up first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PORT   ?= 8501
# Extra flags for pip, e.g. PIP_FLAGS="--find-links DIR" where a CPU wheel of PyTorch is kept.
PIP_FLAGS ?=
# What a check of the lint is run by.
BESIDE :=
# Processes of tests find what others compiled: each imports the engine, and compiling it takes longer than running it.
export PYTHONDONTWRITEBYTECODE :=
# Where the walks through the app leave their screenshots.
export CASEBIND_ARTEFACTS ?= $(CURDIR)/artefacts

.PHONY: help setup app install federation test test-fast every-test lint style types imports demo browser hospital sbom clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) ## create .venv with everything (instant the second time)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile $(PIP_FLAGS) "torch==2.13.*"
	$(BIN)/python -m pip install --quiet --no-compile $(PIP_FLAGS) --editable ".[test,cluster,ocr]"
	@# pip would compile on one processor, and the packages' own tests with the rest
	@$(BIN)/python -m compileall -qq --workers 0 -x '/tests?/' $(VENV)/lib || true
	@touch $(STAMP)

app: setup ## run the app on the shipped workspace at http://localhost:8501
	$(BIN)/casebind demo --if-missing
	$(BIN)/python serve.py --server.port $(PORT)

install: ## what a server needs and no more, into .venv (docs/deploy.md)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile $(PIP_FLAGS) "torch==2.13.*"
	$(BIN)/python -m pip install --quiet --no-compile $(PIP_FLAGS) --editable .
	@$(BIN)/python -m compileall -qq --workers 0 -x '/tests?/' $(VENV)/lib || true
	$(BIN)/python -m compileall -q engine pages app.py serve.py

FLOWER := .venv-federation
federation: $(FLOWER)/.installed ## Flower in an environment of its own, for hospitals that learn together (docs/federation.md)

$(FLOWER)/.installed:
	$(PYTHON) -m venv $(FLOWER)
	$(FLOWER)/bin/python -m pip install --quiet $(PIP_FLAGS) "flwr>=1.42,<1.43" "numpy>=2,<3"
	@touch $@

demo: setup ## rebuild the shipped workspace from data/demo
	$(BIN)/casebind demo

browser: ## install Debian's chromium for the browser tests, once
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "installing chromium for the browser tests"; SUDO=$$( [ $$(id -u) = 0 ] || echo sudo ); \
	    $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

# Debian starts Orthanc's service by itself, on every interface, unless policy-rc.d refuses.
POLICY := /usr/sbin/policy-rc.d
hospital: ## install Debian's Orthanc and dcmtk for the tests of the archive, once, as root
	@command -v Orthanc >/dev/null && command -v storescu >/dev/null || { [ $$(id -u) = 0 ] || { echo "run make hospital as root"; exit 1; }; \
	  [ -e $(POLICY) ] || { printf '#!/bin/sh\nexit 101\n' > $(POLICY); chmod +x $(POLICY); trap 'rm -f $(POLICY)' EXIT; }; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends orthanc orthanc-dicomweb dcmtk >/dev/null; }

lint: setup ## ruff, mypy and the import contract
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types style imports

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BESIDE) $(BIN)/mypy

imports: setup
	$(BESIDE) $(BIN)/lint-imports --no-cache

# One of three processes waits for its browser, so three run on two cores; each computes on one thread, as threads would
# only wait. Files are taken in the order of tests/conftest.py, the long ones first.
ON_TWO_CORES := -n 3 --dist loadfile --no-loadscope-reorder

# The lint takes what the tests leave of the processors: whatever of it fails is printed at once, and make fails in the end.
test: ## set up, then lint and run every test, on two cores
	@$(MAKE) --no-print-directory --jobs 2 --output-sync setup browser federation
	@$(MAKE) --no-print-directory --jobs 4 BESIDE="nice -n 15" style imports types every-test

every-test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ON_TWO_CORES)

test-fast: setup lint ## the quick tests: no browser, no training, no clusters
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ON_TWO_CORES) -m "not browser and not slow"

# The tool has an environment of its own, so that it is not among what it lists.
sbom: ## list every installed package with version, licence and digest: build/sbom.cdx.json (CycloneDX)
	@test -x $(BIN)/python || { echo "run make install or make setup first"; exit 1; }
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/python -m pip install --quiet $(PIP_FLAGS) "cyclonedx-bom>=7,<8"
	build/sbom/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible \
	  --output-format JSON --output-file build/sbom.cdx.json
	@echo build/sbom.cdx.json

clean: ## remove the environment and caches (never a workspace)
	rm -rf $(VENV) $(FLOWER) artefacts .pytest_cache .mypy_cache .ruff_cache *.egg-info
