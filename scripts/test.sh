#!/usr/bin/env bash
# All tests in an environment of their own: makes it, installs the package with its development tools, runs every check.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
install_into_venv --editable '.[dev]'
export PATH="$(cd "$venv/bin" && pwd):$PATH" OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# One run of fast and slow tests together: collecting them takes as long as many a test.
scripts/check.sh -m ""
