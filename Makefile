# make demo   installs what is missing, into .venv and for the system, and runs the seven sample inspections
# make test   installs what is missing and passes the tests
# make check  formatting, lint and types
# make docs   the documentation as a site that opens without a network, in site/
PYTHON ?= python3
BIN := .venv/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet
MANIFEST := pyproject.toml constraints-cpu.txt
# Cellpose 3 asks for a numpy that has no wheel for Python 3.13
CELLPOSE := $(shell $(PYTHON) -c 'import sys; print("cellpose," * (sys.version_info < (3, 13)))')
ifeq ($(shell uname),Darwin)
# a Python that is not Homebrew's does not look there; stated on each line, because make's shell drops it from the environment
FIND := DYLD_FALLBACK_LIBRARY_PATH="$(shell brew --prefix 2>/dev/null)/lib"
endif

# the tests start the tool many times: without it, every start compiles every module anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check docs clean

demo: .venv/.demo
	@sh .ci/system-libraries demo
	$(FIND) $(BIN)/inspect-tool demo --out inspect-demo

test: .venv/.dev
	@sh .ci/system-libraries test
	$(FIND) $(BIN)/python -m pytest -n auto --dist worksteal

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/.docs
	PYTHONPATH=docs/_site $(BIN)/python -m doc_site

clean:
	rm -rf .venv inspect-demo site build dist .mypy_cache .ruff_cache .hypothesis

# --without-pip: Debian ships venv without ensurepip; pip installs into it from outside
.venv/bin/python:
	$(PYTHON) -m venv --without-pip .venv

.venv/.demo: .venv/bin/python $(MANIFEST)
	$(PIP) install -c constraints-cpu.txt -e ".[workbench]"
	touch $@

.venv/.dev: .venv/bin/python $(MANIFEST)
	$(PIP) install -c constraints-cpu.txt -e ".[test,dev,networks,stardist,$(CELLPOSE)annotations,czi,lif,nd2,zarr,scale-bar,sam,postgresql,parquet,cluster,workbench,sign]"
	touch $@ .venv/.demo

.venv/.docs: .venv/bin/python $(MANIFEST)
	$(PIP) install -c constraints-cpu.txt -e ".[workbench,docs]"
	touch $@ .venv/.demo
