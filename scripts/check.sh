#!/usr/bin/env bash
# The one command before a push: format, lint, types, import layers, fast tests. Needs an environment with the `dev` extra.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

ruff format --check .
ruff check .
mypy
lint-imports
# Options that follow win: `scripts/check.sh -m ""` runs the slow tests too.
pytest -n "${SCIML_TEST_WORKERS:-2}" --dist worksteal -m "not slow" "$@"
