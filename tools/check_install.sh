#!/usr/bin/env bash
# Installs Anabranch both ways, away from the source tree, and runs the seed's program against each:
# the Python wheels in a fresh environment, and the C++ package through find_package. Called by .ci/run after ./dev build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python=$PWD/.venv/bin/python
export CCACHE_BASEDIR=$PWD # the wheel's compilations are those of build/release

echo "--- cmake --install, then examples/cpp"
cmake --install build/release --prefix "$scratch/prefix" --component cpp >"$scratch/install.log"
cmake -S examples/cpp -B "$scratch/example" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/prefix" --log-level=WARNING
cmake --build "$scratch/example"
"$scratch/example/seed" | tee "$scratch/cpp.txt"

echo "--- pip install . and anabranch-mlx, then examples/seed.py"
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --disable-pip-version-check -q . ./packaging/anabranch-mlx
(cd "$scratch" && venv/bin/python "$OLDPWD/examples/seed.py") | tee "$scratch/python.txt"
(cd "$scratch" && venv/bin/python -c '
import anabranch, mlx.core
assert anabranch is mlx.core and "site-packages" in anabranch.__file__, anabranch.__file__
print(anabranch.linalg.inv(anabranch.eye(2)).tolist())')

# C++ prints shapes without spaces, as MLX does.
diff <(tr -d ' ' <"$scratch/cpp.txt") <(tr -d ' ' <"$scratch/python.txt")
echo "both print the same"
