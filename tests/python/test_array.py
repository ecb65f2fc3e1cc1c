"""The class `array`: construction, attributes, operators, conversion to Python values."""

import copy
import operator
import pickle
import threading

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = [
    "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "float32", "float64", "bfloat16", "complex64",
]  # fmt: skip
INTEGERS = DTYPES[1:9]
FLOATS = ["float16", "float32", "float64", "bfloat16"]


def dtype(name):
    return getattr(mx, name)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool_"), (7, "int32"), (-(2**31), "int32"), (2**31, "int64"), (-(2**31) - 1, "int64"),
        (1.5, "float32"), (2 - 3j, "complex64"),
    ],
)  # fmt: skip
def test_a_scalar_has_its_default_dtype(value, name):
    a = mx.array(value)
    assert a.dtype == dtype(name)
    assert a.shape == ()
    assert a.item() == value


@pytest.mark.parametrize(
    ("value", "name", "shape"),
    [
        ([], "float32", (0,)), ([[], []], "float32", (2, 0)), ([True, False], "bool_", (2,)),
        ([1, True], "int32", (2,)),
        ([1, 2**40], "int64", (2,)), ([1, 2.5], "float32", (2,)), ([1, 1j], "complex64", (2,)),
        (((1, 2), [3, 4]), "int32", (2, 2)), ([[[1.5]]], "float32", (1, 1, 1)),
    ],
)  # fmt: skip
def test_nested_lists(value, name, shape):
    a = mx.array(value)
    assert a.dtype == dtype(name)
    assert a.shape == shape
    assert a.tolist() == [list(v) if isinstance(v, tuple) else v for v in value]


