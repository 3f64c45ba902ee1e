#!/bin/sh
# An installed program finds its model in its own prefix: install_test.sh BUILD_FOLDER
set -eu
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >"$prefix/log" || { cat "$prefix/log"; exit 1; }
test -f "$prefix/share/stratoscope/models/novella-7m/model.safetensors"
cd /
info=$(env -i "$prefix/bin/stratoscope" info --json)
case $info in
  *"$prefix/bin/../share/stratoscope/models/novella-7m"* | *"$prefix/share/stratoscope/models/novella-7m"*) ;;
  *) echo "the installed program reads another model:"; echo "$info" | head -20; exit 1 ;;
esac
env -i "$prefix/bin/stratoscope" predict "It was the best of" --top 1
