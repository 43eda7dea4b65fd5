# `make demo` and `make test` need nothing else: they create .venv first.
PYTHON      ?= python3
VENV        ?= .venv
# CONSTRAINTS= installs the newest torch instead of the one that CI uses.
CONSTRAINTS ?= .ci/constraints.txt
DEMO_ARGS   ?=
PYTEST_ARGS ?=

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

NODE    := $(BIN)/python -m tests.node
MODULES := node_modules/.installed
# Beside the packages of VENV: torch's CUDA packages name the one Triton that they work with, which
# may be too old to interpret the kernels.
TRITON  := $(VENV)/triton

# PYTEST_ARGS="-n 0" runs the tests in one process. tests/conftest.py says how many processes there
# are otherwise, which tests stay together, and in which order they start.
PARALLEL := -n logical --maxprocesses 5 --dist loadfile --no-loadscope-reorder
# Hundreds of processes import the package: each would compile it again.
unexport PYTHONDONTWRITEBYTECODE
# Development mode makes a call from a wrong thread and an open file an error. Its own memory
# allocator is slow.
DEV_MODE := PYTHONDEVMODE=1 PYTHONMALLOC=pymalloc

.PHONY: demo test test-fast test-slow test-kernels test-oldest browser lint audit bundle scripts dist docs benchmark screenshot clean

demo: $(VENV)/.installed-demo  ## open JupyterLab on the quickstart
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/quickstart.ipynb $(DEMO_ARGS) notebooks/quickstart.ipynb

test: browser  ## every test; lint runs beside the fast ones, which no second load disturbs
	@$(MAKE) --no-print-directory -j2 lint test-fast
	@$(MAKE) --no-print-directory test-slow

test-slow: browser  ## the others
	$(BIN)/python -m pytest $(PARALLEL) -m "browser or slow" $(PYTEST_ARGS)

test-fast: $(VENV)/.installed-test  ## the tests without a browser, a Ray cluster or long runs
	$(DEV_MODE) $(BIN)/python -m pytest $(PARALLEL) -m "not browser and not slow" $(PYTEST_ARGS)

test-kernels: $(TRITON)  ## the GPU's kernels, interpreted on the CPU by Triton (290 MB)
	PYTHONPATH=$(abspath $(TRITON)) TRITON_INTERPRET=1 $(BIN)/python -m pytest tests/projection/test_kernels.py $(PYTEST_ARGS)

$(TRITON): Makefile | $(VENV)/.installed-test
	$(PIP) --no-deps --upgrade --target $@ "triton>=3.8"
	@touch $@

test-oldest:  ## the tests without a browser, with the oldest supported dependencies
	$(MAKE) VENV=$(VENV)-oldest CONSTRAINTS=.ci/oldest.txt $(VENV)-oldest/.installed-test
	$(VENV)-oldest/bin/python -m pytest $(PARALLEL) -m "not browser" -W ignore::DeprecationWarning $(PYTEST_ARGS)

lint: $(VENV)/.installed-test scripts  ## style, types and installed dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@if $(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 11))"; then $(BIN)/mypy; \
	else echo "The types of Python are NOT checked: numpy's stubs for Python 3.10 are too old"; fi
	$(BIN)/python -m pip check

audit: $(VENV)/.installed-test  ## known vulnerabilities of the installed versions; needs PyPI
	test -x $(VENV)-audit/bin/pip-audit || $(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.10"
	$(VENV)-audit/bin/python .ci/audit.py "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

bundle: $(MODULES)  ## the page's scripts and styles, each in one file
	$(BIN)/python .ci/page_constants.py
	$(NODE) tsne_widget/widgets/frontend/bundle.mjs

scripts:  ## types of the page's scripts, and whether the bundles are up to date
	@$(MAKE) --silent $(MODULES) 2>/dev/null \
	|| { echo "npm cannot install its packages: the page's scripts are NOT checked"; exit 0; }; \
	$(NODE) node_modules/typescript/bin/tsc -p tsconfig.json \
	&& $(NODE) tsne_widget/widgets/frontend/bundle.mjs --check

$(MODULES): package.json | $(VENV)/.installed-test
	$(NODE) npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@

dist:  ## the wheel and the sdist, checked for a release of the tag TAG=v1.2.3; needs PyPI
	test -x $(VENV)-release/bin/python || $(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/python -m pip install --quiet --disable-pip-version-check "build>=1.2" "twine>=6.2"
	rm -rf dist
	$(VENV)-release/bin/python -m build
	$(VENV)-release/bin/python -m twine check --strict dist/*
	$(VENV)-release/bin/python .ci/check_release.py dist $(TAG)

docs: $(VENV)/.installed-docs  ## the documentation, in site/index.html
	$(BIN)/python -m mkdocs build --strict

browser: $(VENV)/.installed-test  ## find a Chromium, or install one
	$(BIN)/python -m tests.browser.install_chromium

benchmark: $(VENV)/.installed-bench browser  ## latency from mouse-up to the highlighted selection, also of a peer
	$(BIN)/python -m benchmarks.view

screenshot: $(VENV)/.installed-test browser  ## the picture in README, of the running widget
	$(BIN)/python -m tests.browser.screenshot

$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS)
	@echo "Installing into $(VENV) (torch and JupyterLab: this takes a few minutes the first time) …"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[$*]"
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-audit $(VENV)-release node_modules build dist site *.egg-info
