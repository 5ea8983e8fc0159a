# Each target installs what it needs; Python >= 3.11 and make are all that must be there.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
DEMO := demo
TEST ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all lint format bench paper clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python >= 3.11 found; install one, or give it as PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) has no venv; install it (Debian: python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(VENV)/installed ## make the virtual environment (a few minutes, about 6 GB)

demo: install ## simulate, train, report and sort a scan, in minutes (results in demo/)
	$(BIN)/python -m oresort.simulate out=$(DEMO)/data pairs=2400 scans=1 seed=0 overwrite=true
	rm -rf $(DEMO)/runs
	$(BIN)/python -m oresort.train +experiment=demo data.root=$(DEMO)/data out=$(DEMO)/runs/0
	$(BIN)/python -m oresort.evaluate ckpt=$(DEMO)/runs/0/checkpoints/best.ckpt data.root=$(DEMO)/data
	$(BIN)/python -m oresort.report runs=$(DEMO)/runs
	$(BIN)/python -m oresort.sort ckpt=$(DEMO)/runs/0/checkpoints/best.ckpt out=$(DEMO)/sorted \
		low=$(DEMO)/data/scan_1_low.tiff high=$(DEMO)/data/scan_1_high.tiff
	@echo "look at $(DEMO)/sorted/overlay.png"

test: install ## run the tests (TEST="-k name" to choose)
	$(BIN)/python -m pytest -m "not slow" $(TEST)

test-all: install ## run the slow tests as well
	$(BIN)/python -m pytest $(TEST)

lint: install ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## speed of the models and of the loader
	$(BIN)/python benchmarks/models.py
	$(BIN)/python benchmarks/loader.py

paper: install ## the paper's own choices, three seeds: make paper DATA=DIR
	@test -n "$(DATA)" || { echo "error: make paper DATA=DIR, the dataset's folder"; exit 1; }
	$(BIN)/python -m oresort.train +experiment=paper data.root=$(DATA)

clean: ## remove the environment, the demo and the caches
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache
