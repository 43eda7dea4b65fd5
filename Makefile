# The two commands of this repository: `make demo` and `make test`. Both make .venv first.
PYTHON      ?= python3
VENV        ?= .venv
# Empty it (CONSTRAINTS=) to take the newest torch instead of the one CI uses.
CONSTRAINTS ?= .ci/constraints.txt
DEMO_ARGS   ?=
PYTEST_ARGS ?=

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# The types of TypedArrays differ from 5.7 on; this one takes our JSDoc as it is.
TYPESCRIPT := 5.6.3
TSC        := $(VENV)/js/node_modules/.bin/tsc

# Of the fast tests: what is left open or called from a wrong thread is an error. Without the
# mode's own memory allocator, which is slow.
DEV_MODE := PYTHONDEVMODE=1 PYTHONMALLOC=pymalloc
FAST     := $(addprefix tests/,analysis images plotting widgets test_dependencies.py test_feature_set.py test_imports.py test_project.py) \
            $(filter-out %/test_on_ray.py,$(wildcard tests/extraction/test_*.py))

.PHONY: demo test test-oldest browser lint audit typecheck-js docs benchmark screenshot clean

demo: $(VENV)/.installed-demo  ## open JupyterLab on the quickstart
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/quickstart.ipynb $(DEMO_ARGS) notebooks/quickstart.ipynb

test: $(VENV)/.installed-test browser lint  ## every test, those in a real browser included
	$(DEV_MODE) $(BIN)/python -m pytest $(FAST) $(PYTEST_ARGS)
	$(BIN)/python -m pytest $(addprefix --ignore=,$(FAST)) $(PYTEST_ARGS)

test-oldest:  ## the tests without the browser, with the oldest dependencies that are supported
	$(MAKE) VENV=$(VENV)-oldest CONSTRAINTS=.ci/oldest.txt $(VENV)-oldest/.installed-test
	$(VENV)-oldest/bin/python -m pytest -m "not browser" -W ignore::DeprecationWarning $(PYTEST_ARGS)

lint: $(VENV)/.installed-test typecheck-js  ## ruff and its security rules, types of Python and of the page, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@if $(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 11))"; then $(BIN)/mypy; \
	else echo "The types of Python are NOT checked: numpy's for Python 3.10 are older ones"; fi
	$(BIN)/python -m pip check

audit: $(VENV)/.installed-test  ## which installed versions have known holes: asks PyPI, so no part of `make test`
	test -x $(VENV)-audit/bin/pip-audit || $(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check "pip-audit>=2.10"
	$(VENV)-audit/bin/python .ci/audit.py "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

typecheck-js:  ## types of the page's scripts, where npm can install a compiler
	@test -x $(TSC) || npm install --prefix $(VENV)/js --no-save --no-audit --no-fund --silent typescript@$(TYPESCRIPT) 2>/dev/null || true
	@if test -x $(TSC); then $(TSC) -p tsconfig.json && echo "The page's scripts have the types they say"; \
	else echo "No npm, or no registry: the types of the page's scripts are NOT checked"; fi

docs: $(VENV)/.installed-docs  ## the site, in site/: open site/index.html
	$(BIN)/python -m mkdocs build --strict

browser: $(VENV)/.installed-test  ## find a Chromium, or install one
	$(BIN)/python -m tests.browser.install_chromium

benchmark: $(VENV)/.installed-bench browser  ## mouse-up to highlighted selection, against a peer
	$(BIN)/python -m benchmarks.view

screenshot: $(VENV)/.installed-test browser  ## README's picture, from the running widget
	$(BIN)/python -m tests.browser.screenshot

$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS)
	@echo "Installing into $(VENV) (torch and JupyterLab: this takes a few minutes the first time) …"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[$*]"
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-audit build dist site *.egg-info
