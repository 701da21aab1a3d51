# The two commands: `make demo` shows the main job, `make test` passes the tests. Both set up what
# they need in .venv; all that is asked for is Python 3.11 or newer, found as PYTHON.
PYTHON ?= python3
BIN := .venv/bin
# Two for a core: many tests wait for a process, a clock or a browser.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")

.PHONY: demo test coverage check lint bench torture fuzz pictures build clean

demo: .venv/user
	@$(BIN)/tgtagger demo
	@echo "  here it is called $(BIN)/tgtagger; to have it everywhere: pipx install ."

# Byte code of pytest and its plugins is kept, or each of its processes would compile them.
test coverage: export PYTHONDONTWRITEBYTECODE :=

test: .venv/dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" -q

# The same tests; fails below the floor in pyproject.toml.
coverage: .venv/dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow" -q --cov --cov-report=term:skip-covered

check: test lint

# What `make check` adds to `make test`; .ci/run calls the two one after the other.
lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory build

bench: .venv/dev
	$(BIN)/python benchmarks/run.py

# ROWS=K: only the rows whose names begin so. It goes on where it was broken off, for two hours in all.
# TORTURE='-m slow': what pytest shall run instead, shortly, as `make test` leaves it out.
ROWS ?=

torture: .venv/dev
ifdef TORTURE
	$(BIN)/pytest -q $(TORTURE)
else
	PYTHONPATH=tests $(BIN)/python -m support.torture $(ROWS)
endif

# Seconds for each surface.
FUZZ_SECONDS ?= 60

fuzz: .venv/fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

pictures: .venv/dev
	$(BIN)/python docs/pictures/draw.py

# A source archive, and the wheel out of it. A file of the package that the wheel lacks fails.
build: .venv/dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv --clear .venv/wheel
	.venv/wheel/bin/pip install --quiet --disable-pip-version-check dist/*.whl
	diff -r -x __pycache__ src/tgtagger .venv/wheel/lib/python3.*/site-packages/tgtagger
	.venv/wheel/bin/tgtagger --version
	.venv/wheel/bin/tgtagger demo > .venv/wheel/demo.txt

clean:
	rm -rf .venv .fuzz .torture dist build .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Each remembers in a file of its own when it was made; a newer pyproject.toml makes it again.
.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tgtagger needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up .venv, half a minute" >&2
	@$(PYTHON) -m venv .venv
	@touch $@

# --use-pep517: old pips would warn of a dependency that is built as it was long ago (pyaes).
.venv/user: .venv/python pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 --editable .
	@touch $@

.venv/dev: .venv/user
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# atheris has wheels for some machines and Pythons only; without it `make fuzz` does what it can.
.venv/fuzz: .venv/dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --only-binary atheris --group fuzz \
		2> /dev/null || true
	@touch $@
