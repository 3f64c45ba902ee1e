#!/bin/sh
# The wheel in a fresh virtual environment with NumPy, tested away from the source tree:
#   installed_wheel.sh PYTHON WHEELS SOURCE
# The environment sees the system's packages, because the tests need pytest, and some of them torch, pandas, Matplotlib.
set -eu
python=$1 wheels=$2 source=$3
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
unset PYTHONPATH STRATOSCOPE_LIBRARY STRATOSCOPE

"$python" -m venv --system-site-packages "$place/venv"
"$place/venv/bin/pip" install --quiet --no-index --no-deps "$wheels"/stratoscope-*.whl
cp -r "$source/tests/python" "$source/notebooks" "$place"
cd "$place/python"
[ "$("$place/venv/bin/python" -c 'import stratoscope; print(stratoscope.__file__)')" = \
  "$(echo "$place"/venv/lib/python3.*/site-packages/stratoscope/__init__.py)" ]
"$place/venv/bin/stratoscope" --version
"$place/venv/bin/python" -m pytest -q -p no:cacheprovider --ignore=wheel_test.py
"$place/venv/bin/pip" uninstall --quiet --yes stratoscope
[ ! -e "$place/venv/bin/stratoscope" ]
