# Everything goes through .venv, made with the first Python (3.11 or newer) found on PATH.
# Another one: make PYTHON=/path/to/python test

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
LATEX := texlive-latex-recommended texlive-latex-extra latexmk
SOURCES := src tests benchmarks paper notebooks docs/hooks

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench readme notebooks paper paper-quick docs validate clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.installed-run  ## fit three models to real data, compare with statsmodels, draw a plot
	$(BIN)/python -m asymptotix.demo

# the tests, and only they, keep compiled functions from one run to the next; bytecode too, for the
# many processes that they start
test: export PYTHONDONTWRITEBYTECODE =
test: export JAX_COMPILATION_CACHE_DIR = $(CURDIR)/.cache/jax
test: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0.1
test: lint  ## lint, types and tests
	$(BIN)/pytest -n 2

lint: $(VENV)/.installed-dev  ## style and types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/pyright

format: $(VENV)/.installed-dev  ## put the code in the common style
	$(BIN)/ruff check --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(VENV)/.installed-dev  ## run the benchmarks: ratios to rivals in the same run
	@for name in pass speed cold; do \
	  $(BIN)/python benchmarks/$$name.py || exit 1; echo; \
	done

readme: $(VENV)/.installed-dev  ## compute the numbers of the README anew
	$(BIN)/python benchmarks/agreement.py --write

notebooks: $(VENV)/.installed-dev  ## execute the notebooks anew, in place
	$(BIN)/python notebooks/run.py

paper: $(VENV)/.installed-dev  ## studies whose results are stale, numbers, tables and the PDF
	@if ! command -v latexmk >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	      --no-install-recommends $(LATEX) >/dev/null || exit 1; \
	  else \
	    echo "LaTeX is missing; as root on Debian: apt-get install $(LATEX)" >&2; exit 1; \
	  fi; \
	fi
	$(BIN)/python paper/build.py

paper-quick: $(VENV)/.installed-dev  ## some numbers of each study of the paper again
	$(BIN)/python paper/build.py --quick

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/.installed-dev  ## build the documentation site in site/
	$(BIN)/mkdocs build --strict

validate: $(VENV)/.installed-dev  ## every model that ships beside statsmodels
	$(BIN)/asymptotix validate

clean:  ## remove the environment, caches and build outputs
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis build dist site
	rm -rf paper/build
	find src tests benchmarks paper -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@python=$(PYTHON); \
	for name in python3.13 python3.12 python3.11 python3 python; do \
	  [ -n "$$python" ] && break; \
	  "$$name" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
	    >/dev/null 2>&1 && python=$$name; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer with the venv module on PATH." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[plots,validate]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.installed-run
