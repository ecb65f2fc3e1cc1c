"""Reductions, argmax and softmax over any axes, in every dtype and layout, against NumPy."""

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import (
    DTYPES,
    FLOATS,
    INTEGERS,
    LAYOUTS,
    assert_close,
    assert_same_bits,
    dtype,
    in_layout,
    is_float,
    name_of,
    stored,
    to_mlx,
    to_numpy,
    wide,
)

SUMS = {"bool_": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
SHAPE = (3, 4, 5)
REDUCTIONS = ["sum", "prod", "mean", "max", "min", "all", "any", "var", "std", "logsumexp"]
TOLERANCE = {"float16": 2e-3, "bfloat16": 1e-2, "float32": 1e-5, "float64": 1e-12}
AXES = [None, 0, 1, -1, (0, 1), (2, 0), (0, 1, 2), [1]]


def result_name(op, name):
    if op in ("all", "any"):
        return "bool_"
    if op in ("sum", "prod"):
        return SUMS.get(name, name)
    if op in ("mean", "var", "std") and name in ("bool_", *INTEGERS):
        return "float32"
    if op in ("var", "std") and name == "complex64":
        return name
    return name


def expected_of(op, x, name, axis, keepdims):
    axis = tuple(axis) if isinstance(axis, list) else axis
    out = result_name(op, name)
    if op in ("sum", "prod") and name not in (*FLOATS, "complex64"):
        # Integers wrap around in the dtype of the result.
        with np.errstate(all="ignore"):
            return getattr(np, op)(x.astype(out), axis=axis, keepdims=keepdims, dtype=out)
    if op in ("max", "min", "all", "any"):
        return getattr(np, op)(x, axis=axis, keepdims=keepdims)
    return getattr(np, op)(x.astype(wide(name)), axis=axis, keepdims=keepdims)


def tame(layout, name, shape, seed=0):
    """Values whose sums and products keep some of their digits."""
    a, x = in_layout(layout, name, shape, seed)
    if is_float(name):
        with np.errstate(all="ignore"):
            fits = np.isfinite(x) & (np.abs(x) < 100)
        half = np.array(0.5, x.dtype)
        return mx.where(mx.array(fits), a, to_mlx(half, name)), np.where(fits, x, half)
    return a, x


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("op", ["sum", "prod", "mean", "max", "min", "all", "any"])
def test_reduction(op, name):
    for layout in LAYOUTS:
        a, x = tame(layout, name, SHAPE)
        for axis in AXES:
            for keepdims in (False, True):
                expected = expected_of(op, x, name, axis, keepdims)
                out = result_name(op, name)
                # As many roundings as terms, relative to the sum of magnitudes.
                scale = np.asarray(np.sum(np.abs(x.astype(wide(name)))), np.float64)
                digits = {"float16": 11, "bfloat16": 8, "float64": 53}.get(out, 24)
                slack = 4 * scale * 2.0**-digits if op in ("sum", "mean") else 0
                bound = 70 if op == "prod" else 4
                got = getattr(mx, op)(a, axis=axis, keepdims=keepdims)
                assert_close(got, expected, out, bound, f"{op} of {name}, {layout}, axis {axis}", slack)
                assert_same_bits(getattr(a, op)(axis, keepdims), got)


@pytest.mark.parametrize("name", DTYPES[:-1])
@pytest.mark.parametrize("op", ["var", "std"])
def test_variance(op, name):
    a, x = tame("transposed", name, SHAPE)
    if name in INTEGERS:
        a, x = a % 7, x % x.dtype.type(7)
    for axis in AXES:
        for ddof in (0, 1):
            axes = tuple(axis) if isinstance(axis, list) else axis
            expected = getattr(np, op)(x.astype(wide(name)), axis=axes, ddof=ddof, keepdims=True)
            got = getattr(mx, op)(a, axis=axis, ddof=ddof, keepdims=True)
            out = result_name(op, name)
            assert name_of(got.dtype) == out
            np.testing.assert_allclose(to_numpy(got), expected.astype(stored(out)), rtol=10 * TOLERANCE[out])
            assert_same_bits(getattr(a, op)(axis, True, ddof), got)


def test_extrema_of_complex_numbers():
    a = mx.array([1 + 2j, 3 - 1j, 3 + 0j, -5 + 9j])
    assert a.max().item() == 3 + 0j
    assert a.min().item() == -5 + 9j


@pytest.mark.parametrize("name", FLOATS)
def test_nan_is_the_extremum(name):
    for at in (0, 3, 40):
        x = np.arange(41, dtype=stored(name))
        x[at] = np.nan
        a = to_mlx(x, name)
        for op in ("max", "min"):
            assert np.isnan(getattr(mx, op)(a).item())
            assert np.isnan(to_numpy(getattr(mx, op)(mx.stack([a, a], 1), 0))).all()
    assert mx.max(to_mlx(np.array([-np.inf, -np.inf]), name)).item() == -np.inf


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_arg_reduction(op, name):
    for layout in LAYOUTS:
        a, x = in_layout(layout, name, SHAPE)
        if is_float(name):  # the first NaN is not what MLX finds
            a, x = mx.where(mx.isnan(a), mx.zeros_like(a), a), np.where(np.isnan(x), np.zeros((), x.dtype), x)
        for axis in (None, 0, 1, 2, -1):
            for keepdims in (False, True):
                got = getattr(mx, op)(a, axis=axis, keepdims=keepdims)
                expected = getattr(np, op)(x, axis=axis, keepdims=keepdims)
                assert got.dtype == mx.uint32
                assert np.array_equal(np.array(got), expected), (layout, axis)
                assert_same_bits(getattr(a, op)(axis, keepdims), got)


@pytest.mark.parametrize("count", [2, 7, 64, 1000, 100_003])
def test_the_first_of_ties_is_found(count):
    x = np.zeros(count, np.float32)
    x[[count // 2, count - 1]] = 1
    assert mx.argmax(mx.array(x)).item() == count // 2
    assert mx.argmin(mx.array(-x)).item() == count // 2
    assert mx.argmax(mx.zeros((count,))).item() == 0


def test_without_axes_nothing_is_reduced():
    a = mx.array([[1, 2], [3, 4]], mx.int8)
    for op in ("sum", "prod", "max", "min"):
        assert getattr(mx, op)(a, axis=()).tolist() == a.tolist()
    assert mx.any(a, axis=()).tolist() == [[True, True], [True, True]]
    assert mx.mean(a, axis=()).tolist() == a.tolist()


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 3)])
def test_empty_arrays(shape):
    a, x = mx.zeros(shape), np.zeros(shape, np.float32)
    for axis in (None, 0, -1):
        for op in ("sum", "prod", "all", "any"):
            assert np.array_equal(np.array(getattr(mx, op)(a, axis=axis)), getattr(np, op)(x, axis=axis)), (op, axis)
        reduced = x.size if axis is None else x.shape[axis]
        for op in ("max", "min"):
            if reduced == 0:
                with pytest.raises(ValueError, match=op):
                    getattr(mx, op)(a, axis=axis)
            else:
                assert getattr(mx, op)(a, axis=axis).shape == getattr(np, op)(x, axis=axis).shape
        with pytest.raises(ValueError, match="argmax"):
            mx.argmax(a, axis=axis)
    assert np.isnan(mx.mean(a).item())


