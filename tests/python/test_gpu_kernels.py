"""A GPU's kernels against the CPU's: every irregular operation, over dtypes and layouts. ANABRANCH_SIM_GPU=1 tries the
tests themselves, on the simulated GPU."""

import zlib

import anabranch as mx
import numpy as np
import pytest


def gpu_is_usable():
    return mx.is_available(mx.gpu)


pytestmark = pytest.mark.skipif(not gpu_is_usable(), reason="no GPU")

UNSIGNED = [mx.uint8, mx.uint16, mx.uint32, mx.uint64]
INTEGERS = [*UNSIGNED, mx.int8, mx.int16, mx.int32, mx.int64]
FLOATS = [mx.float16, mx.bfloat16, mx.float32, mx.float64]
ALL = [mx.bool_, *INTEGERS, *FLOATS, mx.complex64]
EPSILON = {mx.float16: 2**-10, mx.bfloat16: 2**-7, mx.float32: 2**-23, mx.float64: 2**-52, mx.complex64: 2**-23}
SHAPES = [(), (1,), (7,), (0, 3), (5, 1), (33, 65), (4, 0, 5), (2, 3, 4), (3, 70, 40), (2, 5, 1, 9)]

names = dict(ids=lambda x: str(x).replace("anabranch.core.", ""))


def random_array(rng, shape, dtype, reach=9):
    """Made on the CPU, whose conversions are known to be right."""
    with mx.stream(mx.cpu):
        if dtype == mx.bool_:
            return mx.array(rng.integers(0, 2, shape).astype(bool))
        if dtype in INTEGERS:
            return mx.array(rng.integers(0 if dtype in UNSIGNED else -reach, reach + 1, shape)).astype(dtype)
        if dtype == mx.complex64:
            parts = rng.uniform(-reach, reach, (2, *shape))
            return mx.array((parts[0] + 1j * parts[1]).astype(np.complex64))
        return mx.array(rng.uniform(-reach, reach, shape)).astype(dtype)


def layouts(x):
    """Views of some of the elements of x, in other orders."""
    yield x
    if x.ndim > 1:
        yield mx.transpose(x)
        yield mx.swapaxes(x, 0, 1)
        yield x[:, None, ::-1]
    if x.ndim and x.shape[0] > 1:
        yield x[1:]
        yield x[::-2]
        yield mx.broadcast_to(x[:1], x.shape)


def values(x):
    with mx.stream(mx.cpu):
        wide = mx.float32 if x.dtype in (mx.float16, mx.bfloat16) else x.dtype
        return np.array(x.astype(wide))


def agree(function, dtype=None, factor=0.0, scale=1.0):
    """function() on both devices: the same bits, or floats within `factor` units in the last place of those of size
    `scale` at least."""
    with mx.stream(mx.cpu):
        expected = function()
    with mx.stream(mx.gpu):
        got = function()
    several = isinstance(expected, (list, tuple))
    for e, g in zip(expected if several else [expected], got if several else [got], strict=True):
        assert e.dtype == g.dtype and e.shape == g.shape
        a, b = values(e), values(g)
        epsilon = EPSILON.get(e.dtype, 0)
        if factor == 0 or epsilon == 0:
            np.testing.assert_array_equal(b, a)
        else:
            bound = factor * epsilon * np.maximum(np.abs(np.where(np.isfinite(a), a, 0)), scale)
            with np.errstate(invalid="ignore"):
                close = (np.abs(b - a) <= bound) | (a == b) | (np.isnan(a) & np.isnan(b))
            assert close.all(), (a[~close][:4], b[~close][:4])


def rng_for(*what):
    return np.random.default_rng(zlib.crc32(repr(what).encode()))


@pytest.mark.parametrize("dtype", ALL, **names)
def test_copies(dtype):
    rng = rng_for("copy", dtype)
    for shape in SHAPES:
        for x in layouts(random_array(rng, shape, dtype)):
            agree(lambda x=x: mx.contiguous(x))
    x = random_array(rng, (3, 33, 2, 40), dtype)
    for order in [(3, 1, 0, 2), (1, 0, 3, 2), (2, 3, 1, 0), (0, 3, 2, 1)]:
        agree(lambda order=order: mx.contiguous(mx.transpose(x, order)))


@pytest.mark.parametrize("dtype", ALL, **names)
def test_fills(dtype):
    if dtype not in (mx.bool_, mx.complex64):
        agree(lambda: mx.arange(3, 120, 3, dtype=dtype))
    if dtype in FLOATS:
        agree(lambda: mx.arange(-3.3, 70.1, 0.7, dtype=dtype))
    for n, m, k in [(5, 7, 0), (7, 5, -2), (40, 33, 1), (0, 3, 0)]:
        agree(lambda n=n, m=m, k=k: mx.eye(n, m, k, dtype=dtype))
    agree(lambda: mx.tri(9, 12, 1, dtype=dtype))


