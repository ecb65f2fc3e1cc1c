#!/usr/bin/env bash
# On a machine with a GPU, what tools/gpu/pack.sh has carried there: tests and benchmarks. Each part may be named.
#
#   tools/gpu/check.sh [seed] [contract] [python] [sanitizer] ...      (default: seed contract python)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
carry=$PWD/build/carry
export ANABRANCH_CUDA=1 PYTHONPATH=$carry/site LD_LIBRARY_PATH=$carry/site/anabranch:${LD_LIBRARY_PATH:-}
python=${PYTHON:-python3}
failed=()

step() {
  local begin=$SECONDS status=0
  printf '\n######## %s\n' "$*"
  "$@" || status=$?
  printf '######## %s: exit %d after %d s\n' "$1" "$status" $((SECONDS - begin))
  [ "$status" = 0 ] || failed+=("$*")
}

seed() {
  "$python" -c 'import mlx.core as mx; print(mx.default_device(), mx.device_info())' && timeout 60 "$python" examples/seed.py
}
contract() { timeout 300 "$carry/tests/test_contract" --gtest_brief=1; }
suites() { for t in eval runtime ops; do timeout 300 "$carry/tests/test_$t" --gtest_brief=1 || return; done; }
pytests() { timeout 500 "$python" -m pytest -q -n 8 -x --maxfail=60 --timeout 120 -p no:cacheprovider tests/python -m "not slow" 2>&1 | tail -n 120; }
sanitizer() {
  local tool
  for tool in memcheck racecheck synccheck initcheck; do
    timeout 300 compute-sanitizer --tool "$tool" --error-exitcode 9 "$carry/tests/test_contract" --gtest_brief=1 || return
  done
}

for part in "${@:-seed contract pytests}"; do for p in $part; do step "$p"; done; done
[ ${#failed[@]} = 0 ] && echo "all parts passed" && exit 0
printf 'FAILED: %s\n' "${failed[@]}"
exit 1
