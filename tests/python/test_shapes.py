"""Creation, views, joining and splitting, against NumPy."""

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import DTYPES, FLOATS, INTEGERS, LAYOUTS, dtype, in_layout, is_float, name_of, stored, to_mlx, to_numpy


def check(a, x):
    """Equal shapes and values, NaNs where NaNs are."""
    assert a.shape == x.shape
    np.testing.assert_array_equal(to_numpy(a), x)


# --- Creation


@pytest.mark.parametrize("name", DTYPES)
def test_constants(name):
    d = dtype(name)
    for shape in (3, (), (0,), (2, 3), [4, 1], (2, 0, 3)):
        check(mx.zeros(shape, d), np.zeros(shape, stored(name)))
        check(mx.ones(shape, d), np.ones(shape, stored(name)))
        check(mx.full(shape, 1, d), np.ones(shape, stored(name)))
        assert mx.zeros(shape, d).dtype == mx.ones_like(mx.zeros(shape, d)).dtype == d
    a, x = in_layout("transposed", name, (2, 3))
    check(mx.zeros_like(a), np.zeros_like(x))
    check(mx.ones_like(a, mx.int8), np.ones(x.shape))
    check(mx.full((2, 2, 3), a), np.broadcast_to(x, (2, 2, 3)))
    check(mx.full_like(a, 1), np.ones_like(x))
    check(mx.eye(3, 4, -1, d), np.eye(3, 4, -1, stored(name)))
    check(mx.identity(3, d), np.identity(3, stored(name)))
    check(mx.tri(3, 4, 1, d), np.tri(3, 4, 1, stored(name)))


def test_defaults_of_creation():
    assert mx.zeros((2,)).dtype == mx.ones((2,)).dtype == mx.eye(2).dtype == mx.linspace(0, 1).dtype == mx.float32
    assert mx.full((2,), 3).dtype == mx.int32
    assert mx.full((2,), 3.0).dtype == mx.float32
    assert mx.full((2,), True).dtype == mx.bool_
    assert mx.full((2,), 1j).dtype == mx.complex64
    assert mx.linspace(0, 1).shape == (50,)


def test_full_refuses_what_does_not_fit():
    for value, name in [(300, "uint8"), (-1, "uint8"), (2**40, "int32")]:
        with pytest.raises(ValueError, match="fit"):
            mx.full((2,), value, dtype(name))
        with pytest.raises(ValueError, match="fit"):
            mx.full_like(mx.ones((2,), dtype(name)), value)
    assert mx.full((2,), 0.1, mx.float64).tolist() == [0.1, 0.1]
    assert mx.full((2,), 3.7, mx.int32).tolist() == [3, 3]


def test_arange_of_large_ints():
    a = mx.arange(2**31 - 2, 2**31 + 2)
    assert a.dtype == mx.int64
    assert a.tolist() == list(range(2**31 - 2, 2**31 + 2))
    assert mx.arange(2**31 - 3, 2**31 - 1).dtype == mx.int32


RANGES = [
    (5,), (0,), (-3,), (1, 5), (5, 1), (1, 10, 3), (10, 1, -3), (5, 1, -1), (0, 1, 0.25), (0.5, 3.7, 0.5), (1, 0, -0.3),
    (2.5,), (-1.5, 2), (0, 1000), (0, 1, 0.1),
]  # fmt: skip


@pytest.mark.parametrize("arguments", RANGES)
def test_arange(arguments):
    got = mx.arange(*arguments)
    expected = np.arange(*arguments)
    assert got.dtype == (mx.int32 if expected.dtype.kind == "i" else mx.float32)
    assert got.shape == expected.shape
    np.testing.assert_allclose(np.array(got), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", [*INTEGERS, *FLOATS])
def test_arange_of_a_dtype(name):
    check(mx.arange(0, 100, 3, dtype(name)), np.arange(0, 100, 3).astype(stored(name)))
    assert mx.arange(7, dtype=dtype(name)).dtype == dtype(name)


@pytest.mark.parametrize("arguments", [(0, 1, 5), (0, 1), (1, 0, 4), (0, 1, 1), (0, 1, 0), (-3, 7, 11), (0, 1e6, 7)])
def test_linspace(arguments):
    for endpoint in (True, False):
        expected = np.linspace(*arguments, endpoint=endpoint)
        got = np.array(mx.linspace(*arguments, endpoint=endpoint))
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7 * abs(arguments[1] - arguments[0]))
        if endpoint and len(got) > 1:
            assert (got[0], got[-1]) == (arguments[0], arguments[1])


