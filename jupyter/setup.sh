#!/usr/bin/env bash
# Sets Jupyter up for lossc, from nothing: the evcxr kernel (Rust in cells), and a Python environment that executes
# notebooks. Run it again at any time; what is there already is left alone.
#
# LOSSC_CACHE: a folder that keeps what is slow to build, for machines that begin with a fresh clone each time.
set -euo pipefail
cd "$(dirname "$0")"

version=0.22.0
say() { printf 'setup: %s\n' "$1"; }
for tool in cargo python3; do
    "$tool" --version >/dev/null || { say "$tool does not run; it is needed" >&2; exit 1; }
done

root="${CARGO_INSTALL_ROOT:-${CARGO_HOME:-$HOME/.cargo}}"
installed() { cargo install --list --root "$1" 2>/dev/null | sed -n 's/^evcxr_jupyter v\([^ :]*\).*/\1/p'; }
if [ -n "${LOSSC_CACHE:-}" ]; then
    mkdir -p "$LOSSC_CACHE"
    LOSSC_CACHE="$(cd "$LOSSC_CACHE" && pwd)"
    [ "$(installed "$root")" = "$version" ] || root="$LOSSC_CACHE/cargo"
fi
found="$(installed "$root")"
if [ "$found" = "$version" ]; then
    say "evcxr_jupyter $version is installed"
else
    say "installing evcxr_jupyter $version${found:+ in place of $found}: about 12 minutes on two cores"
    cargo install --quiet --locked --force evcxr_jupyter --version "$version" --root "$root"
fi

# A cell is a library that looks for Rust's own beside the toolchain, by a path relative to a folder in which it no longer
# lies when it is loaded: that finds it from /tmp, and not from a folder that is kept at home. So the kernel is told.
specification="$("$root/bin/evcxr_jupyter" --install | sed -n 's/^Writing \(.*kernel\.json\)$/\1/p')"
python3 - "$specification" "$root/bin/evcxr_jupyter" <<'PY'
import json, sys
path, program = sys.argv[1:]
with open(path) as file:
    kernel = json.load(file)
start = 'LD_LIBRARY_PATH="$(rustc --print target-libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$0" "$@"'
kernel["argv"] = ["/bin/sh", "-c", start, program, "--control_file", "{connection_file}"]
with open(path, "w") as file:
    json.dump(kernel, file, indent=2)
PY
say "the kernel \`rust\` is registered"

# evcxr finds the types of a cell's variables with rust-analyzer, which reads the standard library's source.
if [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
    say "rust-src is there"
elif command -v rustup >/dev/null && rustup component add rust-src; then
    say "rust-src is installed"
else
    say "rust-src cannot be installed: a variable that is to live beyond its cell may need its type, \`let x: Loss = …\`" >&2
fi

venv="$PWD/.venv"
if [ -n "${LOSSC_CACHE:-}" ]; then
    venv="$LOSSC_CACHE/venv"
    mkdir -p "$LOSSC_CACHE/evcxr"
    [ -e .evcxr ] || ln -sfn "$LOSSC_CACHE/evcxr" .evcxr
fi
# The kernel compiles the versions that lossc is tested with.
mkdir -p .evcxr
cp ../Cargo.lock .evcxr/Cargo.lock
if [ -x "$venv/bin/python" ] && cmp -s requirements.txt "$venv/requirements.txt"; then
    say "the Python environment is there"
else
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
    cp requirements.txt "$venv/requirements.txt"
    say "the Python environment is installed"
fi
say "done: $venv/bin/python run.py lossc.ipynb OUT.ipynb, here in jupyter/, executes the notebook"
