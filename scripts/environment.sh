# Sourced by the other scripts: make .venv, install the package into it, build what is compiled. Quick when nothing has changed.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
cd "$ROOT"

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

wanted=() # packages of Debian or Ubuntu

# wants COMMAND PACKAGE... : remember the packages that bring a command, where it is missing.
wants() {
    command -v "$1" >/dev/null || wanted+=("${@:2}")
}

# system_packages NAME... : install Debian or Ubuntu packages where that is possible, else say what is missing.
system_packages() {
    [ $# -gt 0 ] || return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
            fail "could not install $*; install them and run this again"
    else
        fail "missing: $*; install them (Debian, Ubuntu: sudo apt-get install $*) and run this again"
    fi
}

# Print the first Python that is new enough.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later not found; install it or name it: PYTHON=/path/to/python $0"
}

make_venv() {
    [ -x "$VENV/bin/python" ] && return
    rm -f "$VENV"/installed* # of an environment that is gone
    local python
    python="$(find_python)"
    command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null || system_packages gcc libc6-dev
    "$python" -c 'import ensurepip, venv' 2>/dev/null || system_packages python3-venv
    "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        system_packages python3-dev
    "$python" -m venv "$VENV"
}

# One number that changes with anything an installation depends on.
recipe() {
    {
        cat pyproject.toml setup.py scripts/environment.sh
        find fxlstm firmware -type f \( -name '*.[ch]' -o -name '*.p[yx][xdi]' -o -name SOURCES \) \
            ! -name '_*.c' -print | LC_ALL=C sort | xargs cat
    } | cksum
}

# Python compiles what is imported when it first is: of all that is installed, a fraction.
pip_install() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"
}

# prepare EXTRAS [PACKAGE...] : install this package with its extras ("" or "[test]"), editable, and PACKAGEs.
prepare() {
    local extras="$1" stamp
    shift
    make_venv
    stamp="$VENV/installed${extras//[^a-z]/-}"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$(recipe)" ]; then
        echo "preparing .venv" >&2
        pip_install "$@" --editable ".$extras"
        recipe >"$stamp"
    fi
}

# Clang with its sanitizers and libFuzzer, whose package has Clang's version in its name.
clang_with_fuzzer() {
    command -v clang >/dev/null || system_packages clang
    [ -e "$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a")" ] ||
        [ -e "$(clang -print-runtime-dir)/libclang_rt.fuzzer-$(uname -m).a" ] ||
        system_packages "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
}

# Another solver of crossbars to compare with. Without its dependencies: its plots need Cairo and a compiler, its solver does not.
badcrossbar() {
    "$VENV/bin/python" -m pip show --quiet badcrossbar 2>/dev/null ||
        pip_install --no-deps badcrossbar==1.1.0 pathvalidate==3.3.1
}
