# make demo    builds the environment (once) and runs the sample the whole way; ends with report.html in demo/
# make test    builds the environment and runs every check
# make lab     opens JupyterLab on the demo project
# make bench   measures against named peers; writes benchmarks/results.json and docs/benchmarks.md

PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
READY := .venv/.ready

.PHONY: demo test lab bench dist clean
.DEFAULT_GOAL := demo

$(READY): pyproject.toml constraints.txt hatch_build.py $(shell find extension/src extension/style extension/package.json -type f)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Workbench needs Python 3.11 or newer: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0 --editable '.[all,dev]'
	touch $(READY)

demo: $(READY)
	rm -rf demo
	$(BIN)/workbench init demo --sample retail
	cd demo && $(BIN)/workbench production pipeline retail

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet workbench tests benchmarks hatch_build.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --nbval-lax tests notebooks

lab: $(READY)
	test -d demo || $(MAKE) demo
	cd demo && $(BIN)/jupyter lab

bench: $(READY)
	$(BIN)/python -m benchmarks

dist: $(READY)
	$(BIN)/python -m build

clean:
	rm -rf .venv demo dist build workbench/labextension extension/node_modules extension/lib