def test_diagonals():
    x = np.arange(60).reshape(3, 4, 5)
    a = mx.array(x)
    for k in (-2, 0, 1, 3, 9):
        check(mx.diagonal(a, k), np.diagonal(x, k))
        check(mx.diagonal(a, k, -1, 0), np.diagonal(x, k, -1, 0))
        check(mx.diag(a[0], k), np.diag(x[0], k))
        check(mx.diag(a[0, 0], k), np.diag(x[0, 0], k))
        check(mx.tril(a, k), np.tril(x, k))
        check(mx.triu(a, k), np.triu(x, k))
        assert mx.trace(a[0], k).item() == np.trace(x[0], k)
    check(mx.trace(a), np.trace(x))


def test_meshgrid():
    vectors = [np.arange(2), np.arange(3), np.arange(4)]
    for sparse in (False, True):
        for indexing in ("xy", "ij"):
            got = mx.meshgrid(*map(mx.array, vectors), sparse=sparse, indexing=indexing)
            for a, x in zip(got, np.meshgrid(*vectors, sparse=sparse, indexing=indexing), strict=True):
                check(a, x)


# --- Views


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["float32", "int8", "bfloat16", "complex64"])
def test_views(layout, name):
    a, x = in_layout(layout, name, (2, 3, 4))
    for shape in [(24,), (6, 4), (2, 12), (4, 3, 2), (1, 24, 1), (2, -1), (-1,), (2, 3, 2, 2)]:
        check(mx.reshape(a, shape), x.reshape(shape))
        check(a.reshape(shape), x.reshape(shape))
        check(a.reshape(*shape), x.reshape(shape))
    for axes in [(0, 1, 2), (2, 1, 0), (1, 2, 0), (-1, 0, 1)]:
        check(mx.transpose(a, axes), x.transpose(axes))
        check(a.transpose(*axes), x.transpose(axes))
    check(a.T, x.T)
    check(a.mT, np.swapaxes(x, -1, -2))
    check(mx.matrix_transpose(a), np.swapaxes(x, -1, -2))
    for i in (-3, -1, 0, 2):
        for j in (-2, 0, 1):
            check(mx.swapaxes(a, i, j), np.swapaxes(x, i, j))
            check(a.moveaxis(i, j), np.moveaxis(x, i, j))
        check(mx.flip(a, i), np.flip(x, i))
    check(mx.flip(a), np.flip(x))
    check(mx.flip(a, (0, 2)), np.flip(x, (0, 2)))
    for axis in (0, -1, 3, (0, 2), (1, -1)):
        check(mx.expand_dims(a, axis), np.expand_dims(x, axis))
        check(mx.squeeze(mx.expand_dims(a, axis), axis), x)
    check(a[:1].squeeze(), x[:1].squeeze())
    check(mx.flatten(a), x.ravel())
    check(a.flatten(1), x.reshape(2, 12))
    check(mx.flatten(a, 0, -2), x.reshape(6, 4))
    check(mx.unflatten(a, 2, (2, -1)), x.reshape(2, 3, 2, 2))
    check(mx.broadcast_to(a, (5, 2, 3, 4)), np.broadcast_to(x, (5, 2, 3, 4)))
    check(mx.broadcast_to(a[:, :1], (2, 7, 4)), np.broadcast_to(x[:, :1], (2, 7, 4)))
    check(mx.contiguous(a.T), x.T)
    for f in ("atleast_1d", "atleast_2d", "atleast_3d"):
        for of, values in ((a, x), (a[0, 0], x[0, 0]), (a[0, 0, 0], x[0, 0, 0])):
            if f != "atleast_3d" or of.ndim == 3:
                check(getattr(mx, f)(of), getattr(np, f)(values))


