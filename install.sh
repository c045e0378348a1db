#!/bin/sh
# Installs dbm-git for the current user: from a release archive, or built from
# this checkout.
set -eu

usage() {
    cat <<'USAGE'
usage: install.sh [--prefix DIR] [--archive FILE [--checksum SHA256 |
                  --checksum-file FILE | --no-checksum]] [--uninstall]

Builds dbm-git and installs it as DIR/bin/dbm-git; DIR is ~/.local by default.

  --prefix DIR           install below DIR
  --archive FILE         build nothing, take it from this release archive
  --checksum SHA256      what the archive must have; by default it is looked up
                         in FILE.sha256 beside the archive
  --checksum-file FILE   look it up in this file, as sha256sum writes it
  --no-checksum          trust the archive as it is
  --uninstall            remove DIR/bin/dbm-git again
  -h, --help             show this text
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
archive=''
checksum=''
checksum_file=''
trusted=no
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || fail '--prefix needs a folder'
            prefix=$2
            shift
            ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --archive)
            [ -n "${2:-}" ] || fail '--archive needs a file'
            archive=$2
            shift
            ;;
        --archive=?*) archive=${1#--archive=} ;;
        --checksum)
            [ -n "${2:-}" ] || fail '--checksum needs 64 hexadecimal digits'
            checksum=$2
            shift
            ;;
        --checksum=?*) checksum=${1#--checksum=} ;;
        --checksum-file)
            [ -n "${2:-}" ] || fail '--checksum-file needs a file'
            checksum_file=$2
            shift
            ;;
        --checksum-file=?*) checksum_file=${1#--checksum-file=} ;;
        --no-checksum) trusted=yes ;;
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
given=0
[ -z "$checksum" ] || given=$((given + 1))
[ -z "$checksum_file" ] || given=$((given + 1))
[ "$trusted" = no ] || given=$((given + 1))
[ "$given" -le 1 ] || fail '--checksum, --checksum-file and --no-checksum exclude each other'
[ "$given" -eq 0 ] || [ -n "$archive" ] || fail 'a checksum is for an --archive, and there is none'

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

is_at_least() {
    [ "${1%%.*}" -gt "${2%%.*}" ] && return 0
    minor=${2#*.}
    found_minor=${1#*.}
    [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${found_minor%%.*}" -ge "${minor%%.*}" ]
}

# Builds from this checkout, and sets $built.
build() {
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
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -d ' ' -f 1
    elif command -v shasum >/dev/null; then
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    else
        fail 'neither sha256sum nor shasum was found' 'install one of them, or say --no-checksum'
    fi
}

# Sets $checksum from the file given, or from the one beside the archive.
find_checksum() {
    if [ -z "$checksum_file" ]; then
        checksum_file=$archive.sha256
        [ -e "$checksum_file" ] ||
            fail "nothing tells what $archive must be: there is no $checksum_file" \
                'put it beside the archive, or say --checksum SHA256' \
                '--no-checksum trusts the archive as it is'
    fi
    [ -r "$checksum_file" ] || fail "cannot read $checksum_file"
    # One line for each file, or a single one that may have no name.
    name=${archive##*/}
    checksum=$(awk -v name="$name" '
        { file = $2; sub(/^\*/, "", file) }
        file == name || (file == "" && NF == 1) { print $1; exit }
    ' "$checksum_file")
    [ -n "$checksum" ] || fail "$checksum_file has no line for $name"
}

verify() {
    [ -n "$checksum" ] || find_checksum
    checksum=$(printf '%s' "$checksum" | tr 'A-F' 'a-f')
    case $checksum in
        *[!0-9a-f]*) fail "not a SHA-256 checksum: $checksum" ;;
    esac
    [ "${#checksum}" -eq 64 ] || fail "not a SHA-256 checksum: $checksum"
    found=$(sha256 "$archive")
    [ "$found" = "$checksum" ] ||
        fail "$archive has the checksum $found and must have $checksum; nothing was installed" \
            'download it again'
}

# Takes the program out of the archive, and sets $built.
unpack() {
    [ -r "$archive" ] || fail "cannot read the archive $archive"
    [ "$trusted" = yes ] || verify
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # Nothing else is unpacked, whatever there may be. From stdin, since a name
    # with a colon in it is a remote host's to some.
    member=$(tar -tzf - <"$archive" | grep -E '^[^/]+/dbm-git$' | head -n 1)
    [ -n "$member" ] || fail "there is no dbm-git in $archive"
    tar -xzf - -C "$unpacked" "$member" <"$archive"
    built=$unpacked/$member
}

if [ -n "$archive" ]; then unpack; else build; fi

mkdir -p "$prefix/bin"
# Beside the old one and renamed over it: a hook may be running that one.
cp "$built" "$binary.new.$$"
chmod 755 "$binary.new.$$"
version=$("$binary.new.$$" --version) || {
    rm -f "$binary.new.$$"
    fail "the program does not run on this machine ($(uname -sm)), nothing was installed" \
        'is the archive one for it?'
}
mv -f "$binary.new.$$" "$binary"
printf 'installed %s (%s)\n' "$binary" "$version"

case :$PATH: in
    *:"$prefix/bin":*) ;;
    *)
        printf 'warning: %s is not on PATH\n' "$prefix/bin" >&2
        printf '  hint: add this line to your shell'\''s start file: export PATH="%s:$PATH"\n' \
            "$prefix/bin" >&2
        ;;
esac
