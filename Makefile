# Every target creates .venv if it is missing or made from another lock file.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# key=value from a variable that is set, as one word for the shell even with spaces: $(call given,data,DATA).
given = $(if $(value $(2)),'$(1)=$(subst ','\'',$(value $(2)))')
WHERE = $(call given,dataset,DATASET) $(call given,results,RESULTS)
FROM = $(call given,archive,ARCHIVE) $(call given,url,URL) $(call given,data,DATA)

# Words of an experiment; on rooms, a small trial. WORDS= has any others of train.py; a space inside one is written "\ ".
REPRODUCE = $(BIN)/python scripts/reproduce.py $(call given,seed,SEEDS) $(WHERE) $(call given,data,DATA) \
	$(call given,launcher,LAUNCHER) $(call given,runs,RUNS) $(call given,device,DEVICE) $(call given,workers,WORKERS) \
	$(call given,recipe.precision,PRECISION) $(call given,recipe.compile,COMPILE) $(MORE)
MORE = $(subst ␣, ,$(patsubst %,'%',$(subst ','\'',$(subst \ ,␣,$(value WORDS)))))
COMMA := ,
small = $(if $(filter rooms,$(DATASET)),'experiment=[$(1)$(COMMA)small]',experiment=$(1))

.DEFAULT_GOAL := help
.PHONY: help install environment editable test test-slow test-wheel test-lowest test-newest crash-test gpu-check lint format lock docs doctor data-nyud data-pascal-context data-replica data-camvid data-bsds500
.PHONY: demo weighters architectures bench bench-train bench-data bench-edges figures claims check-paper report

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 21

# The environment is made again if the text of the lock file has changed, not if git has written it again.
install:  ## Python environment in .venv, from requirements.lock
	@cmp -s requirements.lock $(VENV)/requirements.lock || $(MAKE) --no-print-directory environment
	@{ pwd; cat pyproject.toml; } | cmp -s - $(VENV)/editable || $(MAKE) --no-print-directory editable

