#!/usr/bin/env bash
# Sets Jupyter up for lossc, from nothing: the evcxr kernel (Rust in cells), and a Python environment that executes
# notebooks. Run it again at any time; what is there already is left alone.
#
# LOSSC_CACHE: a folder that keeps what is slow to build, for machines that begin with a fresh clone each time.
set -euo pipefail
cd "$(dirname "$0")"

version=0.22.0
say() { printf 'setup: %s\n' "$1"; }

installed="$(cargo install --list | sed -n 's/^evcxr_jupyter v\([^ :]*\).*/\1/p')"
if [ "$installed" = "$version" ]; then
    say "evcxr_jupyter $version is installed"
else
    say "installing evcxr_jupyter $version${installed:+ in place of $installed}: about 12 minutes on two cores"
    cargo install --locked --force evcxr_jupyter --version "$version"
fi
kernel="${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}/bin/evcxr_jupyter"
command -v "$kernel" >/dev/null || kernel=evcxr_jupyter
"$kernel" --install >/dev/null
say "the kernel \`rust\` is registered"

# evcxr finds the types of a cell's variables with rust-analyzer, which reads the standard library's source.
if [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    say "rust-src is there"
elif command -v rustup >/dev/null && rustup component add rust-src; then
    say "rust-src is installed"
else
    say "rust-src cannot be installed: a variable that is to live beyond its cell may need its type, \`let x: Loss = …\`" >&2
fi

if [ -n "${LOSSC_CACHE:-}" ]; then
    mkdir -p "$LOSSC_CACHE/evcxr" "$LOSSC_CACHE/venv"
    for name in evcxr venv; do
        [ -e ".$name" ] || ln -s "$(cd "$LOSSC_CACHE/$name" && pwd)" ".$name"
    done
fi
[ -x .venv/bin/python ] || python3 -m venv .venv
if cmp -s requirements.txt .venv/requirements.txt; then
    say "the Python environment is there"
else
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
    cp requirements.txt .venv/requirements.txt
fi
say "done: jupyter/.venv/bin/python jupyter/run.py jupyter/lossc.ipynb OUT.ipynb executes the notebook"