@given(shape=st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=4), data=st.data(), count=st.integers(1, 5))
def test_chains_of_views(shape, data, count):
    x = np.arange(np.prod(shape)).reshape(shape)
    a = mx.array(x)
    for _ in range(count):
        kind = data.draw(st.sampled_from(["transpose", "slice", "reshape", "expand", "broadcast", "flip"]))
        if kind == "transpose":
            order = data.draw(st.permutations(range(x.ndim)))
            a, x = a.transpose(order) if order else a, x.transpose(order)
        elif kind == "slice" and x.ndim:
            key = tuple(slice(None, None, data.draw(st.sampled_from([1, -1, 2, -2]))) for _ in range(x.ndim))
            a, x = a[key], x[key]
        elif kind == "reshape":
            to = data.draw(st.sampled_from([(-1,), (1, -1), (-1, x.shape[-1] if x.ndim and x.shape[-1] else 1)]))
            if x.size:
                a, x = a.reshape(to), x.reshape(to)
        elif kind == "expand" and x.ndim < 5:
            axis = data.draw(st.integers(0, x.ndim))
            a, x = mx.expand_dims(a, axis), np.expand_dims(x, axis)
        elif kind == "broadcast" and x.ndim < 5 and x.size < 500:
            a, x = mx.broadcast_to(a, (2, *x.shape)), np.broadcast_to(x, (2, *x.shape))
        elif kind == "flip":
            a, x = mx.flip(a), np.flip(x)
    check(a, x)
    check(a + 1, x + 1)


def test_views_share_no_changes():
    a = mx.arange(6)
    view = a.reshape(2, 3)[:, ::-1]
    a[0] = 99
    assert view.tolist() == [[2, 1, 0], [5, 4, 3]]
    view[0, 0] = 7
    assert a.tolist() == [99, 1, 2, 3, 4, 5]


def test_as_strided():
    x = np.arange(8)
    a = mx.array(x)
    check(mx.as_strided(a, (3, 3), (1, 2), 1), np.lib.stride_tricks.as_strided(x[1:], (3, 3), (8, 16)))
    check(mx.as_strided(a, (3,), (-2,), 5), x[5::-2][:3])
    for shape, strides, offset in [((9,), (1,), 0), ((2,), (-1,), 0), ((2, 2), (1, 7), 0), ((1,), (1,), 8)]:
        with pytest.raises(ValueError, match="as_strided"):
            mx.as_strided(a, shape, strides, offset)


# --- Joining and splitting


@pytest.mark.parametrize("name", DTYPES)
def test_concatenate_and_split(name):
    pieces = [in_layout(layout, name, (3, n, 4), n) for n, layout in enumerate(LAYOUTS, 1)]
    arrays, values = [a for a, _ in pieces], [x for _, x in pieces]
    whole = mx.concatenate(arrays, 1)
    assert name_of(whole.dtype) == name
    check(whole, np.concatenate(values, 1))
    check(mx.concatenate(arrays, axis=-2), np.concatenate(values, 1))
    check(mx.concatenate(arrays, axis=None), np.concatenate(values, None))
    for at in ([1, 3, 6, 10], [2], [0, 5], [20], []):
        for a, x in zip(mx.split(whole, at, 1), np.split(np.concatenate(values, 1), at, 1), strict=True):
            check(a, x)
    for a, x in zip(whole.split(3, -2), np.split(np.concatenate(values, 1), 3, 1), strict=True):
        check(a, x)
    same = [arrays[2], arrays[2] * arrays[2]]
    for axis in (0, 1, -1, 3):
        check(mx.stack(same, axis), np.stack([to_numpy(a) for a in same], axis))
    for a, x in zip(mx.unstack(whole, axis=1), np.moveaxis(np.concatenate(values, 1), 1, 0), strict=True):
        check(a, x)


