"""Sorting and scans against NumPy."""

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import on_cuda

DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64", "complex64"]
SHAPES = [(0,), (1,), (7,), (3, 0, 2), (4, 5), (2, 3, 4), (2, 1000), (300, 3)]


def data(rng, dtype, shape):
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in DTYPES:
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    values = rng.standard_normal(shape)
    if dtype == "complex64":
        values = values.round() + 1j * rng.standard_normal(shape)
    values = np.asarray(values).astype(dtype)
    if values.size > 3:
        values.flat[1] = np.nan
        values.flat[2] = np.inf
        values.flat[3] = -np.inf
    return values


def of(x):
    """MLX reads float64 as float32 unless told."""
    return mx.bool_ if x.dtype == bool else getattr(mx, x.dtype.name)


def axes(shape):
    return [None, *range(-len(shape), len(shape))]


@pytest.mark.parametrize("dtype", DTYPES + FLOATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_sort_and_argsort(dtype, shape):
    x = data(np.random.default_rng(3), dtype, shape)
    for axis in axes(shape):
        got = np.array(mx.sort(mx.array(x, dtype=of(x)), axis=axis))
        np.testing.assert_array_equal(got, np.sort(x, axis=axis))
        got = mx.argsort(mx.array(x, dtype=of(x)), axis=axis)
        assert got.dtype == mx.uint32
        np.testing.assert_array_equal(np.array(got), np.argsort(x, axis=axis, kind="stable"))


def test_sort_reads_views():
    x = np.random.default_rng(0).standard_normal((30, 40)).astype(np.float32)
    got = mx.sort(mx.array(x).T[::-2], axis=0)
    np.testing.assert_array_equal(np.array(got), np.sort(x.T[::-2], axis=0))


@pytest.mark.parametrize("dtype", ["float32", "int32", "float16", "int8", "complex64"])
@pytest.mark.parametrize("n", [262_144, 262_145, 1_000_003])
def test_sort_long_rows(dtype, n):
    x = data(np.random.default_rng(n), dtype, (2, n) if n < 300_000 else (n,))
    np.testing.assert_array_equal(np.array(mx.sort(mx.array(x, dtype=of(x)))), np.sort(x))


@pytest.mark.parametrize("n", [300, 600_000])
@pytest.mark.parametrize("pattern", ["rising", "falling", "equal", "few", "halves"])
def test_sort_patterns(pattern, n):
    rising = np.arange(n, dtype=np.float32)
    x = {
        "rising": rising,
        "falling": rising[::-1].copy(),
        "equal": np.zeros(n, np.float32),
        "few": rising % 3,
        "halves": np.where(rising < n // 2, rising, -rising),
    }[pattern]
    np.testing.assert_array_equal(np.array(mx.sort(mx.array(x))), np.sort(x))


@pytest.mark.parametrize("n", [40, 300, 300_000])
def test_every_nan_sorts_last(n):
    x = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    x[::7] = np.nan
    x[1::7] = np.copysign(np.nan, -1)
    x[2::7] = -np.inf
    np.testing.assert_array_equal(np.array(mx.sort(mx.array(x))), np.sort(x))


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64", "float32", "float64", "float16"])
def test_sort_short_rows(dtype):
    for n in [1, 2, 3, 7, 16, 17, 50, 64, 100, 127, 128, 129]:
        x = data(np.random.default_rng(n), dtype, (53, n))
        np.testing.assert_array_equal(np.array(mx.sort(mx.array(x, dtype=of(x)))), np.sort(x))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["int32", "uint8", "float32", "float64"]), st.integers(0, 700))
def test_sort_any_length(seed, dtype, n):
    x = data(np.random.default_rng(seed), dtype, (n,))
    np.testing.assert_array_equal(np.array(mx.sort(mx.array(x, dtype=of(x)))), np.sort(x))


def test_bfloat16_sorts_and_accumulates_in_float32():
    x = mx.array(np.random.default_rng(1).standard_normal(1000).astype(np.float32)).astype(mx.bfloat16)
    got = np.array(mx.sort(x).astype(mx.float32))
    np.testing.assert_array_equal(got, np.sort(np.array(x.astype(mx.float32))))
    assert mx.cumsum(mx.ones((1000,), mx.bfloat16))[-1].item() == 1000


