#!/bin/sh
# The Debian packages, installed by dpkg into a root of their own, where the program then runs its demonstrations:
#   package_test.sh BUILD PREFIX CPACK
# PREFIX is the folder of `cmake --install`; the packages together hold the same files.
set -eu
build=$1 installed=$2 cpack=$3
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() {
  echo "$*"
  exit 1
}

(cd "$build" && "$cpack" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip -B "$place/packages") >"$place/log" 2>&1 || fail "$(cat "$place/log")"
set -- "$place"/packages/*.deb
[ $# -eq 4 ] || fail "not four packages: $*"

# A root with this system's list of packages but without their files: dpkg checks the dependencies of ours.
root=$place/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
cp /var/lib/dpkg/status "$root/var/lib/dpkg/status"
PATH=$PATH:/usr/sbin:/sbin dpkg --root="$root" --force-not-root --force-script-chrootless \
  --no-triggers --install "$@" >"$place/log" 2>&1 ||
  fail "$(grep -v 'files list file for package' "$place/log")"
for package in stratoscope libstratoscope-dev python3-stratoscope; do
  dpkg --root="$root" --status "$package" | grep -q '^Status: install ok installed$' || fail "$package is not installed"
done

# Dependencies are computed from the libraries that the program and the library are linked with.
for name in libhwy1 libpcre2-8-0; do
  for package in stratoscope libstratoscope0.1; do
    dpkg --root="$root" --status "$package" | grep -q "^Depends:.* $name" || fail "$package does not depend on $name"
  done
done
dpkg --root="$root" --status stratoscope | grep -q '^Depends:.* libcurl4' || fail "stratoscope does not depend on libcurl4"

list() { (cd "$1" && find . ! -type d ! -path './share/doc/*' | sort); }
list "$installed" >"$place/expected"
list "$root/usr" >"$place/packaged"
diff "$place/expected" "$place/packaged" || fail "the packages do not hold what is installed"

# Nothing of the build folder or the source tree is needed.
cd "$place"
env -i HOME="$place" PATH=/usr/bin:/bin "$root/usr/bin/stratoscope" demo --out "$place/demo" \
  >"$place/printed" || fail "the demo failed"
for made in index.html activations.svg; do
  [ -s "$place/demo/$made" ] || fail "no $made: $(ls "$place/demo")"
done
cat "$place/printed"

# The package's Python finds the library and the model of the other packages.
library=$(dirname "$(find "$root/usr/lib" -name 'libstratoscope.so.*' | head -n 1)")
env -i HOME="$place" PATH=/usr/bin:/bin PYTHONPATH="$root/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$library" \
  /usr/bin/python3 -B -c 'import stratoscope; print(stratoscope.load().run("The king").logits.shape)' || fail "Python failed"
