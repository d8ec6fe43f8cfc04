#!/bin/sh
# Starts EigenLoRAx Studio on Linux and macOS; flags are those of app.py.
# The first start makes .venv and fetches the packages. TORCH_INDEX names another build of torch, such as
# one for ROCm: https://pytorch.org/get-started/locally/
set -eu
cd "$(dirname "$0")/../.."

end() {
    if [ "$1" -ne 0 ] && [ -t 0 ]; then
        printf 'Press Enter to close this window. '
        read -r _
    fi
    exit "$1"
}

fail() {
    echo "$1" >&2
    end 1
}

# PyPI's builds have CUDA on Linux and Apple's GPU on macOS; without either, the one for CPUs is far smaller.
torch_index() {
    if [ -n "${TORCH_INDEX:-}" ]; then
        echo "$TORCH_INDEX"
    elif [ "$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null; then
        echo https://download.pytorch.org/whl/cpu
    fi
}

install() {
    index=$(torch_index)
    if command -v rocm-smi >/dev/null && [ -z "${TORCH_INDEX:-}" ]; then
        echo "A card of AMD is here: to draw on it, delete .venv and start with TORCH_INDEX set to the" >&2
        echo "ROCm address that https://pytorch.org/get-started/locally/ names." >&2
    fi
    if [ -n "$index" ]; then
        torch=$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' requirements.txt)
        .venv/bin/python -m pip install --index-url "$index" "$torch" || return 1
    fi
    .venv/bin/python -m pip install -r requirements.txt || return 1
    cp requirements.txt .venv/installed.txt
}

if [ ! -x .venv/bin/python ]; then
    python=
    for one in python3.13 python3.12 python3.11 python3; do
        if command -v "$one" >/dev/null && "$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python=$one
            break
        fi
    done
    [ -n "$python" ] || fail "Python 3.11 or newer is missing: get it from https://www.python.org/downloads/"
    "$python" -m venv .venv || fail "No .venv could be made: install python3-venv, then start again."
fi
if ! cmp -s requirements.txt .venv/installed.txt; then
    echo "Fetching the packages, once: this takes some minutes."
    install || fail "The packages could not be fetched: go online, then start again."
fi
status=0
.venv/bin/python app.py "$@" || status=$?
end "$status"
