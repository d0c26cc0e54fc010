#!/bin/sh
# Make the virtual environment named on the command line, with everything in requirements.lock.
set -eu
venv=$1

fits() { # whether a command is a Python that the wheels are made for
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if command -v "$candidate" >/dev/null && fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11, 3.12 or 3.13 is needed; ${PYTHON:-what is on the PATH} is not one." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2
    exit 1
}

has_pip() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

give_pip() { # Debian leaves ensurepip to a package of its own
    "$venv/bin/python" -m ensurepip --upgrade >/dev/null 2>&1 && return
    version=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing python$version-venv, which Debian keeps apart from Python"
        apt-get update -qq && apt-get install -y -qq "python$version-venv" >/dev/null
        "$venv/bin/python" -m ensurepip --upgrade >/dev/null 2>&1 && return
    fi
    echo "This Python comes without ensurepip. Install it (on Debian and Ubuntu:" >&2
    echo "apt install python$version-venv) and run make again." >&2
    exit 1
}

if ! { [ -x "$venv/bin/python" ] && fits "$venv/bin/python"; }; then
    python=$(find_python)
    echo "making $venv with $("$python" --version)"
    "$python" -m venv --clear --without-pip "$venv"
fi
has_pip || give_pip

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

total=$(grep -c '^[A-Za-z0-9].*==' requirements.lock)
tty=0; [ -t 1 ] && tty=1
# What pip says, as one line that counts; its warnings and errors go past it.
count() {
    awk -v total="$total" -v tty="$tty" '
        function say(text) { if (tty) printf "\r\033[K%s", text; else print text; fflush() }
        /^Collecting / { n++
            if (tty || n % 20 == 0) say(sprintf("  %d of %d packages: %s", n, total, $2)) }
        /^Installing collected packages/ { say("  unpacking all of them (half a minute)") }
        END { if (tty) printf "\r\033[K" }'
}

echo "installing the $total packages of requirements.lock (200 MB; a minute or two the first time)"
status=$(mktemp)
{ pip install --require-hashes -r requirements.lock || echo failed >"$status"; } | count
if [ -s "$status" ]; then rm "$status"; exit 1; fi
rm "$status"
echo "installing the program itself"
pip install --quiet --no-deps --no-build-isolation -e .
"$venv/bin/pybabel" -q compile -d locales -D notifier
echo "ready: $venv/bin/notifier --help"
