#!/usr/bin/env bash
# Builds what a machine with a GPU needs to run Anabranch's tests and benchmarks, for a Python of its own version, into
# build/carry: the package with all its libraries, the C++ tests and, where there are, the benchmarks beside peers. The GPU machine needs neither compilers nor a
# network, but Python with NumPy and pytest.
#
#   tools/gpu/pack.sh PYTHON      an interpreter here, of that version, with tools/requirements.txt
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1 carry=build/carry
cmake -S . -B build/gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DPython_EXECUTABLE="$python" -DSKBUILD=ON \
  -DSKBUILD_METADATA_DIR=metadata -DANABRANCH_TEST_FOLDERS="contract;runtime;eval;ops;sim;cuda" --log-level=WARNING
cmake --build build/gpu -j "${JOBS:-$(nproc)}" --target anabranch anabranch_cuda _core \
  $(for t in contract runtime eval ops sim cuda; do [ -d "tests/$t" ] && echo "test_$t"; done)
rm -rf "$carry"
cmake --install build/gpu --prefix "$carry/site" --component python --strip >/dev/null
cp -r python/mlx_shim/mlx "$carry/site/"
cp -r python/anabranch/. "$carry/site/anabranch/"
mkdir -p "$carry/tests"
for t in build/gpu/tests/test_*; do
  [ -x "$t" ] && [ -f "$t" ] && strip -o "$carry/tests/$(basename "$t")" "$t"
done
if [ -d ../shared/bench ]; then cp -r ../shared/bench "$carry/bench"; fi
du -sh "$carry"
