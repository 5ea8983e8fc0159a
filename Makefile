# Each target installs what it needs; Python >= 3.11 and make are all that must be there.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
DEMO := demo
TEST ?=
# for the tables: your dataset (without one, a synthetic one of the paper's size is made), full or cpu, more words
DATA ?= data/paper
SCALE ?= full
RUNS ?= runs
ARGS ?=
TABLES := comparison ablation_energy ablation_fusion ablation_head paper
STUDIES := ablation_representation ablation_augmentation ablation_kan_basis ablation_tower ablation_speed fusion_zoo crossval

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all lint format bench gpu tables studies $(TABLES) $(STUDIES) page dashboard clean

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
	$(BIN)/python -m oresort.sort ckpt=builtin out=$(DEMO)/first \
		low=$(DEMO)/data/scan_1_low.tiff high=$(DEMO)/data/scan_1_high.tiff
	rm -rf $(DEMO)/runs
	$(BIN)/python -m oresort.train +experiment=demo data.root=$(DEMO)/data out=$(DEMO)/runs/0
	$(BIN)/python -m oresort.report runs=$(DEMO)/runs
	$(BIN)/python -m oresort.explain ckpt=$(DEMO)/runs/0/checkpoints/best.ckpt data.root=$(DEMO)/data out=$(DEMO)/why \
		pairs=60 gallery=3 steps=16 curves=20 controls=[random]
	$(BIN)/python -m oresort.sort ckpt=$(DEMO)/runs/0/checkpoints/best.ckpt out=$(DEMO)/sorted \
		low=$(DEMO)/data/scan_1_low.tiff high=$(DEMO)/data/scan_1_high.tiff report=true
	$(BIN)/python -m oresort.evaluate ckpt=$(DEMO)/runs/0/checkpoints/best.ckpt data.root=$(DEMO)/data \
		out=$(DEMO)/evaluated page=true explained=$(DEMO)/why
	@echo "look at $(DEMO)/evaluated/report.html and $(DEMO)/sorted/report.html"

test: install ## run the tests on two cores (TEST="-k name" chooses)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --hypothesis-profile=ci $(TEST)

test-all: install ## run the slow tests as well
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TEST)

lint: install ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## speed of models, loader, training, simulator, scan chain, streams and help
	for file in models seeds loader million training sweep simulator scan sorter lookers runtime stream zoo help; do $(BIN)/python benchmarks/$$file.py || exit 1; done

gpu: install ## what a GPU makes of it, in 6 minutes: peak, right steps, pairs/s, 200 epochs (gpu.json; ARGS="--device cpu --tiny")
	$(BIN)/python benchmarks/gpu.py $(ARGS)

data/paper/manifest.csv: | install
	$(BIN)/python -m oresort.simulate preset=paper out=data/paper

# the report is made even when a job failed, and says which; the exit code is the sweep's
$(TABLES) $(STUDIES): install $(if $(filter data/paper,$(DATA)),data/paper/manifest.csv)
	$(BIN)/python -m oresort.train +experiment=$@ data.root=$(DATA) scale=$(SCALE) out=$(RUNS)/$@ $(ARGS); \
		code=$$?; $(BIN)/python -m oresort.report runs=$(RUNS)/$@ page=true && exit $$code

tables: ## the paper's tables: make tables DATA=DIR SCALE=cpu (or one: make ablation_fusion)
	$(MAKE) -k $(TABLES)

studies: ## our own: representations, augmentations, bases, all fusions
	$(MAKE) -k $(STUDIES)

page: install ## all studies of experiments/ as one page, page/report.html
	$(BIN)/python -m studies.index

dashboard: install ## the W&B workspace of experiments as dashboard.json: make dashboard ENTITY=NAME
	$(BIN)/python -m oresort.dashboard entity=$(or $(ENTITY),$(error make dashboard ENTITY=NAME, your user or team of W&B))

clean: ## remove the environment, the demo and the caches
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache
