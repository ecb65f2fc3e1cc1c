"""Reading and assigning x[...], against NumPy."""

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SHAPE = (3, 4, 5)


def source():
    return np.arange(60, dtype=np.int32).reshape(SHAPE)


def ours(key):
    """The index with NumPy's arrays turned into ours."""
    if isinstance(key, tuple):
        return tuple(ours(k) for k in key)
    return mx.array(key) if isinstance(key, np.ndarray) else key


BASIC = [
    0, -1, np.int64(2), slice(None), slice(None, None, -1), slice(1, 3), slice(-2, None), slice(5, 1), slice(10, 20),
    slice(None, None, 2), slice(2, 0, -1), None, ..., (), (0, 1, 2), (..., 0), (0, ..., 0), (None, 1), (1, None),
    (..., None), (slice(None), slice(None, None, -1), slice(None, None, -2)), (slice(1, 3), -1, slice(0, 5, 3)),
    (1, slice(1, 2), None, ..., slice(None, None, -1)), (None, None, 0, None), (0, ..., slice(1, None)),
]  # fmt: skip
A = np.array
ARRAYS = [
    A([1, 0]), A([[0, 2], [1, 1]]), A([-1, 0]), A(1), A([], dtype=np.int32), A([1, 0], dtype=np.uint8),
    [0, 2], [[0], [1]],
    (A([1, 0]), A([0, 3])), (A([1, 0]), slice(None), A([0, 3])), (slice(None), A([0, 3])),
    (slice(None), A([0, 3]), None), (A([1, 0]), None, A([0, 3])), (A([1, 0]), 0), (0, A([1, 0])),
    (0, slice(None), A([1, 0])), (0, slice(None), A([[0, 1, 4]])), (A([1, 0]), slice(1, 3)),
    (slice(1, None), A([1, 0]), slice(None, None, 2)), (..., A([1, 0])), (None, A([1, 0])),
    (A([1, 0]), ..., A([1, 4])), (A([[0], [2]]), A([0, 3])), (A([0, 1]), [1, 2]), (A([0, 2]), A(1), slice(None)),
    (slice(None, None, -1), A([3, 0]), slice(4, 0, -2)), (A([1, 1]), A([2, 2]), A([3, 3])),
    (slice(0, 2), A([1, 0]), A([[0], [1], [2]])), (slice(1, 1), A([0, 1])),
]  # fmt: skip


def identifier(key):
    return str(key).replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("key", BASIC + ARRAYS, ids=identifier)
def test_get(key):
    x = source()
    a = mx.array(x)[ours(key)]
    assert a.shape == x[key].shape
    assert a.tolist() == x[key].tolist()
    transposed = np.ascontiguousarray(x.T)
    assert mx.array(transposed).T[ours(key)].tolist() == x[key].tolist()


@pytest.mark.parametrize("key", BASIC + ARRAYS, ids=identifier)
@pytest.mark.parametrize("scalar", [True, False])
def test_set(key, scalar):
    x = source()
    a = mx.array(x)
    before, view = a, a[0]
    b = a
    value = 7 if scalar else np.arange(x[key].size, dtype=np.int32).reshape(x[key].shape) - 100
    x[key] = value
    a[ours(key)] = value if scalar else mx.array(value)
    assert a is b is before  # the object is bound to another value
    assert a.tolist() == x.tolist()
    assert a.dtype == mx.int32
    assert view.tolist() == source()[0].tolist()  # what was read before is as it was


def test_assignment_converts_broadcasts_and_squeezes():
    a = mx.arange(5)
    a[1:3] = 1.7
    a[0] = mx.array(2.9)
    a[3] = mx.array([4])
    a[4:] = np.float32(9.5)
    assert a.tolist() == [2, 1, 1, 4, 9]
    a[1:3] = [8, 9]
    a[0] = True
    assert a.tolist() == [1, 8, 9, 4, 9]
    x = mx.zeros((2, 3))
    x[:, 1] = mx.array([1, 2])
    x[0] = mx.ones((1, 1, 3))
    x[...] = x + mx.array([1, 0, 0])
    assert x.tolist() == [[2.0, 1.0, 1.0], [1.0, 2.0, 0.0]]
    x[:] = mx.array([1, 2, 3])
    assert x.tolist() == [[1.0, 2.0, 3.0]] * 2
    x[0] += 1
    x[:, 1:] *= 10
    assert x.tolist() == [[2.0, 30.0, 40.0], [1.0, 20.0, 30.0]]
    x[0] = x[1]
    assert x.tolist() == [[1.0, 20.0, 30.0]] * 2


def test_an_array_assigned_is_a_copy():
    value = mx.array([1, 2, 3])
    a = mx.zeros((3,), mx.int32)
    a[:] = value
    value[0] = 9
    assert a.tolist() == [1, 2, 3]
    np.asarray(a)[0] = 5
    assert value.tolist() == [9, 2, 3]


def test_masks():
    x = source()
    a = mx.array(x)
    for mask in (x > 30, x[:, :, 0] > 20, np.array([True, False, True]), np.zeros(SHAPE, bool), np.array(True)):
        b, y = mx.array(x), x.copy()
        b[mx.array(mask)] = -1
        y[mask] = -1
        assert b.tolist() == y.tolist()
        values = np.arange(y[mask].size, dtype=np.int32).reshape(y[mask].shape)
        b[mx.array(mask)] = mx.array(values)
        y[mask] = values
        assert b.tolist() == y.tolist()
    b = mx.array(x)
    b[a > 57] = mx.array([1, 2, 3, 4])  # more values than needed: the first ones
    assert b[2, 3].tolist() == [55, 56, 57, 1, 2]
    with pytest.raises(ValueError):
        b[a > 30] = mx.array([1, 2])
    with pytest.raises(ValueError):
        b[mx.array([True, False])] = 0
    with pytest.raises(ValueError):
        a[a > 3]  # as in MLX
    with pytest.raises(ValueError):
        a[True]


