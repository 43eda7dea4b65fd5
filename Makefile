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

.PHONY: demo test test-oldest browser lint typecheck-js docs benchmark screenshot clean

demo: $(VENV)/.installed-demo  ## open JupyterLab on the quickstart
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/quickstart.ipynb $(DEMO_ARGS) notebooks/quickstart.ipynb

test: $(VENV)/.installed-test browser lint  ## every test, those in a real browser included
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-oldest:  ## the tests without the browser, with the oldest dependencies that are supported
	$(MAKE) VENV=$(VENV)-oldest CONSTRAINTS=.ci/oldest.txt $(VENV)-oldest/.installed-test
	$(VENV)-oldest/bin/python -m pytest -m "not browser" -W ignore::DeprecationWarning $(PYTEST_ARGS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

typecheck-js:  ## types of the page's scripts, where there is npm
ifeq ($(shell command -v npm),)
	@echo "no npm: the types of the page's scripts are not checked"
else
	@test -x $(TSC) || npm install --prefix $(VENV)/js --no-save --no-audit --no-fund typescript@$(TYPESCRIPT)
	$(TSC) -p tsconfig.json
endif

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
	rm -rf $(VENV) $(VENV)-oldest build dist site *.egg-info
