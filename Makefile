# The only commands a person needs. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := app schema resolvers rest webhooks operations access models integrations telemetry billing mock_kit mock_metronome mock_stripe tools benchmarks tests

.DEFAULT_GOAL := help
.PHONY: help run web test check fmt migrate migration sdl graphiql crash-matrix bench audit lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run graphiql web ## Set up and start everything: the service, both provider mocks, demo data
	@$(BIN)/python -m app sandbox

web: $(VENV)/.run ## Build the web UI, if Node is there and its sources changed
	@$(BIN)/python -m tools.build_web || echo "web UI: not built; everything else works. Try again with: make web"

test: $(VENV)/.dev web ## Set up and run every test
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(TESTS)

check: $(VENV)/.dev ## Format, lint, types, layers, and that generated files are current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports
	$(BIN)/python -m app sdl --check
	$(BIN)/python -m app migrate --check
	$(BIN)/python -m tools.build_web --check

fmt: $(VENV)/.dev ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: $(VENV)/.run ## Bring the configured database up to date
	@$(BIN)/python -m app migrate

migration: $(VENV)/.dev ## Write a migration for what changed in models/ (name it with NAME=...)
	$(BIN)/tortoise makemigrations $(if $(NAME),-n $(NAME))

sdl: $(VENV)/.dev ## Write schema/schema.graphql
	@$(BIN)/python -m app sdl

crash-matrix: $(VENV)/.dev ## Kill the service at every boundary of every verb and count what happened
	@$(BIN)/python -m tools.crash_matrix

bench: $(VENV)/.dev ## Measure how fast webhooks are accepted and handled, on both databases
	@$(BIN)/python -m benchmarks.webhooks --database sqlite
	@echo
	@$(BIN)/python -m benchmarks.webhooks --database postgresql
	@echo
	@$(BIN)/python -m benchmarks.storing --database sqlite
	@$(BIN)/python -m benchmarks.storing --database postgresql

audit: $(VENV)/.dev ## Try the service from outside with the audits of others; minutes, and a network the first time
	@$(BIN)/python -m tools.audit

lock: $(VENV)/.dev ## Compile the lock files from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group dev -o constraints-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group node -o constraints-node.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --group tracing -o constraints-tracing.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--group audit -o constraints-audit.txt

clean: ## Remove what was built and installed; the data stays
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# GraphiQL's own files, fetched once and verified, so that the page works without a network ever after.
# npm comes from the PATH, else from a Python wheel. Without either the service runs, and the page says what is missing.
graphiql: $(VENV)/.run
	@test -f build/graphiql/.complete || { \
		command -v npm >/dev/null || $(BIN)/python -m pip install -q --require-hashes -r constraints-node.txt; \
		$(BIN)/python -m tools.fetch_graphiql --into build/graphiql && touch build/graphiql/.complete; \
	} || echo "GraphiQL could not be fetched; everything else works. Try again with: make graphiql"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: constraints.txt | $(VENV)/bin/python
	@echo "installing the pinned dependencies"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	@touch $@

$(VENV)/.dev: constraints-dev.txt | $(VENV)/bin/python
	@echo "installing the pinned dependencies and the tools"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints-dev.txt
	@touch $@ $(VENV)/.run