def test_concatenate_of_empty_and_mixed():
    check(mx.concatenate([mx.ones((2,)), mx.zeros((0,))]), np.ones(2))
    assert mx.concatenate([mx.ones((2,), mx.int8), mx.ones((1,), mx.uint8)]).dtype == mx.int16
    many = mx.concatenate([mx.full((1,), i) for i in range(300)])
    assert many.tolist() == list(range(300))


def test_repeat_tile_roll_pad():
    x = np.arange(24).reshape(2, 3, 4)
    a = mx.array(x)
    check(mx.repeat(a, 3), np.repeat(x, 3))
    for axis in (0, 1, -1):
        check(mx.repeat(a, 2, axis), np.repeat(x, 2, axis))
        check(mx.repeat(a, 0, axis), np.repeat(x, 0, axis))
    for reps in (2, (2,), (1, 2), (2, 1, 3), (2, 1, 1, 2)):
        check(mx.tile(a, reps), np.tile(x, reps))
    for shift, axis in [
        (1, None),
        (-5, None),
        (100, None),
        (2, 1),
        (-1, -1),
        ((1, 2), (0, 2)),
        (1, (0, 1)),
        ((1, 2), 1),
    ]:
        check(mx.roll(a, shift, axis), np.roll(x, shift, axis))
    for width in (1, (1, 2), ((1, 2), (0, 1), (2, 0)), ((1, 1),)):
        check(mx.pad(a, width), np.pad(x, width))
        check(mx.pad(a, width, constant_values=7), np.pad(x, width, constant_values=7))
        check(mx.pad(a, width, mode="edge"), np.pad(x, width, mode="edge"))


@given(shapes=st.lists(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4).map(tuple), min_size=1, max_size=3))
def test_broadcasting(shapes):
    arrays = [mx.ones(shape) for shape in shapes]
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast"):
            mx.broadcast_shapes(*shapes)
        with pytest.raises(ValueError, match="broadcast"):
            mx.broadcast_arrays(*arrays)
        return
    assert tuple(mx.broadcast_shapes(*shapes)) == expected
    assert [a.shape for a in mx.broadcast_arrays(*arrays)] == [expected] * len(shapes)
    if len(shapes) == 2:
        assert (arrays[0] + arrays[1]).shape == expected


def test_shapes_may_be_arrays():
    a = mx.arange(6)
    assert a.reshape(np.array([2, 3])).shape == (2, 3)
    assert mx.reshape(a, mx.array([3, 2])).shape == (3, 2)
    assert [p.tolist() for p in mx.split(a, np.array([1, 4]))] == [[0], [1, 2, 3], [4, 5]]
    assert mx.zeros(np.int64(3)).shape == (3,)


def test_names_of_axes_and_extents_are_keywords():
    a = mx.ones((1, 2, 3))
    assert mx.reshape(a, shape=(6,)).shape == (6,)
    assert mx.transpose(a, axes=(2, 1, 0)).shape == (3, 2, 1)
    assert mx.squeeze(a, axis=0).shape == (2, 3)
    assert mx.expand_dims(a, axis=0).shape == (1, 1, 2, 3)
    assert mx.flatten(a, start_axis=1, end_axis=2).shape == (1, 6)
    assert mx.moveaxis(a, source=0, destination=2).shape == (2, 3, 1)
    assert mx.swapaxes(a, axis1=0, axis2=1).shape == (2, 1, 3)
    assert mx.broadcast_to(a, shape=(4, 2, 3)).shape == (4, 2, 3)
    assert len(mx.split(a, indices_or_sections=3, axis=2)) == 3
    assert mx.concatenate(arrays=[a, a], axis=1).shape == (1, 4, 3)
    assert mx.stack(arrays=[a, a], axis=1).shape == (1, 2, 2, 3)
    assert is_float("float32")
    assert to_mlx(np.ones(2), "int8").dtype == mx.int8
