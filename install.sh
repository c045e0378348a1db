#!/bin/sh
# Builds dbm-git from this checkout and installs it for the current user.
set -eu

usage() {
    cat <<'USAGE'
usage: install.sh [--prefix DIR] [--uninstall]

Builds dbm-git and installs it as DIR/bin/dbm-git; DIR is ~/.local by default.

  --prefix DIR   install below DIR
  --uninstall    remove DIR/bin/dbm-git again
  -h, --help     show this text
USAGE
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    shift
    for hint in "$@"; do
        printf '  hint: %s\n' "$hint" >&2
    done
    exit 1
}

prefix=''
uninstall=no
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || fail '--prefix needs a folder'
            prefix=$2
            shift
            ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --uninstall) uninstall=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
    esac
    shift
done
if [ -z "$prefix" ]; then
    [ -n "${HOME:-}" ] || fail 'HOME is not set' 'say where to install with --prefix DIR'
    prefix=$HOME/.local
fi
case $prefix in
    /*) ;;
    *) prefix=$PWD/$prefix ;;
esac
binary=$prefix/bin/dbm-git

if [ "$uninstall" = yes ]; then
    if [ -e "$binary" ]; then
        rm -f "$binary"
        printf 'removed %s\n' "$binary"
    else
        printf 'nothing to remove: %s does not exist\n' "$binary"
    fi
    exit 0
fi

cd "$(dirname "$0")"

# Rust may be installed without being on PATH, as in a fresh shell.
if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    export PATH
fi
command -v cargo >/dev/null ||
    fail 'cargo was not found' 'install Rust from https://rustup.rs, then open a new shell'
command -v rustc >/dev/null ||
    fail 'rustc was not found' 'install Rust from https://rustup.rs, then open a new shell'

wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' Cargo.toml)
found=$(rustc --version | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
is_at_least() {
    [ "${1%%.*}" -gt "${2%%.*}" ] && return 0
    minor=${2#*.}
    found_minor=${1#*.}
    [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${found_minor%%.*}" -ge "${minor%%.*}" ]
}
[ -n "$found" ] || fail '`rustc --version` did not say which version it is' 'is `rustup default stable` set?'
is_at_least "$found" "$wanted" ||
    fail "rustc $found is too old, $wanted or newer is needed" 'update it with `rustup update stable`'

compiler=${CC:-cc}
command -v "${compiler%% *}" >/dev/null ||
    fail "no C compiler: \`$compiler\` was not found (libgit2 and SQLite are compiled from source)" \
        'Debian, Ubuntu: sudo apt install gcc libc6-dev' \
        'Fedora: sudo dnf install gcc' \
        'macOS: xcode-select --install'

cargo build --release --locked

built=${CARGO_TARGET_DIR:-target}/release/dbm-git
mkdir -p "$prefix/bin"
# Beside the old one and renamed over it: a hook may be running that one.
cp "$built" "$binary.new.$$"
chmod 755 "$binary.new.$$"
mv -f "$binary.new.$$" "$binary"
printf 'installed %s (%s)\n' "$binary" "$("$binary" --version)"

case :$PATH: in
    *:"$prefix/bin":*) ;;
    *)
        printf 'warning: %s is not on PATH\n' "$prefix/bin" >&2
        printf '  hint: add this line to your shell'\''s start file: export PATH="%s:$PATH"\n' \
            "$prefix/bin" >&2
        ;;
esac
