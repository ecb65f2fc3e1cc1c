#!/usr/bin/env bash
# On a machine with a GPU, what tools/gpu/pack.sh has carried there: tests and benchmarks. Each part may be named.
#
#   tools/gpu/check.sh PART...      (default: seed contract pytests)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
carry=$PWD/build/carry
export PYTHONPATH=$carry/site LD_LIBRARY_PATH=$carry/site/anabranch:${LD_LIBRARY_PATH:-}
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
# Each test of a program in a process of its own, under $LAUNCH, so that one that hangs or dies hides no other.
each() {
  local program=$carry/tests/$1 names
  names=$("$program" --gtest_list_tests | awk '/^[^ ]/ {suite = $1} /^ / {print suite $1}') || return
  export program LAUNCH="${LAUNCH:-}"
  echo "$names" | xargs -P 12 -I{} bash -c 'out=$(timeout ${EACH_SECONDS:-40} $LAUNCH "$program" --gtest_brief=1 --gtest_filter="{}" 2>&1) \
    && echo "ok {}" || { echo "FAILED ($?) {}"; echo "$out" | tail -n 30; exit 1; }' | grep -v "^ok"
  return "${PIPESTATUS[1]}"
}
contract() { each test_contract; }
# Kernels that only take time before all others, and before copies: a wait that is missing shows as a wrong value.
delays() {
  local seed status=0
  for seed in ${SEEDS:-1 2 3}; do ANABRANCH_CUDA_DELAYS=$seed:300 contract || status=1; done
  ANABRANCH_CUDA_DELAYS=4:100 pytests || status=1
  return $status
}
suites() { each test_eval && each test_runtime && each test_ops; }
# Not side by side: a test that sends itself signals. Not at all: the one that installs the package.
pytests() {
  local options="-q --tb=short --timeout 60 -p no:cacheprovider"
  timeout 60 "$python" -m pytest $options tests/python/test_signals.py
  local status=$?
  timeout 500 "$python" -m pytest $options -n 14 --maxfail=150 tests/python -m "not slow" \
    --ignore tests/python/test_signals.py --ignore tests/python/test_distributions.py && return $status
}
sanitize() {
  ANABRANCH_TEST_UNCACHED=1 EACH_SECONDS="${SANITIZER_SECONDS:-300}" \
    LAUNCH="compute-sanitizer --tool $1 --error-exitcode 9" each test_contract
}
memcheck() { sanitize memcheck; }
racecheck() { sanitize racecheck; }
synccheck() { sanitize synccheck; }
initcheck() { sanitize initcheck; }
# Ours alone: what each kernel reads and writes, and how fast, by the GPU's own counters.
bandwidth() {
  ncu --clock-control none --profile-from-start off --metrics gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum \
    --csv --print-units base "$python" benchmarks/gpu/bandwidth.py profile >"$OUT/ncu.csv" &&
    "$python" benchmarks/gpu/bandwidth.py table "$OUT/ncu.csv"
}
# Every kernel under memcheck, in eight processes.
kernels() {
  local tests=$OUT/kernels options="-q --tb=short -p no:cacheprovider"
  "$python" -m pytest $options --collect-only tests/python/test_gpu_kernels.py -m "not slow" | grep :: >"$tests" || return
  split -n r/8 "$tests" "$tests."
  rm "$tests"
  export python options
  ls "$tests".* | xargs -P 8 -I{} bash -c 'out=$(timeout ${SANITIZER_SECONDS:-300} compute-sanitizer --tool memcheck \
    --error-exitcode 9 "$python" -m pytest $options @{} 2>&1); status=$?; echo "$out" | tail -n 4; rm {}; exit $status'
}
slow() { "$python" -m pytest -q --tb=short -p no:cacheprovider tests/python/test_gpu_kernels.py -m slow; }
# Ours between the peers' rounds: a JSON line for each case.
bench() {
  export SCALE=8 DEVICE=gpu
  local lib
  for lib in ${LIBS:-torch mlx.core jax mlx.core torch-compile jax-jit}; do
    timeout 150 "$python" "$carry/bench/work.py" "$lib" "${CASES:-}"
  done
}

streams() {
  local lib
  for lib in ${LIBS:-torch mlx.core}; do timeout 200 env DEVICE=gpu SECONDS=0.2 "$python" "$carry/bench/streams.py" "$lib" "${CASES:-}"; done
}
overlap() { "$python" benchmarks/gpu/overlap.py; }

for part in "${@:-seed contract pytests}"; do for p in $part; do step "$p"; done; done
[ ${#failed[@]} = 0 ] && echo "all parts passed" && exit 0
printf 'FAILED: %s\n' "${failed[@]}"
exit 1
