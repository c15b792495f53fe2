# Each target is one line; `make check` is what CI runs.
.PHONY: help setup fmt lint types layers test test-pg test-long coverage openapi metrics demo serve bench bench-pages image check
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install everything from the lock into .venv
	uv sync --locked

fmt: ## Format, and fix what the linter can fix
	uv run ruff format && uv run ruff check --fix

lint: ## Check format and lint
	uv run ruff format --check && uv run ruff check

types: ## Check types, strictly
	uv run mypy

layers: ## Check who imports whom
	uv run lint-imports

test: ## Run the whole suite on the embedded PostgreSQL
	uv run pytest

test-pg: ## Run the suite on another PostgreSQL: make test-pg BIN=/usr/lib/postgresql/15/bin
	PIDEAI_TEST_PG_BIN=$(BIN) uv run pytest

test-long: ## Run the tests that are shortened otherwise, in full
	PIDEAI_TEST_LONG=1 uv run pytest -m long

coverage: ## Run the suite and show which lines it never reached
	uv run pytest --cov --cov-report=term-missing:skip-covered

openapi: ## Refresh docs/openapi.json, the description of the API with this workspace's plugins
	PIDEAI_PLUGINS=whatsapp,webhook-bridge uv run pideai-host openapi --plugins > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json

metrics: ## Refresh docs/metrics.md, the list of the metrics
	uv run python -m pideai_host.telemetry.page > docs/metrics.md.new && mv docs/metrics.md.new docs/metrics.md

demo: ## Take one order all the way
	uv run pideai-host demo

serve: ## Play the demo and keep the host up
	uv run pideai-host demo --serve

bench: ## Measure, beside the bare pipeline (docs/benchmarks.md)
	uv run python -m benchmarks

bench-pages: ## Measure all, and write the pages: make bench-pages PEERS=DIR
	uv run python -m benchmarks --peers $(PEERS) --json benchmarks.json --page docs/benchmarks.md
	uv run python -m benchmarks.explain --write docs/explain.md

image: ## Build the container image
	docker build -f Containerfile -t pideai-host .

check: ## Run what CI runs
	bash .ci/run