def exclusive(scanned, axis, neutral):
    out = np.roll(scanned, 1, axis)
    out[(slice(None),) * (axis % out.ndim) + (0,)] = neutral
    return out


NEUTRAL = {
    "cumsum": lambda d: 0,
    "cumprod": lambda d: 1,
    "cummax": lambda d: -np.inf if d.kind == "f" else False if d.kind == "b" else np.iinfo(d).min,
    "cummin": lambda d: np.inf if d.kind == "f" else True if d.kind == "b" else np.iinfo(d).max,
}
REFERENCE = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "cummax": lambda x, axis, dtype: np.maximum.accumulate(x, axis=axis).astype(dtype),
    "cummin": lambda x, axis, dtype: np.minimum.accumulate(x, axis=axis).astype(dtype),
}


@pytest.mark.parametrize("function", REFERENCE)
@pytest.mark.parametrize("dtype", [*DTYPES, "float32", "float64"])
def test_scans(function, dtype):
    scan = getattr(mx, function)
    for shape in [(5,), (4, 5), (3, 20, 2), (40, 17)]:
        x = data(np.random.default_rng(5), dtype, shape)
        x = np.nan_to_num(x, posinf=2, neginf=-2) if x.dtype.kind == "f" and function in ("cumsum", "cumprod") else x
        result = "int32" if function == "cumsum" and dtype == "bool" else dtype
        with np.errstate(over="ignore"):
            for axis in range(-len(shape), len(shape)):
                for reverse in (False, True):
                    flipped = np.flip(x, axis) if reverse else x
                    want = REFERENCE[function](flipped, axis=axis, dtype=result)
                    for inclusive in (True, False):
                        if not inclusive:
                            want = exclusive(want, axis, NEUTRAL[function](want.dtype))
                        got = scan(mx.array(x, dtype=of(x)), axis=axis, reverse=reverse, inclusive=inclusive)
                        bound = 8 * np.finfo(dtype).eps if on_cuda() and dtype.startswith("float") else 0
                        expected = np.flip(want, axis) if reverse else want
                        if bound:
                            np.testing.assert_allclose(np.array(got), expected, rtol=bound, atol=4 * bound)
                        else:
                            np.testing.assert_array_equal(np.array(got), expected)
                        assert got.dtype == getattr(mx, result if result != "bool" else "bool_")


@pytest.mark.parametrize("dtype", ["int32", "float32", "bfloat16"])
def test_scans_of_what_repeats(dtype):
    """Along an axis, and across axes, that a broadcast has made."""
    x = mx.arange(1, 20).astype(getattr(mx, dtype))
    rows, columns = mx.broadcast_to(x, (40, 19)), mx.broadcast_to(x[:, None], (19, 40))
    for a, b in [(rows, 0), (rows, 1), (columns, 0), (columns, 1)]:
        wide = np.array(a.astype(mx.float32))
        np.testing.assert_array_equal(np.array(mx.cummax(a, axis=b).astype(mx.float32)), np.maximum.accumulate(wide, b))
        if dtype != "bfloat16":
            np.testing.assert_array_equal(np.array(mx.cumsum(a, axis=b).astype(mx.float32)), np.cumsum(wide, b))


def test_scans_flatten_without_an_axis():
    x = mx.arange(6).reshape(2, 3)
    assert mx.cumsum(x).tolist() == [0, 1, 3, 6, 10, 15]
    assert mx.cumsum(mx.array(3)).tolist() == [3]
    assert mx.cumsum(x, dtype=mx.float32).dtype == mx.float32


def test_scans_are_methods():
    x = mx.arange(6).reshape(2, 3)
    assert x.cumsum(axis=1).tolist() == [[0, 1, 3], [3, 7, 12]]
    assert x.cummax(reverse=True).tolist() == [5] * 6
    assert x.cumprod(0, inclusive=False).tolist() == [[1, 1, 1], [0, 1, 2]]


def test_logcumsumexp():
    x = np.random.default_rng(2).standard_normal((5, 30)) * 100
    got = np.array(mx.logcumsumexp(mx.array(x, dtype=of(x)), axis=1))
    np.testing.assert_allclose(got, np.logaddexp.accumulate(x, axis=1), 1e-6)


@pytest.mark.parametrize("function", ["sort", "argsort", *REFERENCE])
def test_axis_out_of_range(function):
    with pytest.raises(IndexError, match=function):
        getattr(mx, function)(mx.zeros((2, 2)), axis=2)
