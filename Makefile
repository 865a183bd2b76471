# Every target builds .venv by itself when it is missing or older than the lock file.
VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 0
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Words of an experiment from DATASET=, SEEDS=, LAUNCHER= and RUNS=; on rooms it is a small trial.
REPRODUCE = $(BIN)/python scripts/reproduce.py seed=$(SEEDS) $(if $(DATASET),dataset=$(DATASET)) \
	$(if $(LAUNCHER),launcher=$(LAUNCHER)) $(if $(RUNS),runs=$(RUNS))
COMMA := ,
small = $(if $(filter rooms,$(DATASET)),'experiment=[$(1)$(COMMA)small]',experiment=$(1))

# Words for a script from ARCHIVE=, URL= and DATA=.
FROM = $(if $(ARCHIVE),archive=$(ARCHIVE)) $(if $(URL),url=$(URL)) $(if $(DATA),data=$(DATA))

.DEFAULT_GOAL := help
.PHONY: help install test test-slow crash-test lint format lock doctor data-nyud data-pascal-context data-replica data-bsds500
.PHONY: demo weighters architectures bench bench-data bench-edges figures claims check-paper report

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 21

install: $(VENV)/installed  ## Python environment in .venv, from requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: install one, or make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

doctor: install  ## versions, GPU, datasets, weights: what a question or a bug report should say
	@$(BIN)/python scripts/doctor.py $(if $(DATA),data=$(DATA))

data-nyud: install  ## NYUD-v2 from its addresses, or ARCHIVE=FILE, or URL=ADDRESS (into DATA=FOLDER)
	@$(BIN)/python scripts/prepare_nyud.py $(FROM)

data-pascal-context: install  ## PASCAL-Context, likewise
	@$(BIN)/python scripts/prepare_pascal_context.py $(FROM)

data-replica: install  ## Replica, ARCHIVE=FOLDER of its tar files; says how to get them
	@$(BIN)/python scripts/prepare_replica.py $(FROM)

data-bsds500: install  ## BSDS500, likewise; for the edge benchmark alone
	@$(BIN)/python scripts/prepare_bsds500.py $(FROM)

demo: install  ## single-task, Uniform, Grid Search and AvgNorm on rooms, then the table and the figure (SEEDS=0,1,2)
	$(BIN)/python train.py -m experiment=demo subset=edge,semseg,depth,normals seed=$(SEEDS)
	$(BIN)/python train.py -m experiment=demo weighter=avgnorm,uniform,grid_search seed=$(SEEDS)
	$(BIN)/python scripts/table.py experiment=demo
	$(BIN)/python scripts/figure.py experiment=demo

WEIGHTERS := uniform,grid_search,uw,gradnorm,dwa,mgda,rlw,famo,pcgrad,cagrad,graddrop,nashmtl,fairgrad,avgnorm,inverse_norm,imtl_l,imtl_g,slaw,torchjd

weighters: install  ## every weighter in the demo's setting, then the table (SEEDS=0)
	$(BIN)/python train.py -m experiment=weighters subset=edge,semseg,depth,normals seed=$(SEEDS)
	$(BIN)/python train.py -m experiment=weighters weighter=$(WEIGHTERS) seed=$(SEEDS)
	$(BIN)/python train.py -m experiment=weighters weighter=url seed=$(SEEDS)
	$(BIN)/python scripts/table.py experiment=weighters

architectures: install  ## every architecture and its single-task twin on rooms, 300 steps
	$(REPRODUCE) experiment=architectures

TABLES := table2 table3 table4 table5 table6 table7 controls grid
.PHONY: $(TABLES) figure4-runs figures-runs
table2:  ## Table II, what is missing trained first (DATASET=nyud|rooms|... SEEDS=0,1,2 LAUNCHER=slurm RUNS=no); likewise
table3:  ## III
table4:  ## IV
table5:  ## V
table6:  ## VI
table7:  ## VII
controls:  ## what the paper states without numbers: claims 43, 50 and 52
grid:  ## the grid search over loss weights, and its cost beside AvgNorm's
$(TABLES): install
	@$(REPRODUCE) $(call small,$@)

figure4-runs figures-runs: %-runs: install  ## the networks of Fig. 4, and of Figs. 6 to 16
	@$(REPRODUCE) $(call small,$*)

figures: install  ## Figs. 1, 4 and 6 to 16 from results/ (FIGURES=1,4 DATASET=...); one alone: make figure7
	@$(BIN)/python scripts/figures.py $(if $(FIGURES),figures=$(FIGURES)) $(if $(DATASET),dataset=$(DATASET))

figure%: install
	@$(BIN)/python scripts/figures.py figures=$* $(if $(DATASET),dataset=$(DATASET))

claims: install  ## the paper's 52 claims, on its numbers and on ours (DATASET=rooms: rooms stands in)
	@$(BIN)/python scripts/claims.py $(if $(DATASET),dataset=$(DATASET))

check-paper: install  ## which printed Delta_m do not follow from their row
	@$(BIN)/python scripts/check_paper.py

report: install  ## one page with everything, results/report.html
	@$(BIN)/python scripts/report.py $(if $(DATASET),dataset=$(DATASET))

bench: install  ## cost of a training step at every scope and with every weighter, relative to plain uniform training
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_weighters.py

bench-edges: install  ## cost of odsF per image, beside SciPy's matching at every threshold
	$(BIN)/python scripts/bench_edges.py

bench-data: install  ## training images per second and core, with and without the cache, beside plain OpenCV
	$(BIN)/python scripts/bench_data.py

test: install  ## fast tests
	$(BIN)/python -m pytest -n 2

test-slow: install  ## tests that take minutes
	$(BIN)/python -m pytest -m slow

crash-test: install  ## kill -9 a run at random moments, twenty times; it must end the same
	$(BIN)/python -m pytest -m slow tests/test_crash.py

lint: install  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install  ## ruff, mending what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 -o requirements.lock