def test_duplicates_are_applied_in_order():
    a = mx.zeros((3,), mx.int32)
    a[mx.array([0, 0, 1])] = mx.array([1, 2, 3])
    assert a.tolist() == [2, 3, 0]


@pytest.mark.parametrize("key", [3, -4, (0, 4), (0, 0, -6), (slice(None), 4), (A([0, 1]), 0, 5), 2**70, -(2**63)])
def test_elements_out_of_range(key):
    a = mx.array(source())
    with pytest.raises(IndexError):
        a[ours(key)]
    with pytest.raises(IndexError):
        a[ours(key)] = 0


@pytest.mark.parametrize(
    "key",
    [1.0, "a", 1j, {}, (0, 0, 0, 0), (..., ...), mx.array([1.0]), (None, True), slice(None, None, 0), [0, 1.5], b"a"],
    ids=identifier,
)
def test_what_is_no_index(key):
    a = mx.array(source())
    with pytest.raises((ValueError, TypeError)):
        a[key]
    with pytest.raises((ValueError, TypeError)):
        a[key] = 0
    for wrong in (0, mx.array([0])):
        with pytest.raises((ValueError, IndexError)):
            mx.array(5)[wrong]


@pytest.mark.parametrize("key", [slice(1, 3), 0, A([0, 1])], ids=identifier)
def test_values_that_do_not_fit(key):
    a = mx.arange(5)
    for value in (mx.array([1, 2, 3]), mx.zeros((2, 2)), "a", None, 2**40, [1, 2, 3]):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            a[ours(key)] = value
    assert a.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises((TypeError, AttributeError)):
        del a[0]


def test_gathered_indices_out_of_range_fail_when_read():
    a = mx.arange(5)
    bad = a[mx.array([7])]
    for _ in range(2):
        with pytest.raises(IndexError):
            bad.tolist()
    assert a.tolist() == [0, 1, 2, 3, 4]


def test_each_of_many_gathers_tells_its_own_index():
    a = mx.arange(50)
    results = [a[mx.array([i % 60, 0])] for i in range(300)]
    sums = [r + 1 for r in results]
    mx.async_eval(results, sums)
    for i, (r, s) in enumerate(zip(results, sums, strict=True)):
        if i % 60 < 50:
            assert (r.tolist(), s.tolist()) == ([i % 60, 0], [i % 60 + 1, 1])
        else:
            for x in (s, r):
                with pytest.raises(IndexError, match=f"index {i % 60} is out of bounds for axis 0 with size 50"):
                    x.tolist()


@pytest.mark.parametrize("dtype", [mx.int8, mx.int16, mx.int32, mx.int64, mx.uint8, mx.uint32, mx.uint64])
def test_the_index_that_is_out_of_range_is_named(dtype):
    a = mx.zeros((7, 9))
    for axis, index in ((0, 7), (1, 9), (1, 100), (0, -8), (1, -128)):
        if index < 0 and str(dtype).startswith("mlx.core.u"):
            continue
        good, bad = mx.array([0, 1, 2]), mx.array([0, index, 2]).astype(dtype)
        key = (bad, good) if axis == 0 else (good, bad)
        message = rf"index {index} is out of bounds for axis {axis} with size {a.shape[axis]}"
        with pytest.raises(IndexError, match=message):
            a[key].tolist()
        b = mx.zeros((7, 9))
        b[key] = 1
        with pytest.raises(IndexError, match=message):
            b.tolist()


def test_updates_at():
    def x():
        return np.arange(12, dtype=np.float32).reshape(3, 4) + 1

    names = {
        "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
        "maximum": np.maximum, "minimum": np.minimum,
    }  # fmt: skip
    several = (A([1, 1, 1]), A([0, 0, 3]))
    for key in (0, (slice(None), 1), A([0, 0, 2]), several, (slice(1, None), slice(None, None, 2)), ...):
        for name, function in names.items():
            expected = x()
            function.at(expected, key, 2)
            a = mx.array(x())
            got = getattr(a.at[ours(key)], name)(2)
            np.testing.assert_allclose(np.array(got), expected, rtol=1e-6)
            assert a.tolist() == x().tolist()
    masked = mx.array(x()).at[mx.array(x() > 6)].add(1)
    assert masked.tolist() == (x() + (x() > 6)).tolist()
    with pytest.raises(ValueError):
        mx.zeros(3).at.add(1)
    with pytest.raises(ValueError):
        mx.zeros(3).at["a"].add(1)


def test_indices_that_change_under_our_feet():
    class Rebinding:
        """An index whose conversion assigns to the array that is being indexed."""

        def __init__(self, a):
            self.a = a

        def __index__(self):
            self.a[:] = 0
            return 1

    a = mx.array([5, 6, 7])
    assert a[Rebinding(a)].item() in (0, 6)
    assert a.tolist() == [0, 0, 0]


def index_strategy(shape):
    basic = hnp.basic_indices(shape, allow_newaxis=True, max_dims=6)
    arrays = hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3), dtype=np.int32)
    return st.one_of(basic, arrays)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_random_indices(data):
    shape = data.draw(hnp.array_shapes(max_dims=4, max_side=4))
    key = data.draw(index_strategy(shape))
    x = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    a = mx.array(x)
    assert a[ours(key)].tolist() == x[key].tolist()
    value = np.full(x[key].shape, -1, np.int32)
    x[key] = value
    a[ours(key)] = mx.array(value)
    assert a.tolist() == x.tolist()
