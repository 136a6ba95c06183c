#!/bin/sh
# Make .venv (or VENV) ready: the package with EXTRAS, and the dependency GROUPS, installed in it.
#
#   tools/environment.sh EXTRAS [GROUP ...]        e.g. tools/environment.sh all dev
#
# Needs Python 3.11 or later and pip; uses uv where it is installed, unless UV is set to nothing.
# PYTHON chooses the interpreter.
# An installation that was interrupted is noticed by the mark it leaves, and begun again from nothing.
set -eu
cd "$(dirname "$0")/.."

extras=$1
shift
venv=${VENV:-.venv}
python=$venv/bin/python
mark=$venv/.unfinished

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $1"; shift; for line in "$@"; do say "  $line"; done; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or later"
        echo "$PYTHON"
        return
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if new_enough "$name"; then echo "$name"; return; fi
    done
    die "no Python 3.11 or later was found" \
        "install one, or say where it is:  make PYTHON=/path/to/python3.12 ..."
}

usable() { new_enough "$python" && { [ -n "$uv" ] || "$python" -m pip --version >/dev/null 2>&1; }; }

create_with_pip() {
    base=$(find_python) || exit 1
    if "$base" -m venv "$venv" >/dev/null 2>&1; then return; fi
    # Debian packs ensurepip apart from Python: then the pip outside fills the environment.
    rm -rf "$venv"
    if "$base" -m venv --without-pip "$venv" && "$base" -m pip --python "$python" install --quiet 'pip>=25.1'
    then return; fi
    rm -rf "$venv"
    die "$base cannot make a virtual environment" \
        "on Debian or Ubuntu:  sudo apt install python3-venv" \
        "elsewhere: install Python from python.org, or uv, and run the same command again"
}

create() {
    rm -rf "$venv"
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --python "${PYTHON:->=3.11}" "$venv"
    else
        create_with_pip
    fi
}

install() {
    if [ -n "$uv" ]; then
        "$uv" pip install --quiet --python "$python" "$@"
    else
        "$python" -m pip install --quiet 'pip>=25.1'  # the first that knows dependency groups
        "$python" -m pip install --quiet "$@"
    fi
}

uv=${UV-$(command -v uv || true)}
if [ -e "$mark" ] || ! usable; then
    say "making $venv ..."
    create
fi
: > "$mark"
rm -f "$venv"/.ready-*  # whoever calls writes them again when all is done
groups=""
for group in "$@"; do groups="$groups --group $group"; done
say "installing wengert[$extras]${groups:+ with$groups} ..."
# shellcheck disable=SC2086 # groups is a list of words
install $groups --editable ".[$extras]"
rm "$mark"
