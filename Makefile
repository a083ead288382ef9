# Everything a developer runs. `make` alone says what there is.
# Paths are relative throughout, so that the clone may lie anywhere, spaces included.

PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python
STAMP = $(VENV)/.installed
PACKAGES = contracts services/chassis services/catalog services/pricing services/orders \
	services/accounts services/approvals gateway deploy/testpay deploy/local
CODE = contracts services gateway deploy tests conftest.py

# A clone that was moved or copied has packages that point to the old place: install them anew.
HERE := $(shell pwd)
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(HERE))
$(shell rm -f $(STAMP))
endif

.DEFAULT_GOAL = help
.PHONY: help run demo test soak check contracts lock
.DELETE_ON_ERROR:

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS='	' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

run: $(STAMP) ## Run the whole shop on this machine, with demo data, until Ctrl-C
	@exec $(RUN) -m tandem run

demo: $(STAMP) ## Play a guest's and a company's journey against what `make run` runs
	@exec $(RUN) -m tandem demo

test: $(STAMP) ## Run every test on a real PostgreSQL and a real RabbitMQ
	$(RUN) -m pytest -n 2 --dist loadgroup

soak: $(STAMP) ## The long rounds: races 50 times, 200 buyers, 20 s outages, thousands of seeds
	TANDEM_TEST_ROUNDS=50 TANDEM_TEST_KILL_EVERY=1 TANDEM_TEST_BUYERS=200 TANDEM_TEST_OUTAGE_SECONDS=20 \
		TANDEM_TEST_SEEDS=3000 TANDEM_TEST_EXAMPLES=300 $(RUN) -m pytest -n 2 --dist loadgroup \
		tests/outages tests/resilience tests/properties services/chassis/tests/simulation

check: $(STAMP) ## Format, lint, types, import rules, contracts unchanged
	$(RUN) -m ruff format --check $(CODE)
	$(RUN) -m ruff check $(CODE)
	$(RUN) -m mypy $(CODE)
	$(VENV)/bin/lint-imports
	$(RUN) -m tandem.contracts_export --check

contracts: $(STAMP) ## Write OpenAPI, AsyncAPI and GraphQL schemas from the code
	$(RUN) -m tandem.contracts_export

lock: $(STAMP) ## Pin third-party packages with hashes; newest ones with UPGRADE=--upgrade
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet $(UPGRADE) \
		--no-emit-index-url --no-emit-find-links --no-annotate --group dev pyproject.toml \
		$$(for package in $(notdir $(PACKAGES)); do echo "--no-emit-package tandem-$$package"; done) \
		--output-file requirements.lock

# Reinstalled only when the lock or a package's own description changed.
$(STAMP): requirements.lock pyproject.toml $(PACKAGES:=/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Tandem needs Python 3.11 or newer, which `$(PYTHON)` is not.' \
			'Name another one: make PYTHON=python3.12' >&2; \
		exit 1; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
		echo 'Python cannot make a virtual environment here. On Debian and Ubuntu install' \
			'its package: apt-get install python3-venv' >&2; \
		exit 1; }
	@echo 'Installing into $(VENV) (once, and when the lock changes) ...'
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		$(PACKAGES:%=-e ./%)
	@pwd > $@
