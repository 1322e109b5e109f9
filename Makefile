# Two commands matter: `make demo` shows the whole job, `make test` proves it. Both set themselves up.
PYTHON ?= python3
BIN    := .venv/bin

.PHONY: help install demo test lint types bench check pins clean
help:            ## what can be made here
	@grep -E '^[a-z]+: ' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

install: .venv/ready   ## a .venv with everything, from constraints.txt

.venv/ready: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"skypicket needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install    ## simulator, service and alerts over real sockets; ends by itself
	$(BIN)/skypicket demo

test: install    ## every test, on two processes
	@$(BIN)/python -c 'from skypicket.console import compile_kernels; compile_kernels()'  # once, before both would
	$(BIN)/python -m pytest -n 2

lint: install    ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install   ## mypy, strict, on the four packages
	$(BIN)/mypy fusion adapters replay skypicket

bench: install   ## a short run of every benchmark
	$(BIN)/python -m benchmarks --smoke

check: test lint types bench   ## all that CI does, in this environment

pins: install    ## remake constraints.txt from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o constraints.txt

clean:           ## forget the environment and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis demo-output
