"""Random numbers on a GPU: programs that generate the words they read, at first sight and compiled, give what the CPU
gives."""

import time

import anabranch as mx
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(not mx.is_available(mx.gpu), reason="no GPU")

# Pairs of words lie half of them apart: whole vectors in both halves, halves that are not aligned, odd counts, few.
COUNTS = [1, 2, 3, 7, 8, 64, 255, 1002, 4096, 4097, 20000, 33001]


def wait_for_compiler():
    deadline = time.monotonic() + 60
    while mx.device_info(mx.gpu).get("programs_compiling", 0):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def values(f, device):
    with mx.stream(device):
        results = f()
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        mx.eval(*results)
    with mx.stream(mx.cpu):
        return [np.array(r.astype(mx.float32) if r.dtype == mx.bfloat16 else r) for r in results]


def agree(f, ulp=0):
    """f() on both devices, on the GPU before and after its programs are compiled: the same bits there, and on the CPU
    floats within so many units in the last place."""
    expected, first = values(f, mx.cpu), values(f, mx.gpu)
    values(f, mx.gpu)
    wait_for_compiler()
    for a, b, c in zip(expected, first, values(f, mx.gpu), strict=True):
        assert a.shape == b.shape == c.shape
        assert b.tobytes() == c.tobytes()
        if ulp:
            np.testing.assert_allclose(b, a, rtol=ulp * 2**-23, atol=ulp * 2**-23)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", COUNTS)
def test_distributions(count):
    key = mx.random.key(count)
    x = mx.array(np.linspace(-1, 1, count, dtype=np.float32))
    for dtype in (mx.float32, mx.bfloat16, mx.float16):
        agree(lambda dtype=dtype: mx.random.uniform(shape=(count,), dtype=dtype, key=key))
    agree(lambda: mx.random.randint(-5, 1000, (count,), key=key))
    agree(lambda: mx.random.bernoulli(0.3, (count,), key=key))
    agree(lambda: mx.random.bernoulli(mx.abs(x), key=key))
    agree(lambda: mx.where(mx.random.bernoulli(0.7, x.shape, key=key), x / 0.7, 0.0), ulp=1)
    agree(lambda: mx.random.normal((count,), key=key), ulp=16)
    agree(lambda: mx.random.gumbel((count,), key=key), ulp=16)


@pytest.mark.parametrize("shape", [(3, 5, 7), (64, 33), (2, 4, 8)])
def test_beside_rows_and_columns(shape):
    row = mx.array(np.arange(shape[-1], dtype=np.float32))
    agree(lambda: mx.random.uniform(shape=shape, key=mx.random.key(1)) + row)
    agree(lambda: mx.random.uniform(shape=shape, key=mx.random.key(2)) < row[:1])
    agree(lambda: (mx.random.uniform(shape=shape, key=mx.random.key(3)) * 2).T + 1)


def test_several_keys_and_readers():
    keys = [mx.random.key(i) for i in range(3)]

    def f():
        a, b, c = (mx.random.bits((1001,), key=k) for k in keys)
        u = mx.random.uniform(shape=(1001,), key=keys[0])
        return a ^ b, (a >> 3) + c, u, (c & 1) == 0, b.reshape(7, 143).sum(axis=0)

    agree(f)


def test_keys_that_are_computed():
    def f():
        keys = mx.random.split(mx.random.key(5), 4)
        left, right = mx.random.split(keys[3])
        backwards = keys[2][::-1]
        return [mx.random.uniform(shape=(300,), key=k) for k in (keys[0], keys[0] + keys[1], left, right, backwards)]

    agree(f)
    with mx.stream(mx.cpu):
        elsewhere = mx.random.split(mx.random.key(6), 2)
    agree(lambda: mx.random.uniform(shape=(300,), key=elsewhere[1]))


def test_results_in_a_keys_place():
    agree(lambda: ~mx.random.bits((2,), key=mx.random.key(3) + 0))


def test_seeded_sequences():
    def f():
        mx.random.seed(7)
        return [mx.random.uniform(shape=(100,)) for _ in range(20)]

    agree(f)


def test_a_key_that_failed():
    with mx.stream(mx.cpu):
        key = mx.linalg.cholesky(-mx.eye(2)).reshape(-1)[:2].astype(mx.uint32)
    with mx.stream(mx.gpu):
        x = mx.ones((1000,)) + 1
        noisy = x + mx.random.uniform(shape=(1000,), key=key)
        mx.async_eval(noisy, x)
        with pytest.raises(Exception, match="cholesky"):
            mx.eval(noisy)
        assert x.sum().item() == 2000
