PYTHON ?= python3
OUTSIDE := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DO_NOT_TRACK := 1
export VIDEOS
export MLFLOW_DISABLE_TELEMETRY := true
# One process runs all tests of a file, so that what they share is made once.
ON_ALL_CORES := -n logical --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install try demo test test-all matrix format lint type-check all-checks bench ui docs \
	lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  \1\t/' | expand -t 16

# Layers of packages, which share one environment; a larger one holds the smaller.
SCAN := .venv/.scan
WORKFLOW := .venv/.workflow
DEV := .venv/.dev

.venv/.%: requirements/%.lock requirements/install.py pyproject.toml
	@PATH="$(OUTSIDE)" $(PYTHON) requirements/install.py $*

# A champion that `make demo` has trained, or else the detector that comes with the package.
DETECTOR := $(firstword $(wildcard models/champion dfd/starter))

try:  ## judge one clip of the sample, and name the page with the verdict
	@$(if $(DETECTOR),,$(error this clone holds no detector yet; `make demo` trains one))\
	$(MAKE) --no-print-directory $(SCAN)
	@dfd scan samples/videos/ajgbsfvojo.mp4 --model $(DETECTOR) --report plots/try

demo: $(WORKFLOW)  ## run the whole workflow as params.yaml says, or on VIDEOS=<folder>
	@if [ -n "$$VIDEOS" ]; then dfd use "$$VIDEOS"; fi
	@dfd pipeline

install: $(DEV)  ## make .venv with everything in it

test: $(DEV)  ## run the tests, on all cores
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
		echo "no Chromium here: the tests of the page are skipped (Debian: apt install chromium)"
	python -m pytest $(ON_ALL_CORES)

test-all: $(DEV)  ## run the tests, with those marked slow
	python -m pytest $(ON_ALL_CORES) -m 'slow or not slow'

matrix:  ## run the tests on Python 3.11, 3.12 and 3.13, each in its own environment
	requirements/matrix.sh

format: $(DEV)  ## format the code
	ruff format
	ruff check --fix

lint: $(DEV)  ## check style and the order of the layers
	ruff format --check
	ruff check
	lint-imports

type-check: $(DEV)  ## check the types
	mypy

all-checks: lint type-check test  ## all of the above

bench: $(DEV)  ## measure speed and memory into benchmarks/results.json (an hour)
	pip install --quiet --no-build-isolation -e '.[bench]'
	python -m benchmarks

ui: $(WORKFLOW)  ## serve the MLflow (5000) and Prefect (4200) pages until Ctrl-C
	@trap 'trap "" INT TERM; trap - EXIT; kill 0; wait' INT TERM EXIT; \
	prefect server start & \
	mlflow server --backend-store-uri sqlite:///mlruns/mlflow.db \
		--default-artifact-root mlruns/artifacts --port 5000 & \
	wait

docs: $(DEV)  ## draw docs/architecture.svg anew from dvc.yaml
	python -m docs.architecture

LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
	--no-header --python-version 3.11 --group build pyproject.toml

lock: $(DEV)  ## resolve the locks of all layers anew from pyproject.toml
	$(LOCK) --extra dev -o requirements/dev.lock
	$(LOCK) --extra workflow -c requirements/dev.lock -o requirements/workflow.lock
	$(LOCK) -c requirements/dev.lock -o requirements/scan.lock

clean:  ## remove what the stages made, and DVC's cache of it
	rm -rf data models metrics plots dvc_plots .cache .dvc/cache .dvc/tmp .prefect dvc.lock
	find mlruns -mindepth 1 -not -name .gitkeep -delete
