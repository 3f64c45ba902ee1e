#!/usr/bin/env bash
# Makes a folder with the files of Debian packages of another architecture and of all their dependencies, which a cross
# compiler and QEMU use as the root of the system. This system is not changed, and no root rights are needed.
#   sysroot.sh ARCHITECTURE FOLDER PACKAGE …
set -euo pipefail
architecture=$1 sysroot=$2
shift 2
[[ $(cat "$sysroot/packages" 2>/dev/null) != "$*" ]] || exit 0
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state"/{lists,archives}/partial
touch "$state/status"  # an empty status: no package is installed
apt=(apt-get -qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o "Dir::State=$state"
  -o "Dir::State::status=$state/status" -o "Dir::Cache=$state" -o APT::Sandbox::User=)
"${apt[@]}" update
"${apt[@]}" install --download-only -y --no-install-recommends "$@"
rm -rf "$sysroot"
mkdir -p "$sysroot"
for package in "$state"/archives/*.deb; do dpkg-deb --extract "$package" "$sysroot"; done
find "$sysroot" -type l -lname '/*' -printf '%p\n%l\n' |
  while read -r link && read -r target; do ln -sfr "$sysroot$target" "$link"; done
echo "$*" >"$sysroot/packages"
