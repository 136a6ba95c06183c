# One command for each thing one does here; each prepares .venv itself. `make help` lists them.
# Needs Python 3.11+, pip and make; uses uv where it is installed (UV= does not).
# PYTHON=... chooses the interpreter.

PYTHON ?=
PYTEST_ARGS ?=
BENCH ?= eager
BENCH_ARGS ?=
OTHER ?= HEAD~1
FUZZ_ARGS ?=
MUTATION_ARGS ?=
DOCTOR_ARGS ?=

export PYTHON
# The series of pyright in pyproject.toml is meant: no hint at a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types bench memory leaks versions fuzz mutation doctor peers format coverage clean

VENV_PYTHON := .venv/bin/python
# Stamps: written when an installation is complete, out of date when pyproject.toml changes.
DEMO_READY := .venv/.ready-demo
DEV_READY := .venv/.ready-dev
# The peers of the benchmarks live in an environment of their own.
BENCH_READY := .venv-bench/.ready-bench

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*##/\1\t/p' Makefile

demo: $(DEMO_READY)  ## train a network on handwritten digits and write its report
	@.venv/bin/wengert train digits --out runs/digits
	@echo
	@echo "Where to look next:"
	@echo "  runs/digits/report.html                      the report: open it in a browser"
	@echo "  .venv/bin/wengert predict runs/digits TABLE  use the model on a table of your own"
	@echo "  .venv/bin/wengert train --help               train on your own CSV or Parquet file"
	@echo "  README.md, docs/architecture.md              derivatives of your NumPy code; how it is built"

test: lint types  ## lint, types, import table, tests and doctests: what CI runs
	$(VENV_PYTHON) -m pytest $(PYTEST_ARGS)

lint: $(DEV_READY)  ## ruff: rules and format
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .

types: $(DEV_READY)  ## pyright, strict on src
	$(VENV_PYTHON) -m pyright

format: $(DEV_READY)  ## repair what ruff can repair
	$(VENV_PYTHON) -m ruff check --fix .
	$(VENV_PYTHON) -m ruff format .

bench: $(BENCH_READY)  ## speed beside HIPS autograd, PyTorch and JAX where installed; BENCH=compiled: of machine code
	.venv-bench/bin/python benchmarks/$(BENCH).py $(BENCH_ARGS)

memory: $(DEV_READY)  ## peak memory and time of gradients with and without checkpoints
	$(VENV_PYTHON) benchmarks/checkpoint.py

leaks: $(DEV_READY)  ## what many compilations leave behind in memory
	$(VENV_PYTHON) benchmarks/leaks.py $(BENCH_ARGS)

versions: $(DEV_READY)  ## processor time beside another version: make versions OTHER=commit
	$(VENV_PYTHON) benchmarks/versions.py $(OTHER) $(BENCH_ARGS)

fuzz: $(DEV_READY)  ## a long campaign of random programs, for a night
	$(VENV_PYTHON) tools/fuzz.py $(FUZZ_ARGS)

mutation: $(DEV_READY)  ## plant faults in the operations, and see whether the tests find them
	$(VENV_PYTHON) tools/mutate.py $(MUTATION_ARGS)

doctor: $(DEV_READY)  ## how many planted illnesses the doctor finds and names, and how often it is alarmed without cause
	$(VENV_PYTHON) tools/doctor.py $(DOCTOR_ARGS)

# by pip, whose configuration says where this machine has its PyTorch; uv does not read it
peers:  ## install PyTorch and JAX too, to be measured beside
	@UV= VENV=.venv-bench tools/environment.sh all bench bench-peers
	@touch $(BENCH_READY)

coverage: $(DEV_READY)  ## count what the tests verify of NumPy's names: docs/coverage.md
	$(VENV_PYTHON) tools/coverage.py

clean:  ## remove the environment, caches and runs
	rm -rf .venv .venv-bench build dist runs .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(DEMO_READY): pyproject.toml tools/environment.sh
	@tools/environment.sh rich,tables,models,sklearn
	@touch $@

$(DEV_READY): pyproject.toml tools/environment.sh
	@tools/environment.sh all dev
	@touch $(DEMO_READY) $@

$(BENCH_READY): pyproject.toml tools/environment.sh
	@VENV=.venv-bench tools/environment.sh all bench
	@touch $@
