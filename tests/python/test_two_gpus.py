"""Two GPUs of one host, whatever plays them: work and arrays that move between them and the CPU."""

import anabranch as mx
import pytest
from gpu import EMULATED, REAL, emulated
from programs import run

PAIRS = [
    pytest.param({"ANABRANCH_SIM_GPU": "2"}, id="simulated"),
    pytest.param(
        emulated(devices=2), id="emulated", marks=pytest.mark.skipif(not EMULATED.exists(), reason="no emulated CUDA")
    ),
    pytest.param(
        {},
        id="real",
        marks=pytest.mark.skipif(not REAL or mx.device_count(mx.gpu) < 2, reason="no two GPUs"),
    ),
]
pairs = pytest.mark.parametrize("environment", PAIRS)

BEGIN = """
import numpy as np
rng = np.random.default_rng(0)
first, second = mx.Device(mx.gpu, 0), mx.Device(mx.gpu, 1)
"""


def succeed(code, environment):
    result = run(BEGIN + code, **environment)
    errors = [line for line in result.stderr.splitlines() if not line.startswith("emulated CUDA: GPU")]
    assert (result.returncode, errors) == (0, []), result.stdout + result.stderr


@pairs
def test_work_moves_between_the_cpu_and_both_devices(environment):
    succeed(
        """
streams = [mx.new_stream(d) for d in (mx.cpu, first, second) for _ in range(2)]
for _ in range(200):
    expected = rng.integers(-50, 50, (4, 5))
    x = mx.array(expected)
    for _ in range(12):
        s = streams[rng.integers(len(streams))]
        match int(rng.integers(4)):
            case 0:
                x, expected = mx.add(x, 3, stream=s), expected + 3
            case 1:
                x, expected = mx.transpose(x, stream=s), expected.T
            case 2:
                with s:
                    x[1:3] = 7
                expected = expected.copy()
                expected[1:3] = 7
            case 3:
                mx.async_eval(x)
    assert np.array_equal(np.array(x), expected)
""",
        environment,
    )


@pairs
def test_every_kind_of_kernel_runs_on_the_second_device(environment):
    """Libraries' handles, compiled programs and modules belong to a device."""
    succeed(
        """
x = rng.normal(size=(64, 48)).astype(np.float32)
def work(device):
    a = mx.array(x)
    with mx.default_device(device):
        key = mx.random.key(3)
        return [
            *(a @ a.T, mx.sort(a, axis=1), mx.cumsum(a, axis=0), mx.softmax(a, axis=1), a.sum(axis=0)),
            *(a[[3, 1], 2:], mx.argmax(a, axis=1), mx.random.normal((100,), key=key)),
            *(mx.exp(a * 2 - 1) + mx.sin(a), a.astype(mx.int8)),
        ]
for _ in range(4):  # at first interpreted, then compiled
    results = [work(d) for d in (mx.cpu, first, second)]
    mx.async_eval(results)
    for host, one, two in zip(*results):
        np.testing.assert_allclose(np.array(one), np.array(host), rtol=2e-2, atol=2e-2)
        np.testing.assert_array_equal(np.array(one), np.array(two))
""",
        environment,
    )


@pairs
def test_large_arrays_go_to_and_fro(environment):
    """Each hop is added while the last one still runs."""
    succeed(
        """
n = 1 << 20
a, b = mx.new_stream(first), mx.new_stream(second)
chains = []
for k in range(4):
    x = mx.full((n,), float(k), stream=a)
    for i in range(10):
        x = mx.cumsum(mx.add(x, i, stream=(b, a)[i % 2]), stream=(b, a)[i % 2]) * 0 + x
        x = mx.add(x, 1, stream=(a, b)[i % 2])
    chains.append(x)
mx.async_eval(chains)
for k, x in enumerate(chains):
    assert np.array_equal(np.array(x), np.full(n, k + 10, np.float32)), (k, x)
""",
        environment,
    )


@pairs
def test_memory_is_held_and_given_back_by_each_device(environment):
    succeed(
        """
import gc
mx.eval(mx.ones(3, stream=first), mx.ones(3, stream=second))
def used():
    mx.synchronize()
    gc.collect()
    return mx.get_active_memory()
before = used()
with mx.default_device(second):
    x = mx.ones((1 << 20,))
    mx.eval(x)
held = used()
assert held - before >= 4 << 20
y = mx.add(x, 1, stream=first)
mx.eval(y)
assert used() - held >= 4 << 20
del x, y
assert used() <= before + 1024, (before, used())
""",
        environment,
    )


@pairs
def test_a_failure_crosses_devices(environment):
    succeed(
        """
bad = mx.add(mx.take(mx.arange(4), mx.array([9]), stream=second), 1, stream=first)
good = mx.add(mx.arange(4, stream=second), 1, stream=first)
mx.async_eval(bad, good)
for _ in range(2):
    try:
        bad.tolist()
    except IndexError as e:
        assert "9" in str(e), e
    else:
        raise AssertionError("no IndexError")
assert good.tolist() == [1, 2, 3, 4]
""",
        environment,
    )
