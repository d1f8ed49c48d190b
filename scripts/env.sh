# Sourced by the other scripts: a virtual environment in .venv (or $SCIML_VENV), made with Python 3.11 or newer.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv="${SCIML_VENV:-.venv}"

python_command() {
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "sciml needs Python 3.11 or newer; name one with PYTHON=/path/to/python." >&2
    return 1
}

install_into_venv() { # install_into_venv SPEC ...
    if [ ! -x "$venv/bin/python" ]; then
        "$(python_command)" -m venv "$venv"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

export PYTHONUNBUFFERED=1
