# make demo   sets up, then runs the trial IMpower150 in virtual patients
# make test   sets up, then checks everything that a change must keep true
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
RUN := runs/impower150-$(shell date +%Y%m%d-%H%M%S)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo setup test lint format verify bench fit docs figures site clean

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

# What the pages on decisions and the case studies say and show, from the cheapest on, an hour or two in all: words go
# to build/figures, pictures to docs/pictures.
FIGURES := build/figures
CASE := cd $(FIGURES) && JAX_COMPILATION_CACHE_DIR=$(CURDIR)/build/programs $(CURDIR)/$(BIN)/python $(CURDIR)
figures: $(STAMP)
	rm -rf $(FIGURES) && mkdir -p $(FIGURES)
	$(BIN)/alarmin explain nsclc "atezolizumab 1200 mg q3w" --patients 24 --out $(FIGURES)/explain > $(FIGURES)/explain.txt
	cp $(FIGURES)/explain/figures/barriers-profiles.png docs/pictures/explain-profiles.png
	cp $(FIGURES)/explain/figures/barriers-map.png docs/pictures/explain-map.png
	$(BIN)/alarmin explain nsclc "atezolizumab 1200 mg q3w" --patients 200 > $(FIGURES)/explain-200.txt
	$(BIN)/alarmin biomarkers halo202 --patients 16 --populations 2 > $(FIGURES)/biomarkers.txt
	$(BIN)/alarmin optimize nsclc --agents docetaxel,atezolizumab,bevacizumab --why --out $(FIGURES)/front > $(FIGURES)/optimize.txt
	cp $(FIGURES)/front/front.png docs/pictures/optimize.png
	$(BIN)/alarmin optimize nsclc --agents bevacizumab,atezolizumab --standard "atezolizumab 1200 mg q3w" > $(FIGURES)/order.txt
	$(BIN)/alarmin optimize nsclc --agents radiotherapy,pembrolizumab --standard "pembrolizumab 200 mg q3w" > $(FIGURES)/interval.txt
	$(BIN)/alarmin optimize pdac --agents pegph20 --backbone "gemcitabine 1000 mg/m2 q4w d1,8,15 + nab_paclitaxel 125 mg/m2 q4w d1,8,15" > $(FIGURES)/pulse.txt
	$(BIN)/alarmin optimize nsclc --agents cyclophosphamide --backbone "nivolumab 240 mg q2w" --schedule "cyclophosphamide 30 mg/m2 bid" > $(FIGURES)/metronomic.txt
	$(CASE)/examples/cases/sarc021.py 80 > sarc021.txt
	$(CASE)/examples/cases/pembro_rt_outside.py 60 > pembro_rt_outside.txt
	$(CASE)/examples/cases/halo301.py 80 > halo301.txt
	$(BIN)/python benchmarks/elasticities.py > $(FIGURES)/elasticities.txt
	$(CASE)/examples/cases/untried.py 6 72 60 > untried.txt
	$(CASE)/examples/cases/impower150.py 4 24 2000 > impower150.txt
	$(CASE)/examples/cases/masterkey265.py 4 24 2000 > masterkey265.txt
	$(BIN)/alarmin design examples/designs/enrichment.toml > $(FIGURES)/enrichment.txt
	$(BIN)/alarmin design examples/designs/selection.toml > $(FIGURES)/selection.txt
	$(BIN)/alarmin design examples/designs/sequential.toml --out $(FIGURES)/sequential > $(FIGURES)/sequential.txt
	cp $(FIGURES)/sequential/figures/boundaries.png docs/pictures/design.png
	$(BIN)/python benchmarks/levels.py 100000 > $(FIGURES)/levels.txt
	$(CASE)/examples/cases/pembro_rt.py 8 48 4000 > pembro_rt.txt
	cp $(FIGURES)/case-*.png docs/pictures

# The documentation as a site in build/site, with pages made from the data; any broken link fails.
site: $(STAMP)
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