environment:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: install one, or make PYTHON=/path/to/python3.12"; exit 1; }
	@test ! -L $(VENV) || { echo "$(VENV) is a link, and its target would be emptied: remove the link, or make VENV=FOLDER"; exit 1; }
	@test ! -e $(VENV) || test -f $(VENV)/pyvenv.cfg || { echo "$(VENV) is not a Python environment, and would be emptied: make VENV=FOLDER"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@cp requirements.lock $(VENV)/

editable:
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@{ pwd; cat pyproject.toml; } > $(VENV)/editable

doctor: install  ## versions, GPU, datasets, weights: include it in a question or a bug report
	@$(BIN)/python scripts/doctor.py $(call given,data,DATA)

data-nyud: install  ## download NYUD-v2, or use ARCHIVE=FILE or URL=ADDRESS (into DATA=FOLDER)
	@$(BIN)/python scripts/prepare_nyud.py $(FROM)

data-pascal-context: install  ## the same for PASCAL-Context
	@$(BIN)/python scripts/prepare_pascal_context.py $(FROM)

data-replica: install  ## Replica from ARCHIVE=FOLDER with its tar files; without it, says how to get them
	@$(BIN)/python scripts/prepare_replica.py $(FROM)

data-camvid: install  ## the same for CamVid, which the paper does not use
	@$(BIN)/python scripts/prepare_camvid.py $(FROM)

data-bsds500: install  ## the same for BSDS500, which only the edge benchmark uses
	@$(BIN)/python scripts/prepare_bsds500.py $(FROM)

demo:  ## single-task, Uniform, Grid Search and AvgNorm on rooms, then the table and the figure (SEEDS=0,1,2)
weighters:  ## every weighter in the setting of the demo, then the table (SEEDS=0,1,2)
architectures:  ## every architecture and its single-task counterpart on rooms, 300 steps
demo weighters architectures: install
	@$(REPRODUCE) experiment=$@

TABLES := table2 table3 table4 table5 table6 table7 controls grid
.PHONY: $(TABLES) study-rooms study-camvid search-rooms search-camvid long-rooms longest-rooms adam-rooms figure4-runs figures-runs
table2:  ## Table II, training missing runs first (DATASET=nyud|rooms|... SEEDS=0,1,2 LAUNCHER=slurm RUNS=no|plan WORDS=...); the same for
table3:  ## III
table4:  ## IV
table5:  ## V
table6:  ## VI
table7:  ## VII
controls:  ## claims that the paper states without numbers: 43, 50 and 52
grid:  ## the grid search over loss weights, and its cost compared with AvgNorm
$(TABLES): install
	@$(REPRODUCE) $(call small,$@)

ROOMS := study_rooms_nyud mtan_rooms_nyud study_rooms_pascal study_rooms_replica
study-rooms: install  ## the studies on rooms, from the records in results/records; missing runs are trained (RUNS=no: none)
	@status=0; for study in $(ROOMS); do $(REPRODUCE) experiment=$$study || status=1; done; exit $$status

study-camvid search-rooms search-camvid long-rooms longest-rooms adam-rooms: install
	@$(REPRODUCE) experiment=$(patsubst %-rooms,%_rooms_nyud,$(patsubst %-camvid,%_camvid,$@))
study-camvid:  ## the study on photographs, likewise
search-rooms:  ## the loss weights that study-rooms uses, searched on validation images
search-camvid:  ## likewise for study-camvid
long-rooms:  ## what six times the steps of study-rooms change
longest-rooms:  ## what 24 times the steps change
adam-rooms:  ## whether the scale of the weights matters, and Adam's memory

figure4-runs figures-runs: %-runs: install  ## the networks of Fig. 4, and of Figs. 6 to 16
	@$(REPRODUCE) $(call small,$*)

figures: install  ## Figs. 1, 4 and 6 to 16 from results/ (FIGURES=1,4 DATASET=...); one alone: make figure7
	@$(BIN)/python scripts/figures.py $(call given,figures,FIGURES) $(WHERE)

figure5: install  ## Fig. 5, labels without and with noise, on rooms or DATASET=replica
	@$(BIN)/python scripts/show_samples.py dataset=$(or $(DATASET),rooms_replica) dataset.noise=pixel clean=yes \
		$(call given,data,DATA) out=$(or $(RESULTS),results)/figures/figure5.png

figure%: install
	@$(BIN)/python scripts/figures.py figures=$* $(WHERE)

claims: install  ## the 52 claims of the paper, on its numbers and on ours (DATASET=rooms or camvid: on the studies there)
	@$(BIN)/python scripts/claims.py $(WHERE)

check-paper: install  ## printed values of Delta_m that do not follow from their row
	@$(BIN)/python scripts/check_paper.py $(call given,results,RESULTS)

report: install  ## one page with everything, results/report.html
	@$(BIN)/python scripts/report.py $(WHERE)

bench: install  ## cost of a training step at every scope and with every weighter, relative to plain uniform training
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_weighters.py

bench-train: install  ## images per second, memory and phases of a training step, by architecture (DEVICE=cpu: smaller)
	$(BIN)/python scripts/bench_train.py $(call given,device,DEVICE)

bench-edges: install  ## cost of odsF per image, compared with SciPy's matching at each threshold
	$(BIN)/python scripts/bench_edges.py

bench-data: install  ## training images per second and core, with and without the cache, compared with plain OpenCV
	$(BIN)/python scripts/bench_data.py

docs: install  ## the documentation as a site that works offline, site/index.html
	@$(BIN)/python -c "import mkdocs, material, mkdocstrings_handlers.python" 2>/dev/null || $(BIN)/python -m pip install --quiet -e '.[docs]'
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

test: install  ## fast tests
	$(BIN)/python -m pytest -n 2 --dist worksteal  # neighbours share a process, and what it has made for them

test-slow: install  ## tests that take minutes
	$(BIN)/python -m pytest -m slow

test-wheel: install  ## build the wheel, and train, evaluate and predict with it in another folder
	$(BIN)/python -m pytest -m "slow or not slow" tests/test_wheel.py

test-lowest:  ## fast tests with the lowest versions that pyproject.toml allows, in .venv-lowest (needs uv)
	uv venv --allow-existing --python $(PYTHON) .venv-lowest
	uv pip install --python .venv-lowest/bin/python --resolution lowest-direct -e '.[dev]'
	.venv-lowest/bin/python -m pytest -n 2

test-newest:  ## fast tests with the newest versions that pyproject.toml allows, in .venv-newest
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet -e '.[dev]'
	.venv-newest/bin/python -m pytest -n 2

crash-test: install  ## kill -9 a run at random moments, twenty times; the result must be the same
	$(BIN)/python -m pytest -m slow tests/test_crash.py

gpu-check: install  ## networks, weighters, precisions and resume on a GPU, minutes (DEVICE=cpu: on the CPU, smaller)
	$(if $(DEVICE),MTL_TEST_DEVICE=$(DEVICE)) $(BIN)/python -m pytest -m gpu -W default --durations=5 tests/gpu

lint: install  ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: install  ## ruff, with automatic fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## pin what pyproject.toml needs, keeping the versions that are pinned (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 -o requirements.lock
