#!/bin/sh
# Pin every dependency, for all systems and versions of Python, by hash and without an index.
set -eu
venv=$1
command -v uv >/dev/null || "$venv/bin/python" -m pip install --quiet uv
PATH="$venv/bin:$PATH" uv pip compile pyproject.toml --group dev \
    --universal --python-version 3.11 --generate-hashes --quiet \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
    --output-file requirements.lock
if grep -nE '^(-|[^#]*://)' requirements.lock; then
    echo "requirements.lock must not name an address" >&2
    exit 1
fi