@pytest.mark.parametrize("dtype", ALL, **names)
def test_joining(dtype):
    rng = rng_for("concatenate", dtype)
    for axis in range(3):
        parts = []
        for n in [3, 0, 1, 20]:
            shape = [4, 5, 6]
            shape[axis] = n
            parts.append(random_array(rng, tuple(shape), dtype))
        agree(lambda axis=axis, parts=parts: mx.concatenate(parts, axis))
        turned = [mx.swapaxes(p, 0, 2) for p in parts]
        agree(lambda axis=axis, turned=turned: mx.concatenate(turned, 2 - axis))
    x = random_array(rng, (3, 4), dtype)
    agree(lambda: mx.pad(x, ((1, 2), (0, 3))))
    agree(lambda: mx.stack([x, x[::-1], x], 1))
    agree(lambda: mx.repeat(x, 3, 1))
    agree(lambda: mx.tile(x, (2, 3)))


@pytest.mark.parametrize("dtype", ALL, **names)
@pytest.mark.parametrize("index", INTEGERS, **names)
def test_gathers(dtype, index):
    rng = rng_for("gather", dtype, index)
    low = 0 if index in UNSIGNED else -6
    x = random_array(rng, (6, 7, 8), dtype)
    for source in layouts(x):
        n = min(source.shape)
        i = mx.array(rng.integers(max(low, -n), n, (4, 5))).astype(index)
        agree(lambda source=source, i=i: source[i])
        agree(lambda source=source, i=i: mx.take(source, i, axis=1))
        agree(lambda source=source, i=i: mx.take(source, i[:, :1], axis=source.ndim - 1) if source.shape[-1] > 6 else i)
        agree(lambda source=source, i=i: source[i, i])
        agree(lambda source=source, i=i: source[i[0], :, i[0]])
        agree(lambda source=source, i=i: mx.take(source, i))
    along = mx.array(rng.integers(max(low, -6), 6, (3, 7, 8))).astype(index)
    agree(lambda: mx.take_along_axis(x, along, axis=0))
    table = random_array(rng, (50, 64), dtype)
    rows = mx.array(rng.integers(0, 50, 300)).astype(index)
    agree(lambda: table[rows])
    agree(lambda: table[:, rows])
    for long in (random_array(rng, (9, 1031), dtype), random_array(rng, (9, 2048), dtype)):
        few = mx.array(rng.integers(max(low, -9), 9, 11)).astype(index)
        agree(lambda long=long, few=few: long[few])
        agree(lambda long=long, few=few: long[few, 3:])


@pytest.mark.parametrize("dtype", ALL, **names)
@pytest.mark.parametrize("kind", ["assign", "add", "subtract", "multiply", "maximum", "minimum"])
def test_updates(dtype, kind):
    """The same bits for floats too: updates of one place are made in order. But for complex products, in which GCC 12
    fuses operations on the CPU, whatever -ffp-contract=off says."""
    factor = 4 if kind == "multiply" and dtype == mx.complex64 else 0
    if kind == "subtract" and dtype == mx.bool_:
        pytest.skip("bool has no difference")
    rng = rng_for("update", dtype, kind)

    def update(target, place, value):
        if kind == "assign":
            result = mx.array(target)
            result[place] = value
            return result
        return getattr(target.at[place], kind)(value)

    target = random_array(rng, (6, 7, 8), dtype, 2)
    i = mx.array(rng.integers(-6, 6, 40))
    j = mx.array(rng.integers(-7, 7, 40))
    for place in [
        1,
        slice(1, 5, 2),
        (slice(None), slice(None, None, -2)),
        (Ellipsis, 3),
        i,
        (i, j),
        (slice(None), j),
        (i, slice(1, 4)),
        (i[:5], j[:5], 2),
    ]:
        shape = target[place].shape
        for value in [random_array(rng, shape, dtype, 2), random_array(rng, shape[-1:], dtype, 2)]:
            agree(lambda place=place, value=value: update(target, place, value), factor=factor)
    many = mx.array(rng.integers(0, 3, 5000))
    small = random_array(rng, (3,), dtype, 1)
    value = random_array(np.random.default_rng(1), (5000,), dtype, 1)
    agree(lambda: update(small, many, value), factor=factor * 5000)


