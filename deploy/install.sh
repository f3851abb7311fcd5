#!/bin/sh
# Create .venv and install one locked set of packages into it. Every failure is one line with its fix.
# Usage: PYTHON=python3 sh deploy/install.sh requirements.lock
set -u
lock=$1
log=.venv/install.log

fail() {
    echo "install: $1" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    fail "there is no $PYTHON: install Python 3.11 or newer, or name it: PYTHON=/path/to/python3.12 make install"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$PYTHON" --version 2>&1) is too old: PYTHON=/path/to/python3.11 make install (3.11 or newer)"

if ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "Python's venv module is missing: apt install python3-venv (Debian, Ubuntu), then again"
    "$PYTHON" -m venv --clear .venv >/dev/null 2>&1 ||
        fail "cannot create .venv in $(pwd): is the folder writable and is there 500 MB of disk?"
fi

echo "installing $lock into .venv (once, about a minute)"
# The same for both calls; packages are what their hashes say, or the installation ends.
install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: "$@" >"$log" 2>&1
}

# django-timescaledb is pure Python and published as source only; all else must come as wheels.
# pip's isolated build would fetch whatever setuptools is newest and check no hash of it.
if ! install -r requirements-build.lock ||
    ! install --no-build-isolation --no-binary django-timescaledb -r "$lock"; then
    case $(cat "$log") in
    *"No space left on device"*) fail "the disk is full: free 500 MB and start again" ;;
    *"No matching distribution"*"none"* | *"NewConnectionError"* | *"ConnectTimeout"* | \
        *"ProxyError"* | *"Temporary failure in name resolution"* | *"Max retries exceeded"*)
        fail "the package registry is out of reach: check the network, a proxy or PIP_INDEX_URL ($log)" ;;
    *"No matching distribution found for "*)
        wanted=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$log" | head -n 1)
        fail "no wheel of $wanted for $("$PYTHON" --version 2>&1) on $(uname -sm): use Python 3.11 to 3.14 on Linux or macOS" ;;
    *"must have their versions pinned"*)
        wanted=$(sed -n 's/^    \([a-zA-Z0-9._-]*\).* from .*/\1/p' "$log" | head -n 1)
        fail "$lock lacks $wanted, which $("$PYTHON" --version 2>&1) needs: name a newer one, PYTHON=python3.12 make install" ;;
    *"DO NOT MATCH THE HASHES"*)
        fail "a download differs from $lock: try again; if it stays, the registry is not to be trusted ($log)" ;;
    *) fail "$(grep -i error "$log" | tail -n 1) ($log)" ;;
    esac
fi
