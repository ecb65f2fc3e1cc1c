"""Values, layouts and comparisons for tests against NumPy.

A reference computes on NumPy arrays in a type wider than the one under test; 16-bit floats are float32 arrays that
hold only values of the narrow format, since NumPy has no bfloat16.
"""

import anabranch as mx
import numpy as np

INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
DTYPES = ["bool_", *INTEGERS, *FLOATS, "complex64"]

# Bits of precision, and the exponent of the smallest normal number.
FORMATS = {"float16": (11, -14), "bfloat16": (8, -126), "float32": (24, -126), "float64": (53, -1022)}


def on_cuda():
    """Whether the default device computes with CUDA's kernels, which add floats in another order than the CPU's."""
    return "pci_bus_id" in mx.device_info(mx.default_device())


def dtype(name):
    return getattr(mx, name)


def name_of(d):
    name = str(d).removeprefix("mlx.core.")
    return "bool_" if name == "bool" else name


def is_float(name):
    return name in FORMATS


def stored(name):
    """The NumPy dtype that holds the values of ours."""
    return np.dtype({"bool_": "bool", "float16": "float32", "bfloat16": "float32"}.get(name, name))


def wide(name):
    """The NumPy dtype in which the reference computes on floats."""
    return np.dtype({"float64": "longdouble", "complex64": "complex128"}.get(name, "float64"))


def to_mlx(x, name):
    """Our array of dtype `name` with the values of x."""
    return mx.array(x, dtype(name))


def to_numpy(a):
    """The values of our array, 16-bit floats as float32."""
    return np.array(a.astype(mx.float32) if a.dtype in (mx.bfloat16, mx.float16) else a)


def ulps(got, expected, name):
    """How far `got` is from the wider `expected`, in units of the last place of the format `name`."""
    digits, smallest = FORMATS[name]
    w = wide(name).type
    # Beyond the largest number is infinity.
    largest = (2 - w(2) ** (1 - digits)) * w(2) ** (1 - smallest)
    got, expected = np.asarray(got, w), np.asarray(expected, w)
    with np.errstate(all="ignore"):
        expected = np.where(
            np.abs(expected) >= largest + w(2) ** (1 - smallest - digits), np.copysign(np.inf, expected), expected
        )
        finite = np.isfinite(expected) & (expected != 0)
        exponent = np.frexp(np.where(finite, expected, 1))[1] - 1
        place = w(2) ** (np.maximum(exponent, smallest) + 1 - digits)
        off = np.abs(got - expected) / place
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.where(same, 0, np.where(np.isnan(off), np.inf, off))


def assert_close(a, expected, name, bound, what="", slack=0):
    """Checks the dtype and shape of our array `a`, and its values up to `bound` units in the last place or `slack`."""
    assert name_of(a.dtype) == name, what
    expected = np.asarray(expected)
    assert a.shape == expected.shape, what
    got = to_numpy(a)
    if name == "complex64":
        same = (got == expected) | (np.isnan(got) & np.isnan(expected)) | (np.abs(got - expected) <= slack)
        with np.errstate(all="ignore"):
            off = np.where(same, 0, np.abs(got - expected) / (2.0**-23 * np.maximum(np.abs(expected), 2.0**-100)))
    elif is_float(name):
        with np.errstate(all="ignore"):
            off = np.where(np.abs(got - expected) <= slack, 0, ulps(got, expected, name))
    else:
        off = np.where(got == expected, 0, np.inf)
        bound = 0
    if off.size and not np.max(off) <= bound:
        at = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
        raise AssertionError(
            f"{what}: {got[at]!r}, expected {expected[at]!r}, at {at} of {name}: {off[at]} > {bound} ulps"
        )


def assert_same_bits(a, b, what=""):
    """Checks that two of our arrays are equal to the bit; any NaN equals any other."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape), what
    if bytes(a) == bytes(b):
        return
    x, y = to_numpy(a), to_numpy(b)
    assert x.dtype.kind in "fc", what
    parts = [(x.real, y.real), (x.imag, y.imag)] if x.dtype.kind == "c" else [(x, y)]
    for p, q in parts:
        np.testing.assert_array_equal(p, q, what)
        assert np.array_equal(np.signbit(p)[~np.isnan(p)], np.signbit(q)[~np.isnan(q)]), what


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -1.5, np.inf, -np.inf, np.nan, 1e-3, 300.0, -88.0, 6e4, 1e-6, 0.75]


def values(name, shape, seed=0):
    """Values of a dtype: small ones, large ones and all the special ones, as far as the shape has room."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if name == "bool_":
        return rng.integers(0, 2, shape).astype(bool)
    if name in INTEGERS:
        info = np.iinfo(name)
        x = rng.integers(max(info.min, -9), 10, count).astype(name)
        extremes = np.array([info.min, info.max, info.max - 1, 0, 1, info.min // 2], name)
        x[: len(extremes)] = extremes[:count]
    elif name == "complex64":
        x = (rng.normal(size=count) + 1j * rng.normal(size=count)).astype(name) * 2
    else:
        x = rng.normal(size=count) * 10.0 ** rng.integers(-3, 3, count)
        x[: len(SPECIAL)] = SPECIAL[:count]
        x = to_numpy(mx.array(x.astype(np.float32), dtype(name))).astype(stored(name))
        if name == "float64":
            x *= 1 + np.finfo(np.float64).eps * rng.integers(0, 1 << 20, count)
    return rng.permutation(x).reshape(shape)


def in_layout(layout, name, shape, seed=0):
    """An array of the shape, and NumPy's values of it, that lies in memory in another way than densely in rows."""
    n = len(shape)
    if layout == "dense":
        x = values(name, shape, seed)
        return to_mlx(x, name), x
    if layout == "transposed":
        x = values(name, shape[::-1], seed)
        return to_mlx(x, name).T, x.T
    if layout == "reversed":
        x = values(name, shape, seed)
        key = (slice(None, None, -1),) * n
        return to_mlx(x, name)[key], x[key]
    if layout == "stepped":
        x = values(name, tuple(2 * extent + 1 for extent in shape), seed)
        key = tuple(slice(1, 2 * extent + 1, 2) for extent in shape)
        return to_mlx(x, name)[key], x[key]
    if layout == "broadcast":
        x = values(name, (*shape[:-1], 1)[-n:] if n else (), seed)
        return mx.broadcast_to(to_mlx(x, name), shape), np.broadcast_to(x, shape)
    raise ValueError(layout)


LAYOUTS = ["dense", "transposed", "reversed", "stepped", "broadcast"]