def test_scalars_reduce_to_themselves():
    for op in ("sum", "prod", "max", "min", "mean"):
        assert getattr(mx, op)(mx.array(2.5)).item() == 2.5
    assert mx.argmax(mx.array(2.5)).item() == 0
    assert mx.softmax(mx.array(2.5)).item() == 1
    with pytest.raises(IndexError):
        mx.sum(mx.array(2.5), axis=0)


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    data=st.data(),
    op=st.sampled_from(["sum", "max", "min", "any", "prod"]),
    name=st.sampled_from(["int32", "uint8", "int64", "bool_"]),
)
def test_integers_over_any_axes_of_any_view(shape, data, op, name):
    x = np.random.default_rng(1).integers(0, 3 if op == "prod" else 100, shape).astype(stored(name))
    a = to_mlx(x, name)
    order = data.draw(st.permutations(range(len(shape))))
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, 2, -1, -2]))) for _ in shape)
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True, min_size=1))
    a, x = a.transpose(order)[steps], x.transpose(order)[steps]
    got = getattr(mx, op)(a, axis=axes)
    assert np.array_equal(np.array(got), expected_of(op, x, name, tuple(axes), False))


@pytest.mark.parametrize("count", [1, 31, 1 << 12, (1 << 20) + 7])
@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_long_sums_keep_their_precision(name, count):
    x = to_numpy(to_mlx(np.random.default_rng(0).random(count, np.float32), name))
    got = mx.sum(to_mlx(x, name)).item()
    assert abs(got - np.sum(x, dtype=np.float64)) <= 2e-6 * count if name == "float32" else 2.0**-8 * count


