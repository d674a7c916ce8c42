# shellcheck shell=bash
# Sourced by every script beside it: finds Python, keeps the virtual environment up to date with requirements.lock.
#
# After `bootstrap`, PYTHON is the environment's interpreter, the working directory is the checkout, and
# HEDDLE_CALLER_DIRECTORY is where the caller was: relative paths on the command line and in the environment are meant
# from there.
# HEDDLE_VENV puts the environment somewhere other than <checkout>/.venv.

set -euo pipefail

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${HEDDLE_VENV:-$ROOT/.venv}"
[[ "$VENV" == /* ]] || VENV="$PWD/$VENV"
PYTHON="$VENV/bin/python"
LOCK="$ROOT/requirements.lock"
STAMP="$VENV/.heddle-installed"

# Prints the comment at the head of the calling script when the first argument asks for help.
help_if_asked() {
  case "${1:-}" in
  -h | --help)
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0"
    exit 0
    ;;
  esac
}

say() { printf '%s\n' "$*" >&2; }

# True when $1 is a Python that can run Heddle and, without uv, make an environment by itself.
usable_python() {
  local modules="sys"
  command -v uv >/dev/null 2>&1 || modules="sys, venv, ensurepip"
  "$1" -I -c "import $modules; sys.exit(sys.version_info < (3, 12))" >/dev/null 2>&1
}

# Says of each Python that is there but is not usable why it is not.
why_not() {
  local name version
  for name in python3.13 python3.12 python3.14 python3 python; do
    command -v "$name" >/dev/null 2>&1 || continue
    # Every Python since 2.6 understands this.
    version="$("$name" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)" || version=""
    case "$version" in
    "") say "  $name does not run" ;;
    2.* | 3.[0-9].* | 3.1[01].*) say "  $name is $version, too old" ;;
    *) say "  $name is $version, without venv or ensurepip (on Debian and Ubuntu: apt-get install python3-venv)" ;;
    esac
  done
}

# Prints the path of the best Python there is: 3.13 wherever it lives, then 3.12, 3.14, then any other that is new enough.
find_python() {
  local version candidate
  for version in 3.13 3.12 3.14; do
    # A pyenv shim is on PATH even for a version that is switched off; running the candidate tells.
    for candidate in "python$version" "$HOME/.pyenv/versions/$version"*/bin/python; do
      if usable_python "$candidate"; then
        command -v "$candidate"
        return
      fi
    done
    if command -v uv >/dev/null 2>&1 && candidate="$(uv python find --no-project --system "$version" 2>/dev/null)" &&
      usable_python "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  for candidate in python3 python; do
    if usable_python "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  say "Heddle needs Python 3.12 or newer (3.13 is best), and found none that works"
  say "on PATH, in ~/.pyenv/versions or among those that uv knows."
  why_not
  say "Any one of these helps:"
  say "  uv python install 3.13"
  say "  pyenv install 3.13"
  say "  your system's packages, where they have Python 3.12 or newer with venv"
  return 1
}

# What the environment must have been made from: the lock file's hash.
wanted_stamp() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$LOCK"
  else
    shasum -a 256 <"$LOCK"
  fi
}

up_to_date() { [[ -f "$STAMP" && "$(<"$STAMP")" == "$1" ]] && usable_python "$PYTHON"; }

# Makes or updates the environment. The stamp is written last, so a broken-off attempt is taken up again.
install_packages() {
  local base
  rm -f "$STAMP"
  if command -v uv >/dev/null 2>&1; then
    if ! usable_python "$PYTHON"; then
      base="$(find_python)"
      say "Making $VENV with $base"
      uv venv --quiet --clear --python "$base" "$VENV"
    fi
    say "Installing the packages of requirements.lock (uv)"
    uv pip install --quiet --python "$PYTHON" --require-hashes -r "$LOCK"
  else
    if ! usable_python "$PYTHON" || ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
      base="$(find_python)"
      say "Making $VENV with $base"
      "$base" -m venv --clear "$VENV"
    fi
    say "Installing the packages of requirements.lock (pip; about a minute the first time)"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$LOCK"
  fi
}

bootstrap() {
  local stamp
  HEDDLE_CALLER_DIRECTORY="$PWD"
  export HEDDLE_CALLER_DIRECTORY
  cd -- "$ROOT"
  stamp="$(wanted_stamp)"
  if up_to_date "$stamp"; then return; fi
  # Two scripts that start together must not install into one environment at once: the second waits, then finds it done.
  exec 9<"$LOCK"
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  if ! up_to_date "$stamp"; then
    install_packages
    printf '%s\n' "$stamp" >"$STAMP.new"
    mv -- "$STAMP.new" "$STAMP"
  fi
  exec 9>&-
}
