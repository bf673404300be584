# make demo   sets up, then runs the trial IMpower150 in virtual patients
# make test   sets up, then checks everything that a change must keep true
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
RUN := runs/impower150-$(shell date +%Y%m%d-%H%M%S)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo setup test lint format verify bench fit docs site clean

demo: $(STAMP)
	$(BIN)/alarmin trial impower150 --months 30 --out $(RUN)

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Alarmin needs Python 3.11 or newer: make PYTHON=python3.11 setup")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Installing Alarmin and its tools into .venv (some minutes the first time)"
	@$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

test: lint
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# All tests, those that take minutes too.
verify: $(STAMP)
	$(BIN)/pytest -n 2 --dist loadfile -m ""

bench: $(STAMP)
	$(BIN)/alarmin bench

fit: $(STAMP)
	$(BIN)/alarmin calibrate

# One page a mechanism, from the code as it runs.
docs: $(STAMP)
	rm -rf docs/mechanisms
	$(BIN)/alarmin model --pages docs/mechanisms

# The documentation as a site in build/site, with pages made from the data; any broken link fails.
site: $(STAMP)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
