#!/usr/bin/env bash
# The one command before a push: format, lint, types, import layers, fast tests. Needs an environment with the `dev` extra.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# The processes that tests start share what the first of them has compiled.
unset PYTHONDONTWRITEBYTECODE

ruff format --check .
ruff check .
lint-imports
# Types are checked on one core, which the tests then share.
mypy &
types=$!
trap 'kill "$types" 2>/dev/null || true' EXIT
# Options that follow win: `scripts/check.sh -m ""` runs the slow tests too.
pytest -n "${SCIML_TEST_WORKERS:-2}" --dist worksteal -m "not slow" "$@"
wait "$types"
