#!/usr/bin/env bash
# From a fresh clone to a measured, reusable surrogate: environment, install, data, training, comparison, page.
# Everything is written below ./quickstart; data that are whole are not made again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
install_into_venv .
export PATH="$(cd "$venv/bin" && pwd):$PATH"
# One thread per process: two on a busy machine wait for each other.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
started=$SECONDS

mkdir -p quickstart
cd quickstart
export SCIML_DATA="$PWD/data"

echo "1/4  data: 1150 Darcy problems, solved by finite volumes"
sciml generate darcy_2d --train 1000 --valid 50 --test 100 --workers 2

echo "2/4  training: a Fourier neural operator"
sciml fit --config operators/darcy_2d_fno.yaml

echo "3/4  comparison: baselines and the classical solver on the test split"
sciml test runs/darcy_2d_fno/latest

echo "4/4  report, and the predictor used again in a new process"
sciml report runs/darcy_2d_fno/latest
sciml predict runs/darcy_2d_fno/latest/model.sciml --in "$(ls data/darcy_2d/test/*.h5 | head -n 1)" --out prediction.nc

echo "done in $((SECONDS - started)) s after the install; open quickstart/runs/darcy_2d_fno/latest/report.html"