def test_lists_of_arrays_are_stacked():
    a = mx.array([mx.array([1, 2]), mx.array([2.5, 3])])
    assert a.dtype == mx.float32
    assert a.tolist() == [[1.0, 2.0], [2.5, 3.0]]
    assert mx.array([1.5, mx.array(2)]).tolist() == [1.5, 2.0]
    assert mx.array([[mx.array(1), 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert mx.array([np.float32(1.5), np.float32(2)]).tolist() == [1.5, 2.0]
    assert mx.array([np.array([1, 2]), np.array([3, 4])]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("value", [[[1, 2], [3]], [[], [1]], [1, [2]], [[1], 2], [[1, 2], [3, [4]]]])
def test_ragged_lists_are_refused(value):
    with pytest.raises(ValueError, match="length"):
        mx.array(value)


@pytest.mark.parametrize("value", ["a", {}, ["a"], [None], object(), {1}, [[{}]]])
def test_what_is_no_data_is_refused(value):
    with pytest.raises(ValueError):
        mx.array(value)
    with pytest.raises(TypeError):
        mx.array(None)
    with pytest.raises(TypeError):
        mx.array([1], dtype=float)


@pytest.mark.parametrize("name", DTYPES)
def test_a_given_dtype_is_what_astype_gives(name):
    for value in ([0, 1, 3], [1.5, 0.0, 100.25], [True, False]):
        if "uint" in name and isinstance(value[0], float):
            continue
        a = mx.array(value, dtype(name))
        assert a.dtype == dtype(name)
        assert a.tolist() == mx.array(value).astype(dtype(name)).tolist()


def test_double_precision_survives_construction():
    assert mx.array(0.1, mx.float64).item() == 0.1
    assert mx.array([0.1, 2**53 + 1], mx.float64).tolist() == [0.1, float(2**53 + 1)]
    assert mx.array(2**64 - 1, mx.uint64).item() == 2**64 - 1
    assert mx.array([2**64 - 1, 1], mx.uint64).tolist() == [2**64 - 1, 1]


@pytest.mark.parametrize("source", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", ["bool_", *INTEGERS])
def test_floats_out_of_range_convert_alike_everywhere(source, name):
    edges = [2.0**e + d for e in (7, 8, 15, 16, 31, 32, 63) for d in (-1, 0, 1)] + [1e20, 1.8e19, 300.7]
    values = [*edges, *(-v for v in edges), float("nan"), float("inf"), -float("inf")]
    a = mx.array(values, dtype(source))
    mx.eval(a)
    by_kernel = a.astype(dtype(name)).tolist()
    assert mx.array(a.tolist(), dtype(name)).tolist() == by_kernel
    assert [mx.full((2,), v).astype(dtype(name))[1].item() for v in a] == by_kernel


def test_ints_wrap_where_a_dtype_is_given_and_overflow_is_an_error_elsewhere():
    assert mx.array([300, -1], mx.uint8).tolist() == [44, 255]
    assert mx.array(2**40, mx.int32).item() == 0
    with pytest.raises(OverflowError):
        mx.array(2**64)
    with pytest.raises(OverflowError):
        mx.array([1, 2**63])


def test_attributes():
    a = mx.zeros((2, 3, 4), mx.float16)
    assert (a.shape, a.ndim, a.size, a.itemsize, a.nbytes, len(a)) == ((2, 3, 4), 3, 24, 2, 48, 2)
    assert a.dtype == mx.float16
    assert a.T.shape == (4, 3, 2)
    assert a.mT.shape == (2, 4, 3)
    with pytest.raises(ValueError):
        _ = mx.zeros(3).mT
    with pytest.raises(AttributeError):
        a.shape = (24,)
    with pytest.raises(AttributeError):
        a.foo = 1
    c = mx.array([1 + 2j, 3 - 4j])
    assert c.real.tolist() == [1.0, 3.0]
    assert c.imag.tolist() == [2.0, -4.0]


BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
BITWISE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("op", BINARY + COMPARISONS)
def test_operators_are_numpys(op):
    x = np.array([7, 2.5, -3, 4], np.float32)
    y = np.array([2, 2.5, 2, 3], np.float32)
    a, b = mx.array(x), mx.array(y)
    np.testing.assert_allclose(np.array(op(a, b)), op(x, y), rtol=1e-6)
    np.testing.assert_allclose(np.array(op(a, 2)), op(x, np.float32(2)), rtol=1e-6)
    np.testing.assert_allclose(np.array(op(2, b)), op(np.float32(2), y), rtol=1e-6)
    np.testing.assert_allclose(np.array(op(a, np.float64(2))), op(x, np.float32(2)), rtol=1e-6)
    np.testing.assert_allclose(np.array(op(a, y)), op(x, y), rtol=1e-6)


@pytest.mark.parametrize("op", BITWISE)
def test_bitwise_operators_are_numpys(op):
    x, y = np.array([12, 5, 1], np.int32), np.array([3, 1, 7], np.int32)
    assert np.array(op(mx.array(x), mx.array(y))).tolist() == op(x, y).tolist()
    assert np.array(op(mx.array(x), 3)).tolist() == op(x, 3).tolist()
    assert np.array(op(3, mx.array(y))).tolist() == op(3, y).tolist()
    with pytest.raises(ValueError):
        op(mx.array([1.5]), 1)


def test_unary_operators():
    a = mx.array([1, -2])
    assert (-a).tolist() == [-1, 2]
    assert (+a).tolist() == [1, -2]
    assert abs(a).tolist() == [1, 2]
    assert (~a).tolist() == [-2, 1]
    assert (~mx.array([True, False])).tolist() == [False, True]
    with pytest.raises(ValueError):
        ~mx.array([1.5])
    with pytest.raises(ValueError):
        -mx.array([True])


def test_matmul_divmod_and_pow():
    a = mx.array([[1.0, 2], [3, 4]])
    assert (a @ a).tolist() == [[7.0, 10.0], [15.0, 22.0]]
    quotient, rest = divmod(mx.array([7, 8]), 3)
    assert (quotient.tolist(), rest.tolist()) == ([2, 2], [1, 2])
    with pytest.raises(TypeError):
        pow(a, 2, 3)
    with pytest.raises(TypeError):
        a @ 2
    with pytest.raises(ValueError):
        mx.array([1]) @ mx.array([1])


@pytest.mark.parametrize("name", DTYPES)
def test_python_scalars_are_weak(name):
    a = mx.ones((2,), dtype(name))
    inexact = name in FLOATS or name == "complex64"
    assert (a + True).dtype == a.dtype
    assert (a + 1).dtype == (mx.int32 if name == "bool_" else a.dtype)
    assert (a * 1.5).dtype == (a.dtype if inexact else mx.float32)
    assert (1.5 * a).dtype == (a.dtype if inexact else mx.float32)
    assert (a + 1j).dtype == mx.complex64


@pytest.mark.parametrize("name", INTEGERS)
def test_ints_that_do_not_fit_are_refused(name):
    a = mx.ones((2,), dtype(name))
    info = np.iinfo(name)
    assert (a * int(info.max)).tolist() == [int(info.max)] * 2
    with pytest.raises((ValueError, OverflowError)):
        a + (int(info.max) + 1)
    with pytest.raises((ValueError, OverflowError)):
        a + (int(info.min) - 1)


@pytest.mark.parametrize("other", ["a", None, [1, 2], (1, 2), {}, object()])
def test_foreign_objects_are_left_to_python(other):
    a = mx.array([1, 2])
    with pytest.raises(TypeError):
        a + other
    with pytest.raises(TypeError):
        other - a
    with pytest.raises(TypeError):
        _ = a < other
    assert (a == other) is False
    assert (a != other) is True

    class Reflecting:
        def __radd__(self, left):
            return "mine"

    assert a + Reflecting() == "mine"


def test_in_place_operators_rebind_the_object():
    a = mx.array([1, 2, 3])
    before, same = a + 0, a
    held = before
    a += 1
    assert same is a
    assert a.tolist() == [2, 3, 4]
    assert held.tolist() == [1, 2, 3]
    for op, expected in [
        (operator.isub, [1, 2, 3]), (operator.imul, [2, 4, 6]), (operator.ifloordiv, [1, 2, 3]),
        (operator.ipow, [1, 4, 9]), (operator.imod, [1, 0, 1]), (operator.iadd, [3, 2, 3]),
        (operator.ilshift, [12, 8, 12]), (operator.irshift, [3, 2, 3]), (operator.iand, [2, 2, 2]),
        (operator.ior, [2, 2, 2]), (operator.ixor, [0, 0, 0]),
    ]:  # fmt: skip
        a = op(a, 1 if op in (operator.isub, operator.ifloordiv) else 2)
        if op is operator.ifloordiv:
            a = mx.array([1, 2, 3])
            continue
        assert a.tolist() == expected, op
    a = mx.array([1, 2])
    a += 1.5
    assert a.dtype == mx.float32
    b = a.reshape(1, 2)
    b @= mx.ones((2, 2))
    assert b.tolist() == [[6.0, 6.0]]


def test_python_scalars_out():
    assert int(mx.array([3.7])) == 3
    assert float(mx.array([[2]])) == 2.0
    assert complex(mx.array(3 + 1j)) == 3 + 1j
    assert [10, 20, 30][mx.array(1)] == 20
    assert bool(mx.array([[1]])) and not mx.array(0)
    assert isinstance(mx.array(1.5, mx.bfloat16).item(), float)
    assert mx.array(2**63 + 5, mx.uint64).item() == 2**63 + 5
    for convert in (int, float, bool, complex, lambda a: a.item()):
        with pytest.raises(ValueError):
            convert(mx.array([1, 2]))
    with pytest.raises(TypeError):
        int(mx.array(1j))
    for index in (mx.array(1.0), mx.array([1]), mx.array(True)):
        with pytest.raises(TypeError):
            [1, 2][index]


@pytest.mark.parametrize("name", DTYPES)
def test_tolist_and_item_of_views(name):
    values = [[0, 1, 1], [1, 0, 1]]
    a = mx.array(values, dtype(name))
    expected = np.array(values)
    assert a.T.tolist() == expected.T.tolist()
    assert a[:, ::-1].tolist() == expected[:, ::-1].tolist()
    assert a[1, 2].item() == 1
    assert mx.zeros((2, 0), dtype(name)).tolist() == [[], []]


def test_length_iteration_and_membership():
    a = mx.arange(6).reshape(3, 2)
    assert [row.tolist() for row in a] == [[0, 1], [2, 3], [4, 5]]
    assert 5 in a and 6 not in a and "x" not in a
    for f in (len, iter):
        with pytest.raises(TypeError):
            f(mx.array(1))
    first, second = mx.array([1, 2])
    assert (first.item(), second.item()) == (1, 2)


def test_format():
    assert f"{mx.array(1.5):.3f}" == "1.500"
    assert f"{mx.array(2)}" == "2"
    assert f"{mx.array([1])}" == "array([1], dtype=int32)"
    with pytest.raises(TypeError):
        f"{mx.array([1]):.3f}"


@pytest.mark.filterwarnings("ignore:nanobind")
def test_an_object_that_nobody_initialized():
    a = mx.array.__new__(mx.array)
    for use in (
        lambda: a + 1,
        lambda: 1 + a,
        lambda: +a,
        lambda: a[0],
        a.sum,
        a.tolist,
        lambda: repr(a),
        lambda: mx.exp(a),
    ):
        with pytest.raises(TypeError):
            use()
    with pytest.raises((TypeError, ValueError, BufferError)):
        memoryview(a)
    with pytest.raises(TypeError):
        mx.array([1, 2])[0] = a


def test_hash_and_identity():
    a = mx.array([1])
    assert hash(a) == hash(a)
    assert {a: 1}[a] == 1


@pytest.mark.parametrize("name", DTYPES)
def test_copies_and_pickles(name):
    a = mx.array([[0, 1], [1, 0]], dtype(name)).T
    for b in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert b is not a
        assert b.dtype == a.dtype
        assert b.tolist() == a.tolist()
        b += 1
        assert a.tolist() == [[0, 1], [1, 0]]
    assert pickle.loads(pickle.dumps(mx.zeros((0, 3), dtype(name)))).shape == (0, 3)


def test_methods():
    x = np.array([[1.25, 4, 9], [16, 25, 36]], np.float32)
    a = mx.array(x)
    for name in ["abs", "cos", "exp", "log", "log10", "log1p", "log2", "reciprocal", "sin", "sqrt", "square"]:
        method = getattr(np, name)
        np.testing.assert_allclose(np.array(getattr(a, name)()), method(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.array(a.rsqrt()), 1 / np.sqrt(x), rtol=1e-6)
    for name in ["sum", "prod", "max", "min", "mean", "any", "all", "argmax", "argmin", "std", "var"]:
        for axis in (None, 0, -1):
            for keepdims in (False, True):
                expected = getattr(x, name)(axis=axis, keepdims=keepdims)
                got = getattr(a, name)(axis=axis, keepdims=keepdims)
                assert got.shape == expected.shape
                np.testing.assert_allclose(np.array(got), expected, rtol=1e-5)
    assert a.sum((0, 1), True).shape == (1, 1)
    assert a.sum([0]).shape == (3,)
    np.testing.assert_allclose(a.std(ddof=1).item(), x.std(ddof=1), rtol=1e-6)
    np.testing.assert_allclose(a.var(correction=1).item(), x.var(ddof=1), rtol=1e-6)
    assert a.round().tolist() == x.round().tolist()
    assert a.reshape(3, 2).shape == a.reshape((3, 2)).shape == a.reshape([3, -1]).shape == (3, 2)
    assert a.transpose().shape == a.transpose(1, 0).shape == a.transpose((1, 0)).shape == (3, 2)
    assert a.flatten().shape == (6,)
    assert a.reshape(1, 6).squeeze().shape == a.reshape(1, 6).squeeze(0).shape == (6,)
    assert a.swapaxes(0, 1).shape == a.moveaxis(0, 1).shape == (3, 2)
    assert [p.shape for p in a.split(3, 1)] == [(2, 1)] * 3
    assert [p.shape for p in a.split([1], axis=1)] == [(2, 1), (2, 2)]
    assert a.diag().tolist() == [1.25, 25.0]
    assert a.diagonal(1).tolist() == [4.0, 36.0]
    assert a.astype(mx.int32).tolist() == x.astype(np.int32).tolist()
    assert a.astype(dtype=mx.int8).dtype == mx.int8
    assert mx.array([1 + 2j]).conj().tolist() == [1 - 2j]


def test_methods_refuse_what_does_not_fit():
    a = mx.ones((2, 3))
    for call in (
        lambda: a.sum(axis="x"), lambda: a.astype("float32"), lambda: a.sum(device=mx.cpu), lambda: a.sum(0, 1, 2, 3),
        lambda: a.reshape(2, "x"), lambda: a.swapaxes(0), lambda: a.exp(1), lambda: a.sum(axes=0),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            call()
    for call in (lambda: a.reshape(4, 2), lambda: a.transpose(0), lambda: a.transpose(0, 0), lambda: a.squeeze(0)):
        with pytest.raises(ValueError):
            call()
    for call in (lambda: a.sum(2), lambda: a.transpose(0, 5), lambda: a.argmax(-3)):
        with pytest.raises((IndexError, ValueError)):
            call()
    with pytest.raises(TypeError, match="stream="):
        a.sum(device=mx.cpu)


def test_methods_take_streams():
    a, s = mx.arange(4), mx.new_stream(mx.cpu)
    assert a.sum(stream=s).item() == a.sum(stream=mx.cpu).item() == 6
    assert a.astype(mx.float32, s).tolist() == [0.0, 1.0, 2.0, 3.0]
    with mx.stream(s):
        assert (a + 1).tolist() == [1, 2, 3, 4]


def test_operators_from_many_threads():
    a = mx.array([1.0, 2.0])
    results = []

    def work():
        x = a
        for _ in range(200):
            x = x + 1
        results.append(x.tolist())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [[201.0, 202.0]] * 8


scalars = st.one_of(st.booleans(), st.integers(-(2**31), 2**31 - 1), st.floats(width=32, allow_nan=False))


@settings(deadline=None, max_examples=50)
@given(st.recursive(scalars, lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=20))
def test_lists_are_numpys_or_ragged(value):
    try:
        expected = np.array(value)
    except ValueError:
        with pytest.raises(ValueError):
            mx.array(value)
        return
    a = mx.array(value)
    assert a.shape == expected.shape
    np.testing.assert_allclose(np.array(a).astype(np.float64), expected.astype(np.float32), rtol=1e-6)
