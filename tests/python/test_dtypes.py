"""Dtypes: promotion of arrays and of Python's scalars, limits, categories."""

import pickle

import anabranch as mx
import numpy as np
import pytest
from reference import DTYPES, FLOATS, FORMATS, INTEGERS, dtype, is_float, name_of

# What mlx 0.32.4 promotes two dtypes to; the table is symmetric.
ORDER = [
    "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64",
]  # fmt: skip
TABLE = """
bool_
uint8 uint8
uint16 uint16 uint16
uint32 uint32 uint32 uint32
uint64 uint64 uint64 uint64 uint64
int8 int16 int32 int64 float32 int8
int16 int16 int32 int64 float32 int16 int16
int32 int32 int32 int64 float32 int32 int32 int32
int64 int64 int64 int64 float32 int64 int64 int64 int64
float16 float16 float16 float16 float16 float16 float16 float16 float16 float16
bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 bfloat16 float32 bfloat16
float32 float32 float32 float32 float32 float32 float32 float32 float32 float32 float32 float32
float64 float64 float64 float64 float64 float64 float64 float64 float64 float64 float64 float64 float64
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()] + [["complex64"] * 14]
PROMOTED = {(ORDER[i], ORDER[j]): out for i, row in enumerate(ROWS) for j, out in enumerate(row)}
PROMOTED |= {(b, a): out for (a, b), out in PROMOTED.items()}


@pytest.mark.parametrize("name", DTYPES)
def test_promotion_of_arrays(name):
    a = mx.ones((2,), dtype(name))
    for other in DTYPES:
        expected = PROMOTED[name, other]
        b = mx.ones((), dtype(other))
        assert name_of(mx.result_type(dtype(name), dtype(other))) == expected
        assert name_of(mx.result_type(a, dtype(other))) == expected
        for out in (a + b, mx.multiply(b, a), mx.where(True, a, b), mx.concatenate([a, b.reshape(1)])):
            assert name_of(out.dtype) == expected, (name, other)
        assert (a == b).dtype == mx.bool_
        assert mx.can_cast(dtype(name), dtype(other)) == (expected == other)


def beside(name, scalar):
    """The dtype that an operation on an array of dtype `name` and a Python scalar has."""
    if isinstance(scalar, bool):
        return name
    if isinstance(scalar, int):
        return "int32" if name == "bool_" else name
    if isinstance(scalar, float):
        return name if is_float(name) or name == "complex64" else "float32"
    return "complex64"


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("scalar", [True, 1, 2.5, 1 + 2j])
def test_scalars_are_weak(name, scalar):
    a = mx.ones((2,), dtype(name))
    expected = beside(name, scalar)
    for out in (a + scalar, scalar + a, mx.add(a, scalar), mx.multiply(scalar, a), a * scalar):
        assert name_of(out.dtype) == expected
    assert name_of(mx.where(True, a, scalar).dtype) == expected
    value = 1 + scalar if name != "bool_" or not isinstance(scalar, bool) else 1
    assert (a + scalar).tolist() == [value] * 2


@pytest.mark.parametrize("name", INTEGERS)
def test_an_int_that_does_not_fit_is_refused(name):
    info = mx.iinfo(dtype(name))
    a = mx.zeros((1,), dtype(name))
    assert (a + info.max).tolist() == [info.max]
    assert (a + info.min).tolist() == [info.min]
    for scalar in (info.max + 1, info.min - 1):
        with pytest.raises((ValueError, OverflowError)):
            a + scalar


def test_two_scalars():
    assert mx.add(1, 2).dtype == mx.int32
    assert mx.add(True, True).dtype == mx.bool_
    assert mx.add(True, 2).dtype == mx.int32
    assert mx.add(1, 2.0).dtype == mx.float32
    assert mx.add(1, 2j).dtype == mx.complex64
    assert mx.add(2**40, 1).item() == 2**40 + 1


def test_scalars_of_numpy():
    a = mx.ones((2,), mx.float16)
    assert (a + np.float64(2)).dtype == mx.float16
    assert (a + np.int64(2)).dtype == mx.float16
    assert (a > np.float64(0.5)).tolist() == [True, True]


def test_division_of_integers():
    for name in ["bool_", *INTEGERS]:
        a = mx.ones((2,), dtype(name))
        assert (a / a).dtype == mx.float32
        assert mx.exp(a).dtype == mx.float32


@pytest.mark.parametrize("name", [*FLOATS, "complex64"])
def test_finfo(name):
    info = mx.finfo(dtype(name))
    digits, smallest = FORMATS["float32" if name == "complex64" else name]
    assert info.dtype == dtype(name)
    assert info.eps == 2.0 ** (1 - digits)
    assert info.max == (2 - 2.0 ** (1 - digits)) * 2.0 ** (1 - smallest)
    assert info.min == -info.max
    assert info.smallest_normal == 2.0**smallest
    with pytest.raises(ValueError, match="finfo"):
        mx.finfo(mx.int32)


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name):
    ours, theirs = mx.iinfo(dtype(name)), np.iinfo(name)
    assert (ours.min, ours.max, ours.dtype) == (theirs.min, theirs.max, dtype(name))
    with pytest.raises(ValueError, match="iinfo"):
        mx.iinfo(mx.float32)


CATEGORIES = {
    "generic": DTYPES, "number": DTYPES[1:], "inexact": [*FLOATS, "complex64"], "floating": FLOATS,
    "complexfloating": ["complex64"], "integer": INTEGERS, "signedinteger": INTEGERS[4:],
    "unsignedinteger": INTEGERS[:4],
}  # fmt: skip
KINDS = {
    "bool": ["bool_"], "signed integer": INTEGERS[4:], "unsigned integer": INTEGERS[:4], "integral": INTEGERS,
    "real floating": FLOATS, "complex floating": ["complex64"], "numeric": DTYPES[1:],
}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_categories(name):
    d = dtype(name)
    for category, members in CATEGORIES.items():
        assert mx.issubdtype(d, getattr(mx, category)) == (name in members)
    for kind, members in KINDS.items():
        assert mx.isdtype(d, kind) == (name in members)
    for other in DTYPES:
        assert mx.issubdtype(d, dtype(other)) == (name == other)
    assert mx.isdtype(d, ("bool", d))
    assert mx.issubdtype(mx.floating, mx.inexact)
    assert not mx.issubdtype(mx.inexact, mx.floating)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_are_values(name):
    d = dtype(name)
    assert repr(d) == "mlx.core." + name.removesuffix("_")
    assert d == mx.zeros((1,), d).dtype
    assert hash(d) == hash(mx.zeros((1,), d).dtype)
    assert pickle.loads(pickle.dumps(d)) == d
    assert d != name
    assert d.size == mx.zeros((1,), d).itemsize
    assert [other for other in DTYPES if dtype(other) == d] == [name]


def test_bad_dtypes():
    a = mx.ones((2,))
    for bad in ("float32", float, np.float32, 3, None):
        with pytest.raises(TypeError):
            a.astype(bad)
    for bad in ("float32", np.float32, 3):
        with pytest.raises(TypeError):
            mx.zeros((2,), bad)
    with pytest.raises(ValueError, match="result_type"):
        mx.result_type()
