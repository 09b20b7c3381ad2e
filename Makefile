# The verbs of this repository; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench speedrun

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
# Linux without a CUDA device: TORCH_INDEX=https://download.pytorch.org/whl/cpu takes the small build of torch.
TORCH_INDEX ?=
PIP += $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

help:  ## list the verbs
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/installed-run  ## ask about a photo, a recording and a clip, and be sent a picture, a sound and a clip
	@$(BIN)/nextgpt parts pull --nano
	@$(BIN)/nextgpt demo --out out/demo

test: lint  ## lint, then every test
	@$(BIN)/python -m pytest

lint: $(VENV)/installed-dev  ## ruff (rules and layout) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/installed-dev  ## one script a question, in bench/
	@set -e; for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

speedrun: $(VENV)/installed-dev  ## train the shipped weights again, from an empty cache to the tables
	@PATH="$(CURDIR)/$(BIN):$$PATH" ./speedrun.sh

$(VENV)/installed-run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pinned packages into $(VENV); torch is the large one."
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing pinned packages into $(VENV); torch is the large one."
	@$(PIP) --editable '.[train,data,eval,dev]'
	@touch $@ $(VENV)/installed-run

# PYTHON=... chooses one; else the first Python that is new enough and can make an environment.
$(BIN)/python:
	@found=; for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found="$$python"; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	  echo "Making $(VENV) with $$("$$python" --version)."; exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	  version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$found cannot make virtual environments; on Debian: sudo apt install python$$version-venv" >&2; \
	else \
	  echo "Python 3.11 or newer is not on PATH; on Debian: sudo apt install python3.11 python3.11-venv" >&2; \
	fi; exit 2