@pytest.mark.parametrize("dtype", ALL, **names)
@pytest.mark.parametrize("function", ["sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "mean", "var"])
def test_reductions(dtype, function):
    rng = rng_for(function, dtype)
    if function in ("mean", "var") and dtype not in FLOATS:
        pytest.skip("sums of floats")
    call = getattr(mx, function)
    for shape in [(1,), (7,), (33, 65), (2, 3, 4), (3, 70, 40), (5, 300), (300, 5), (2, 2500), (3000, 3)]:
        reach = 1.2 if function == "prod" and dtype in [*FLOATS, mx.complex64] else 9
        for x in layouts(random_array(rng, shape, dtype, reach)):
            count = max(1, x.size)
            bound = dict(factor=4 * count if function == "prod" else 16, scale=0 if function == "prod" else 9)
            if function == "sum":
                bound["scale"] = 9 * count
            if function == "var":
                bound = dict(factor=200, scale=9)
            if dtype in (mx.float16, mx.bfloat16):
                bound = dict(factor=4, scale=bound["scale"] / 100 if function == "sum" else bound["scale"])
            for axis in [None, *range(x.ndim)]:
                agree(lambda x=x, axis=axis: call(x, axis=axis), **bound)
            if x.ndim > 2 and not function.startswith("arg"):
                agree(lambda x=x: call(x, axis=(0, 2)), **bound)


@pytest.mark.parametrize("dtype", FLOATS, **names)
def test_reductions_of_special_values(dtype):
    specials = [np.nan, np.inf, -np.inf, 0.0, -0.0]
    for special in specials:
        for n in [1, 5, 100, 3000]:
            x = mx.array(np.where(np.arange(n) % 5 == 3, special, np.arange(n) * 0.25 - 3)).astype(dtype)
            for function in [mx.max, mx.min, mx.any, mx.all, mx.argmax, mx.argmin]:
                agree(lambda x=x, function=function: function(x))
            agree(lambda x=x: [mx.softmax(x), mx.logsumexp(x)], factor=32)


def test_reductions_of_nothing():
    for dtype in ALL:
        x = mx.zeros((3, 0), dtype)
        for function in [mx.sum, mx.prod, mx.any, mx.all]:
            agree(lambda x=x, function=function: [function(x), function(x, axis=1), function(x, axis=0)])


@pytest.mark.parametrize("dtype", [*FLOATS, mx.complex64], **names)
def test_softmax_and_logsumexp(dtype):
    rng = rng_for("softmax", dtype)
    factor = 400 if dtype == mx.complex64 else 32
    for shape in [(1,), (7,), (33, 65), (2, 3, 4), (3, 70, 40), (4, 513), (2, 4096), (2, 16385), (1, 70000)]:
        for x in layouts(random_array(rng, shape, dtype, 5)):
            for axis in range(x.ndim):
                agree(lambda x=x, axis=axis: mx.softmax(x, axis=axis), factor=factor)
                agree(lambda x=x, axis=axis: mx.logsumexp(x, axis=axis), factor=factor)


@pytest.mark.parametrize("dtype", ALL, **names)
@pytest.mark.parametrize("function", ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"])
def test_scans(dtype, function):
    rng = rng_for(function, dtype)
    call = getattr(mx, function)
    if function == "logcumsumexp" and dtype not in FLOATS:
        pytest.skip("of real floats")
    reach = 5
    if function == "cumprod" and dtype in [*FLOATS, mx.complex64]:
        reach = 0.7 if dtype == mx.complex64 else 1.2  # infinite complex products depend on the order
    for shape in [(1,), (7,), (33, 65), (2, 3, 4), (2, 600), (2, 9000), (5000, 3)]:
        for x in layouts(random_array(rng, shape, dtype, reach)):
            n = max(x.shape)
            bound = dict(factor=16 + n, scale=1)
            if function == "cumsum":
                bound = dict(factor=256, scale=5 * n)  # the CPU adds one after another
            if function == "cumprod":
                bound = dict(factor=4 * n + 8, scale=1e-30)
            if dtype in (mx.float16, mx.bfloat16):
                bound = dict(factor=4, scale=1)
            for axis in range(x.ndim):
                for reverse in [False, True]:
                    for inclusive in [False, True]:
                        agree(
                            lambda x=x, axis=axis, reverse=reverse, inclusive=inclusive: call(
                                x, axis=axis, reverse=reverse, inclusive=inclusive
                            ),
                            **bound,
                        )


@pytest.mark.parametrize("dtype", ALL, **names)
def test_sorts(dtype):
    rng = rng_for("sort", dtype)
    for shape in [(1,), (7,), (33, 65), (2, 3, 4), (2, 2048), (3, 2049), (40, 3000), (100000,)]:
        for x in layouts(random_array(rng, shape, dtype, 100)):
            for axis in range(x.ndim):
                agree(lambda x=x, axis=axis: [mx.sort(x, axis=axis), mx.argsort(x, axis=axis)])
    if dtype in FLOATS:
        for n in [20, 3000]:
            x = rng.uniform(-3, 3, n)
            x[[0, 3, 15]] = np.nan
            x[[4, 19]] = np.inf
            x[5] = -np.inf
            x[[6, 8]] = -0.0
            x[7] = 0.0
            agree(lambda x=x: [mx.sort(mx.array(x).astype(dtype)), mx.argsort(mx.array(x).astype(dtype))])


def test_random_bits():
    for shape in [(1,), (2,), (3,), (5,), (31,), (1000,), (70, 33), (0,)]:
        for width in [1, 2, 4]:
            for seed in range(3):
                agree(lambda shape=shape, width=width, seed=seed: mx.random.bits(shape, width, key=mx.random.key(seed)))
    keys = mx.random.split(mx.random.key(7), 5)
    agree(lambda: mx.random.split(mx.random.key(7), 5))
    agree(lambda: mx.random.randint(0, 100, (4, 50), key=keys[2]))
    agree(lambda: mx.random.uniform(shape=(4, 50), key=keys[3]))
    agree(lambda: mx.random.normal((300,), key=keys[1]), factor=8)


@pytest.mark.parametrize("dtype", [*FLOATS, mx.complex64], **names)
def test_matmul(dtype):
    """float32 within what TF32 allows, whose factors have 10 bits after the point."""
    rng = rng_for("matmul", dtype)
    factor = {mx.float32: 2**14, mx.complex64: 64}.get(dtype, 8)

    def check(a, b):
        agree(lambda: a @ b, factor=factor, scale=max(1, a.shape[-1]))

    for m, k, n in [
        (1, 1, 1),
        (1, 64, 48),
        (48, 64, 1),
        (3, 5, 7),
        (64, 64, 64),
        (33, 100, 65),
        (128, 1, 17),
        (7, 0, 5),
    ]:
        a, b = random_array(rng, (m, k), dtype, 1), random_array(rng, (k, n), dtype, 1)
        check(a, b)
        check(mx.contiguous(a.T).T, b)
        check(a, mx.contiguous(b.T).T)
        check(mx.contiguous(a.T).T, mx.contiguous(b.T).T)
        check(a[::-1], b[:, ::-1])
        check(mx.broadcast_to(a[:1], a.shape), b)
    a, b = random_array(rng, (40, 41), dtype, 1), random_array(rng, (41, 42), dtype, 1)
    check(a[1:, 1:], b[1:, 3:])  # not aligned
    check(a[:, ::2], b[:21])
    check(a[0], b)
    check(a, b[:, 0])
    check(a[0], b[:, 0])
    a, b = random_array(rng, (5, 4, 8, 16), dtype, 1), random_array(rng, (5, 4, 16, 9), dtype, 1)
    check(a, b)
    check(a, b[0, 0])
    check(a[0, 0], b)
    check(a[:, :1], b)
    check(a, b[:1])
    check(mx.swapaxes(a, 0, 1), mx.swapaxes(b, 0, 1))
    check(mx.swapaxes(mx.swapaxes(a, 1, 2), 1, 2), mx.broadcast_to(b[:, :1], b.shape))
    check(a[:0], b[:0])
    check(a.swapaxes(2, 3), b.swapaxes(2, 3)[:, :, :, :8].swapaxes(2, 3))


def simulated():
    return str(mx.device_info(mx.Device(mx.gpu, 0))["device_name"]).startswith(("simulated", "emulated"))


@pytest.mark.slow
def test_more_elements_than_32_bits_count():
    if simulated():
        pytest.skip("of memory that a GPU has")
    n = 2**32 + 5
    with mx.stream(mx.gpu):
        x = mx.zeros((n,), mx.uint8)
        x[n - 3 :] = mx.array([1, 2, 3], mx.uint8)
        assert mx.max(x).item() == 3
        assert mx.argmax(x[2**31 :]).item() == n - 1 - 2**31
        assert mx.sum(x).item() == 6
        assert mx.contiguous(x[::-1])[:4].tolist() == [3, 2, 1, 0]
        assert mx.concatenate([x, x])[-3:].tolist() == [1, 2, 3]
        assert mx.take(x, mx.array([n - 1, -2, 0, 2**32 + 2])).tolist() == [3, 2, 0, 1]
        assert mx.cumsum(x)[-3:].tolist() == [1, 3, 6]
        assert mx.sort(x)[-4:].tolist() == [0, 1, 2, 3]
        ones = mx.ones((2, 2**31 + 3), mx.uint8)
        assert mx.sum(ones, axis=1).tolist() == [2**31 + 3] * 2
        assert mx.sum(ones, axis=0)[-2:].tolist() == [2, 2]
        assert mx.contiguous(ones.T)[-1].tolist() == [1, 1]
        assert mx.arange(n, dtype=mx.int64)[-2:].tolist() == [n - 2, n - 1]