def test_mean_of_integers_does_not_overflow():
    assert mx.mean(mx.full((8,), 2**31 - 1, mx.int32)).item() == float(np.float32(2**31 - 1))
    assert mx.mean(mx.full((8,), 100, mx.uint8)).item() == 100
    assert mx.mean(mx.full((4000,), 60000, mx.float16)).item() == 60000


# --- softmax, logsumexp


def softmax(x, axis):
    with np.errstate(all="ignore"):
        e = np.exp(x - np.max(x, axis=axis, keepdims=True))
        return e / np.sum(e, axis=axis, keepdims=True)


@pytest.mark.parametrize("name", ["bool_", "int32", "uint8", *FLOATS])
def test_softmax(name):
    out = name if is_float(name) else "float32"
    for layout in LAYOUTS:
        a, x = tame(layout, name, SHAPE)
        if name == "int32":
            a, x = a % 11, x % 11
        for axis in (None, 0, 1, -1, (0, 2), [1, 0]):
            axes = tuple(axis) if isinstance(axis, list) else axis
            got = mx.softmax(a, axis=axis)
            assert name_of(got.dtype) == out
            expected = softmax(x.astype(wide(name)), axes)
            np.testing.assert_allclose(to_numpy(got), expected.astype(stored(out)), rtol=TOLERANCE[out], atol=1e-7)
            assert_close(mx.softmax(a, axis=axis, precise=True), to_numpy(got), out, 2)


def test_softmax_of_extreme_values():
    assert mx.softmax(mx.array([1000.0, 1000.0])).tolist() == [0.5, 0.5]
    assert mx.softmax(mx.array([-np.inf, 0.0])).tolist() == [0, 1]
    assert np.isnan(np.array(mx.softmax(mx.array([np.inf, 0.0])))).any()
    assert np.isnan(np.array(mx.softmax(mx.array([np.nan, 0.0])))).all()
    assert mx.softmax(mx.zeros((3, 0))).shape == (3, 0)
    none = np.array(mx.softmax(mx.array([np.nan, np.inf, 3.0]), axis=()))
    assert np.isnan(none[:2]).all()
    assert none[2] == 1
    long = mx.softmax(mx.zeros((1 << 18,), mx.bfloat16))
    assert abs(mx.sum(long.astype(mx.float32)).item() - 1) < 1e-2


@pytest.mark.parametrize("name", FLOATS)
def test_logsumexp(name):
    a, x = tame("transposed", name, SHAPE)
    for axis in (None, 0, -1, (0, 2)):
        with np.errstate(all="ignore"):
            expected = np.logaddexp.reduce(x.astype(wide(name)), axis=axis if axis is not None else (0, 1, 2))
        got = mx.logsumexp(a, axis=axis)
        assert name_of(got.dtype) == name
        np.testing.assert_allclose(to_numpy(got), expected.astype(stored(name)), rtol=TOLERANCE[name], atol=1e-6)
    assert mx.logsumexp(mx.array([-np.inf, -np.inf])).item() == -np.inf
    assert mx.logsumexp(mx.array([1e30, 1e30])).item() == np.float32(1e30)


# --- Bad input


@pytest.mark.parametrize(
    "op", ["sum", "prod", "max", "min", "mean", "all", "any", "var", "std", "logsumexp", "softmax"]
)
def test_bad_axes(op):
    f = getattr(mx, op)
    a = mx.ones((2, 3))
    for axis in (2, -3, (0, 2)):
        with pytest.raises(IndexError, match="out of bounds"):
            f(a, axis)
    with pytest.raises(ValueError, match=r"[Dd]uplicate|[Rr]epeat"):
        f(a, (0, -2))
    for axis in (1.0, "a", object(), [0.5]):
        with pytest.raises(TypeError):
            f(a, axis)
    for bad in (3, [1.0], None, "a"):
        with pytest.raises(TypeError):
            f(bad)


def test_bad_axes_of_argmax():
    with pytest.raises(IndexError, match="out of bounds"):
        mx.argmax(mx.ones((2, 3)), 2)
    with pytest.raises(TypeError):
        mx.argmax(mx.ones((2, 3)), (0,))


def test_dtypes_of_reductions():
    for name in DTYPES:
        a = mx.ones((2, 2), dtype(name))
        assert name_of(mx.sum(a).dtype) == SUMS.get(name, name)
        assert name_of(mx.prod(a).dtype) == SUMS.get(name, name)
        assert mx.argmin(a).dtype == mx.uint32
        assert mx.all(a).dtype == mx.bool_
