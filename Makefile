PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1
export VIDEOS
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all format lint type-check all-checks bench ui docs lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  \1\t/' | expand -t 16

$(BIN)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(BIN)/.installed  ## run the whole workflow as params.yaml says, or on VIDEOS=<folder>
	@if [ -n "$$VIDEOS" ]; then dfd use "$$VIDEOS"; fi
	@dfd pipeline
	@dfd summary

install: $(BIN)/.installed  ## make .venv with everything in it

test: $(BIN)/.installed  ## run the tests, on all cores
	python -m pytest -n logical

test-all: $(BIN)/.installed  ## run the tests, with those marked slow
	python -m pytest -n logical -m 'slow or not slow'

format: $(BIN)/.installed  ## format the code
	ruff format
	ruff check --fix

lint: $(BIN)/.installed  ## check style and the order of the layers
	ruff format --check
	ruff check
	lint-imports

type-check: $(BIN)/.installed  ## check the types
	mypy

all-checks: lint type-check test  ## all of the above

bench: $(BIN)/.installed  ## measure speed and memory into benchmarks/results.json (an hour)
	$(BIN)/pip install --quiet --no-build-isolation -e '.[bench]'
	python -m benchmarks

ui: $(BIN)/.installed  ## serve the MLflow (5000) and Prefect (4200) pages until Ctrl-C
	@trap 'trap "" INT TERM; trap - EXIT; kill 0; wait' INT TERM EXIT; \
	prefect server start & \
	mlflow server --backend-store-uri sqlite:///mlruns/mlflow.db \
		--default-artifact-root mlruns/artifacts --port 5000 & \
	wait

docs: $(BIN)/.installed  ## draw docs/architecture.svg anew from dvc.yaml
	python -m docs.architecture

lock: $(BIN)/.installed  ## resolve requirements.lock anew from pyproject.toml
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --extra dev --extra jax --extra provenance --python-version 3.11 pyproject.toml \
		-o requirements.lock

clean:  ## remove what the stages made, and DVC's cache of it
	rm -rf data models metrics plots dvc_plots .cache .dvc/cache .dvc/tmp .prefect dvc.lock
	find mlruns -mindepth 1 -not -name .gitkeep -delete
