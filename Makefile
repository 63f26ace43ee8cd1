# `make run` and `make test` set up everything that they need on a fresh Debian machine with Rust.

# release, or dev for a faster build: make run PROFILE=dev
PROFILE ?= release
TARGET_DIR ?= $(or $(CARGO_TARGET_DIR),target)
FOLDER = $(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# The committed .sqlx, whatever database the environment names.
export SQLX_OFFLINE = true

.DEFAULT_GOAL := help
.PHONY: help run build test lint check bench sqlx image clean

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-16s %s\n", $$1, $$2 }'

run: build ## Build the portal and serve it at http://127.0.0.1:8080 (PROFILE=dev builds faster)
	@exec $(TARGET_DIR)/$(FOLDER)/slipway serve

build:
	@bash tests/setup.sh
	@cargo build --locked --profile $(PROFILE)

test: ## Run all tests, in cargo and in a real browser
	@bash tests/run.sh

lint: ## Check format, lints, docs, scripts, image and workflow
	@bash tests/lint.sh

check: lint test ## Lint and test
	@bash tests/sqlx.sh --check

bench: ## Measure a release build with 10,000 entities
	@bash tests/bench/run.sh

sqlx: ## Write .sqlx anew after a change of a statement or of the schema
	@bash tests/sqlx.sh

image: ## Build the container image and start its command line (needs Docker)
	@docker build --tag slipway .
	@docker run --rm --read-only slipway --help

clean: ## Remove what was built
	@cargo clean
