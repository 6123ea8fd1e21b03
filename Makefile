# `make help` lists the targets. The first use of one sets up its virtual environment.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CUES   ?=
JOBS   ?=
PORT   ?= 3000
# uv is several times faster, where there is one; it knows nothing of pip's own configuration, which
# a studio may need. pip says what it is at where somebody looks on.
install = { command -v uv >/dev/null && uv pip install --quiet --python $(BIN)/python \
	  --constraint constraints.txt --editable $(1); } || \
	$(BIN)/python -m pip install $$(test -t 1 || echo --quiet) --disable-pip-version-check \
	  --constraint constraints.txt --editable $(1)
# From PyPI, on Linux, a build of gigabytes for CUDA; with PyTorch's own index of CPU builds in
# PIP_EXTRA_INDEX_URL, or a wheel of one in PIP_FIND_LINKS, of 200 MB.
TORCH  ?= torch==2.13.0 torchdata

.DEFAULT_GOAL := help
.PHONY: help run ui review test test-slow test-ui test-torch check bench bench-mapping cases lock clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "cue_pipeline needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12 ..."; exit 2; }
	@echo "Setting up $(VENV)/, once: Dagster, librosa and what they need, about two minutes."
	@$(PYTHON) -m venv $(VENV)
	@$(call install,.)
	@echo "Having librosa compile parts of itself, once: half a minute that the first cue would wait."
	@# Processes that compile them side by side mix up numba's cache, and crash.
	@$(BIN)/python -c 'import librosa.core, librosa.onset, librosa.sequence, librosa.util.utils'
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	@echo "Adding what the tests need to $(VENV)/, once: about a minute."
	@$(call install,'.[dev]')
	@touch $@

run: $(BIN)/.installed  ## process the cues in CUES=dir; without CUES, demonstration cues
ifeq ($(strip $(CUES)),)
	@$(BIN)/cue-pipeline demo cues
	@$(BIN)/cue-pipeline process cues $(if $(JOBS),--jobs $(JOBS))
else
	@$(BIN)/cue-pipeline process "$(CUES)" $(if $(JOBS),--jobs $(JOBS))
endif

# What a script starts in the background ignores SIGINT, and Dagster then SIGTERM too: it would stay
# when make is ended.
hearing = $(BIN)/python -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); \
	os.execv(sys.argv[1], sys.argv[1:])'

ui: $(BIN)/.installed  ## open Dagster's UI on the same data: http://localhost:3000
	@PATH="$(abspath $(BIN)):$$PATH" DAGSTER_HOME="$${DAGSTER_HOME:-$(CURDIR)}" \
	  PYTHONWARNINGS='ignore:Function `dev_command` is superseded' \
	  exec $(hearing) $(BIN)/dagster dev -w workspace.yaml -p $(PORT)

review: $(BIN)/.installed  ## the page on which mappings are decided by eye and ear: http://localhost:3001
	@$(BIN)/cue-pipeline review

test: $(BIN)/.installed-dev  ## run the tests, three at a time
	$(BIN)/python -m pytest -n 3 --dist worksteal -q

test-slow: $(BIN)/.installed-dev  ## the tests with a daemon, kills and long audio (minutes)
	$(BIN)/python -m pytest -n 3 --dist worksteal -q -m "slow and not ui"  # half of it is waiting

test-ui: $(BIN)/.installed-dev  ## use the pipeline in a real browser (needs Chromium)
	$(BIN)/python -m pytest -m ui -q cue_pipeline_tests/ui

test-torch: $(BIN)/.installed-dev  ## the tests with torch and the example that trains; installs TORCH
	@if $(BIN)/python -c 'import torch, torchdata' 2>/dev/null || $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --constraint constraints.txt $(TORCH); then \
	  $(BIN)/python -m pytest -q -m torch --durations 3 \
	    cue_pipeline_tests/training cue_pipeline_tests/test_examples.py; \
	else echo "torch could not be installed; its tests are not run."; fi

check: $(BIN)/.installed-dev  ## format, lint, types, the import rule and the container files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy examples/*.py
	$(BIN)/lint-imports
	$(BIN)/hadolint deploy/docker/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/docker/compose.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff

bench: $(BIN)/.installed-dev  ## measure speed and memory beside peers and the physical floor
	$(BIN)/python -m benchmarks

bench-mapping: $(BIN)/.installed-dev  ## how often tracks find their stems, rendered and degraded (long)
	$(BIN)/python -m benchmarks.bench_mapping
	$(BIN)/python -m benchmarks.bench_alignment

cases: $(BIN)/.installed-dev  ## try reported cues in DIR=dir, or variations of them: right, said, or silent wrong
	$(BIN)/python -m cue_pipeline_tests.cases $(DIR)

lock: $(BIN)/.installed-dev  ## renew constraints.txt from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra dev \
	  --no-header --no-annotate --no-emit-index-url pyproject.toml -o constraints.txt

clean:  ## remove the virtual environment and caches; never cues or tables
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
