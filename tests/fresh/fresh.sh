#!/usr/bin/env bash
# The README's two commands on a minimal Debian 12 with git. Run by hand, as root:
#   tests/fresh/fresh.sh [--mirror URL] [--keep] [FOLDER]
# Makes the system in FOLDER (default: a temporary one) with debootstrap, clones the last commit of this repository into
# it, runs `./run demo` and `./run test` there, and prints what each took. With --keep the system stays for a look inside.
# The mirror is the one that this machine has its own bookworm from; names, proxies and certificates are this machine's.
set -euo pipefail

root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..
mirror="" keep=no folder=""

die() {
  echo "fresh: $*" >&2
  exit 1
}

while [[ $# -gt 0 ]]; do
  case $1 in
    --mirror)
      mirror=${2?--mirror needs a URL}
      shift
      ;;
    --keep) keep=yes ;;
    -*) die "no such option: $1" ;;
    *) folder=$1 ;;
  esac
  shift
done

[[ $EUID -eq 0 ]] || die "only root can change into another system"
command -v debootstrap >/dev/null || die "debootstrap is missing (apt install debootstrap)"
# Mounts in a separate namespace disappear when this script ends, in any way.
if [[ -z ${FRESH_NAMESPACE-} ]]; then
  arguments=(${mirror:+--mirror "$mirror"})
  [[ $keep == no ]] || arguments+=(--keep)
  FRESH_NAMESPACE=yes exec unshare --mount --pid --fork --kill-child "$0" "${arguments[@]}" ${folder:+"$folder"}
fi

# shellcheck disable=SC2016  # apt's own variables
[[ -n $mirror ]] || mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
  awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
[[ -n $mirror ]] || die "no bookworm among apt's sources here; name one with --mirror URL"

system=${folder:-$(mktemp -d)}
mkdir -p "$system"
system=$(readlink -f "$system")
[[ -z $(ls -A "$system") ]] || die "$system is not empty"

end() {
  umount --recursive "$system"/{proc,dev} 2>/dev/null || true
  [[ $keep == yes ]] || rm -rf --one-file-system "$system"
}
trap end EXIT

inside() { # as on a terminal of the new system, with nothing of this one's environment but the way to the network
  local network=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [[ -z ${!name-} ]] || network+=("$name=${!name}")
  done
  env -i HOME=/root LANG=C.UTF-8 TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "${network[@]}" chroot "$system" bash -c "$1" </dev/null
}

report=()
step() { # WHAT COMMAND …: runs it, and notes what it took
  local what=$1 began=$SECONDS status=0
  shift
  echo "fresh: $what" >&2
  "$@" || status=$?
  report+=("$(printf '%-32s %5d s  %6d MiB in the system  status %d' "$what" $((SECONDS - began)) \
    "$(du --summarize --one-file-system --block-size=1M "$system" | cut -f1)" "$status")")
  [[ $status -eq 0 ]] || failed=yes
}

prepare() {
  git clone --quiet --bare --no-hardlinks "$root" "$system/repository"
  mount -t proc proc "$system/proc"
  mount --rbind /dev "$system/dev"
  mount --make-rslave "$system/dev"
  cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
  apt-config dump | grep -i '^Acquire::[a-z]*::Proxy' >"$system/etc/apt/apt.conf.d/90proxy" || true
  mkdir -p "$system/usr/local/share/ca-certificates"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp -t "$system/usr/local/share/ca-certificates" {} +
  # git is a precondition of the README.
  inside "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends git \
    ca-certificates >/dev/null && git config --system --add safe.directory '*'"
}

failed=no
step "a minimal Debian 12" debootstrap --variant=minbase bookworm "$system" "$mirror" >/dev/null
[[ $failed == no ]] || die "debootstrap failed: $(tail -n 3 "$system/debootstrap/debootstrap.log")"
step "git, and what it needs" prepare
[[ $failed == no ]] || die "the system cannot be prepared"
step "git clone" inside "cd && git clone --quiet /repository stratoscope"
step "./run demo" inside "cd ~/stratoscope && ./run demo"
step "./run test" inside "cd ~/stratoscope && ./run test"
report+=("packages: $(inside "dpkg-query -f '.\n' -W | wc -l"), commit $(git -C "$root" rev-parse --short HEAD)")
report+=("versions: $(inside "g++ -dumpfullversion; cmake --version | sed -n '1s/.* //p'; node --version; python3 -V" |
  tr '\n' ' ')")
printf '%s\n' "${report[@]}"
[[ $failed == no ]] || die "not everything worked"
