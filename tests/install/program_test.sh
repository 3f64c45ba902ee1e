#!/bin/sh
# The installed program works under any prefix, without the source tree: program_test.sh PREFIX SOURCE_ROOT
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cp -R "$1" "$place/elsewhere"
prefix=$place/elsewhere
cd /

# A copy that has lost its model has nowhere else to look.
stratoscope() { env -i HOME="$place" "$prefix/bin/stratoscope" "$@"; }
mv "$prefix/share/stratoscope/models" "$place/models"
if stratoscope info >"$place/log" 2>&1; then
  echo "the installed program reads a model outside of its prefix:"; cat "$place/log"; exit 1
fi
mv "$place/models" "$prefix/share/stratoscope/models"

info=$(stratoscope info --json)
case $info in
  *"$prefix/share/stratoscope/models/novella-7m"*) ;;
  *) echo "the installed program reads another model:"; echo "$info" | head -20; exit 1 ;;
esac
stratoscope predict "It was the best of" --top 1

# Debugging information, if there is any, may name sources.
for file in "$prefix/bin/stratoscope" $(find "$prefix" -name "libstratoscope.so.*.*.*"); do
  strip -o "$place/stripped" "$file"
  if strings -a "$place/stripped" | grep -F "$2/"; then
    echo "$file names the source tree"; exit 1
  fi
done
