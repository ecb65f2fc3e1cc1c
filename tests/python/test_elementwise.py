"""Every elementwise operation, in every dtype and layout, against NumPy. The operations come from the module itself."""

import inspect
import itertools
import math

import anabranch as mx
import numpy as np
import pytest
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
    values,
    wide,
)


def with_parameters(names):
    """The functions of the module with these parameters and `stream`, one name each."""
    found = {}
    for name in dir(mx):
        f = getattr(mx, name)
        if not inspect.isbuiltin(f) or name.startswith("_"):
            continue
        if list(inspect.signature(f).parameters) == [*names, "stream"]:
            found.setdefault(f.__name__, f)
    return found


# --- References: on wider floats, on integers of the dtype itself, on complex128


def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(np.asarray(x, np.float64)).astype(x.dtype)


def erfinv(x):
    """Bisection on erf, or on erfc where that tells more."""

    def one(v):
        size = abs(v)
        if not size < 1:
            return math.copysign(math.inf, v) if size == 1 else math.nan
        if size < 1e-9:
            return v * math.sqrt(math.pi) / 2
        low, high = 0.0, 6.0
        for _ in range(80):
            middle = (low + high) / 2
            below = math.erf(middle) < size if size < 0.5 else math.erfc(middle) > 1 - size
            low, high = (middle, high) if below else (low, middle)
        return math.copysign(high, v)

    return np.vectorize(one, otypes=[np.float64])(np.asarray(x, np.float64)).astype(x.dtype)


def sign(x):
    """0 for NaN, as in MLX."""
    if x.dtype.kind == "c":
        return np.where(x == 0, x, x / np.where(x == 0, 1, np.abs(x)))
    return np.where(x > 0, 1, np.where(x < 0, -1, 0)).astype(x.dtype)


def square(x):
    return x & x if x.dtype == bool else x * x


def same(x):
    return x


wide_pi = np.longdouble("3.14159265358979323846264338327950288")

UNARY = {
    "abs": np.abs, "negative": np.negative, "sign": sign, "square": square, "floor": np.floor, "ceil": np.ceil,
    "trunc": np.trunc, "logical_not": np.logical_not, "bitwise_invert": np.invert, "isnan": np.isnan,
    "isinf": np.isinf, "isfinite": np.isfinite, "real": np.real, "imag": np.imag, "conjugate": np.conjugate,
    "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x, "exp": np.exp,
    "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "erf": erf, "erfinv": erfinv,
    "positive": same, "stop_gradient": same, "degrees": lambda x: x * (180 / wide_pi),
    "radians": lambda x: x * (wide_pi / 180),
    "isposinf": lambda x: (x == np.inf), "isneginf": lambda x: (x == -np.inf),
}  # fmt: skip


def integer_power(a, b):
    """Modulo 2^bits; 0 for negative exponents."""
    if a.dtype == bool:
        return a | ~b
    bits, low = 8 * a.itemsize, np.iinfo(a.dtype).min

    def one(x, y):
        r = pow(int(x), int(y), 1 << bits) if y >= 0 else 0
        return r - (1 << bits) if low < 0 and r >= 1 << (bits - 1) else r

    return np.array([one(x, y) for x, y in np.broadcast(a, b)], a.dtype).reshape(np.broadcast_shapes(a.shape, b.shape))


def logaddexp(a, b):
    return np.logaddexp(a, b) if a.dtype.kind != "c" else np.log(np.exp(a) + np.exp(b))


def first_or_second(choose):
    """By the real part, then the imaginary one."""

    def f(a, b):
        if a.dtype.kind != "c":
            return (np.maximum if choose == "larger" else np.minimum)(a, b)
        less = (a.real < b.real) | ((a.real == b.real) & (a.imag < b.imag))
        return np.where(less == (choose == "larger"), b, a)

    return f


def floor_divide(a, b):
    """Of complex numbers the quotient itself; zero divisors of integers have a test of their own."""
    if a.dtype.kind in "fc":
        return np.floor(a / b) if a.dtype.kind == "f" else a / b
    return np.floor_divide(a, b) if a.dtype != bool else a & b


def remainder(a, b):
    return np.remainder(a, b) if a.dtype != bool else a & ~b


BINARY = {
    "add": np.add, "subtract": lambda a, b: a ^ b if a.dtype == bool else a - b, "multiply": np.multiply,
    "divide": np.divide, "power": lambda a, b: integer_power(a, b) if a.dtype.kind in "biu" else np.power(a, b),
    "maximum": first_or_second("larger"), "minimum": first_or_second("smaller"), "arctan2": np.arctan2,
    "logaddexp": logaddexp, "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor,
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor,
    "equal": np.equal, "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
    "greater": np.greater, "greater_equal": np.greater_equal,
    "floor_divide": floor_divide, "remainder": remainder,
    "left_shift": np.left_shift, "right_shift": np.right_shift,
}  # fmt: skip

NOT_ELEMENTWISE = {"kron", "inner", "outer", "matmul", "matrix_transpose"}
SEVERAL_RESULTS = {"divmod"}

BOOLEAN = {
    "logical_not", "isnan", "isinf", "isfinite", "isposinf", "isneginf", "logical_and", "logical_or", "logical_xor",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
}  # fmt: skip
INEXACT = {
    "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sigmoid", "erf", "erfinv", "degrees",
    "radians", "divide", "arctan2", "logaddexp",
}  # fmt: skip
NOT_BOOL = {"negative"}
NOT_COMPLEX = {"floor", "ceil", "trunc", "expm1", "sigmoid", "erf", "erfinv", "remainder", "arctan2"}
NOT_FLOATS = {"bitwise_invert", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"}

# Rounded once.
CORRECT = {"add", "subtract", "multiply", "divide", "square", "sqrt", "reciprocal", "floor_divide", "remainder"}
# By a constant that is rounded itself.
SCALED = {"degrees", "radians"}


def bound_of(op, name):
    if name == "complex64":
        return 64 if op in INEXACT | {"power", "floor_divide"} else 2
    if op in CORRECT:
        return 0.501
    if op in SCALED:
        return 2
    if op in INEXACT | {"power"} or (op, name) == ("abs", "float32"):
        return 1 if name in ("float16", "bfloat16") else 4
    return 0


def result_name(op, name):
    if op in BOOLEAN:
        return "bool_"
    if op in ("abs", "real", "imag") and name == "complex64":
        return "float32"
    if op in ("left_shift", "right_shift") and name == "bool_":
        return "uint8"
    if op in INEXACT and not is_float(name) and name != "complex64":
        return "float32"
    return name


def computed(op, f, operands, name):
    """What `op` gives on operands of dtype `name`, in a wider type where it rounds."""
    if op in ("left_shift", "right_shift"):
        left, right = (x.astype(np.uint8 if name == "bool_" else name) for x in operands)
        return f(left, right & left.dtype.type(63 if left.itemsize == 8 else 31))
    if op == "floor_divide" and is_float(name):
        # The quotient is a float of the format, or a float32, before it is rounded down.
        operands = [x.astype(np.float64 if name == "float64" else np.float32) for x in operands]
    elif is_float(name) or name == "complex64":
        operands = [x.astype(wide(name)) for x in operands]
    elif op in INEXACT:
        operands = [x.astype(np.float32).astype(np.float64) for x in operands]
    return f(*operands)


def refused(op, name):
    return (
        (op in NOT_BOOL and name == "bool_")
        or (op in NOT_COMPLEX and name == "complex64")
        or (op in NOT_FLOATS and (is_float(name) or name == "complex64"))
    )


def test_every_operation_has_a_reference():
    assert with_parameters("a").keys() - NOT_ELEMENTWISE == UNARY.keys()
    assert with_parameters("ab").keys() - NOT_ELEMENTWISE - SEVERAL_RESULTS == BINARY.keys()


ALL = [(op, UNARY[op]) for op in UNARY] + [(op, BINARY[op]) for op in BINARY]


def check(op, operands, name):
    """Applies `op` to (ours, NumPy's) operands."""
    f = UNARY.get(op) or BINARY[op]
    got = getattr(mx, op)(*(a for a, _ in operands))
    arrays = [x for _, x in operands]
    with np.errstate(all="ignore"):
        expected = np.asarray(computed(op, f, arrays, name))
        if op == "logaddexp" and name == "complex64":
            # The imaginary part may be a turn away.
            turns = np.nan_to_num(np.round((to_numpy(got) - expected).imag / (2 * np.pi)))
            expected = expected + 2j * np.pi * turns
        # A sum of logarithms near 0 has lost what its terms have in common.
        slack = 0
        if op == "logaddexp":
            eps = 2.0**-52 if name == "float64" else 2.0**-23
            slack = np.nan_to_num(sum(np.abs(x) for x in np.broadcast_arrays(*arrays)).astype(np.float64) * eps)
    out = result_name(op, name)
    if out == "complex64":
        slack = 2e-6
    assert_close(got, expected, out, bound_of(op, out), f"{op} of {name}", slack)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("op", UNARY)
def test_unary(op, name):
    if refused(op, name):
        with pytest.raises(ValueError, match=op):
            getattr(mx, op)(to_mlx(values(name, (3,)), name))
        return
    for layout in LAYOUTS:
        check(op, [in_layout(layout, name, (7, 9))], name)
    for shape in ((), (1,), (0,), (3, 0), (300,)):
        check(op, [in_layout("dense", name, shape)], name)


def nonzero(a, x, name):
    one = to_mlx(np.ones((), stored(name)), name)
    return mx.where(a == 0, one, a), np.where(x == 0, np.ones((), x.dtype), x)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("op", BINARY)
def test_binary(op, name):
    if refused(op, name):
        with pytest.raises((ValueError, RuntimeError), match=op):
            getattr(mx, op)(to_mlx(values(name, (3,)), name), to_mlx(values(name, (3,)), name))
        return

    def operands(layout_a, shape_a, layout_b, shape_b):
        a, b = in_layout(layout_a, name, shape_a, 1), in_layout(layout_b, name, shape_b, 2)
        if op in ("floor_divide", "remainder") and not is_float(name) and name != "complex64":
            b = nonzero(*b, name)
        return [a, b]

    for layout in LAYOUTS:
        check(op, operands(layout, (5, 7), "dense", (5, 7)), name)
        check(op, operands("transposed", (5, 7), layout, (5, 7)), name)
    for shape_a, shape_b in [((24, 1), (24,)), ((), (9,)), ((2, 1, 3), (4, 1)), ((0,), (1,)), ((3, 0), ()), ((), ())]:
        check(op, operands("dense", shape_a, "dense", shape_b), name)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("op", [*UNARY, *BINARY])
def test_a_result_does_not_depend_on_its_neighbours(op, name):
    """Whole vectors and what is left at the end of an array compute alike."""
    if refused(op, name):
        return
    f = getattr(mx, op)
    operands = [in_layout("dense", name, (131,), seed)[0] for seed in range(1 if op in UNARY else 2)]
    cuts = [0, 1, 3, 8, 19, 40, 64, 131]
    parts = [f(*(a[i:j] for a in operands)) for i, j in itertools.pairwise(cuts)]
    assert_same_bits(mx.concatenate(parts), f(*operands), f"{op} of {name}")
    scalar = operands[-1][7]
    if op in BINARY:
        spread = mx.contiguous(mx.broadcast_to(scalar, (131,)))
        assert_same_bits(f(operands[0], scalar), f(operands[0], spread), f"{op} of {name}")


@pytest.mark.parametrize("name", INTEGERS)
def test_division_of_integers_by_zero(name):
    a = to_mlx(np.array([0, 1, 7, np.iinfo(name).max, np.iinfo(name).min]), name)
    zero = mx.zeros_like(a)
    assert not mx.floor_divide(a, zero).any().item()
    assert mx.array_equal(mx.remainder(a, zero), a).item()
    if name.startswith("int"):
        lowest = to_mlx(np.array([np.iinfo(name).min]), name)
        assert mx.array_equal(lowest // -1, lowest).item()
        assert (lowest % -1).item() == 0


@pytest.mark.parametrize("name", DTYPES)
def test_divmod(name):
    if name == "complex64":
        with pytest.raises(ValueError, match="divmod"):
            mx.divmod(mx.array(1j), mx.array(1j))
        return
    (a, _), (b, _) = in_layout("dense", name, (5, 1), 1), in_layout("dense", name, (7,), 2)
    quotient, rest = mx.divmod(a, b)
    assert_same_bits(quotient, mx.floor_divide(a, b))
    assert_same_bits(rest, mx.remainder(a, b))


# --- astype


def converted(x, name, to):
    """What astype gives: truncation, wrapping, no imaginary part."""
    if to == "bool_":
        return x != 0
    if to == "complex64":
        return x.astype(np.complex64)
    x = np.real(x)
    if is_float(to):
        return x.astype(np.float32).astype(np.float64) if to in ("float16", "bfloat16") else x.astype(to)
    return x.astype(np.int64).astype(to) if is_float(name) or name == "complex64" else x.astype(to)


@pytest.mark.parametrize("name", DTYPES)
def test_astype(name):
    for to in DTYPES:
        for layout in LAYOUTS:
            a, x = in_layout(layout, name, (5, 7))
            if not is_float(to) and (is_float(name) or name == "complex64") and to != "bool_":
                # Beyond the range of an integer nothing is promised.
                fits = np.isfinite(x) & (np.abs(x) < 2**31)
                a, x = mx.where(mx.array(fits), a, mx.zeros_like(a)), np.where(fits, x, np.zeros((), x.dtype))
            with np.errstate(all="ignore"):
                assert_close(a.astype(dtype(to)), converted(x, name, to), to, 0.501, f"{name} to {to}, {layout}")
                assert_close(mx.astype(a, dtype(to)), converted(x, name, to), to, 0.501, f"{name} to {to}, {layout}")


@pytest.mark.parametrize("name", DTYPES)
def test_a_scalar_converts_as_an_array_does(name):
    """Constants convert while the graph is built, arrays in a kernel."""
    for x in values(name, (40,)):
        if is_float(name) and not abs(x) < 2**31:
            continue
        a = to_mlx(np.full((3,), x), name)
        constant = mx.full((), to_mlx(x, name))
        for to in DTYPES:
            assert_same_bits(mx.broadcast_to(constant.astype(dtype(to)), (3,)), a.astype(dtype(to)), f"{x} to {to}")


# --- where, clip, round, nan_to_num


@pytest.mark.parametrize("name", DTYPES)
def test_where(name):
    for layout in LAYOUTS:
        for of_condition in ("bool_", "int32", "float16"):
            (c, condition), (a, x), (b, y) = (
                in_layout(layout, of_condition, (5, 7), 3),
                in_layout("dense", name, (7,), 4),
                in_layout(layout, name, (5, 7), 5),
            )
            assert_close(mx.where(c, a, b), np.where(condition != 0, x, y), name, 0)
    assert mx.where(mx.array([True, False]), 1, 2.5).dtype == mx.float32
    assert mx.where(True, mx.array([1], mx.int8), 2).dtype == mx.int8


@pytest.mark.parametrize("name", DTYPES[1:-1])
def test_clip(name):
    a, x = in_layout("transposed", name, (5, 7))
    low, high = to_mlx(np.array(1, stored(name)), name), to_mlx(np.array(5, stored(name)), name)
    assert_close(mx.clip(a, low, high), np.clip(x, 1, 5).astype(x.dtype), name, 0)
    assert_close(mx.clip(a, None, 5), np.minimum(x, x.dtype.type(5)), name, 0)
    assert_close(mx.clip(a, 1, None), np.maximum(x, x.dtype.type(1)), name, 0)
    with pytest.raises(ValueError, match="clip"):
        mx.clip(a, None, None)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_round_to_decimals(name):
    x = np.array([1.256, -2.5, 3.5, 1234.5678, 0, np.inf, np.nan]).astype(name)
    for decimals in (-2, -1, 0, 1, 3):
        np.testing.assert_allclose(np.array(mx.round(to_mlx(x, name), decimals)), np.round(x, decimals), rtol=1e-6)
    assert mx.round(mx.array([1234, -56]), -2).tolist() == [1200, -100]
    assert mx.round(mx.array([True])).dtype == mx.bool_


@pytest.mark.parametrize("name", FLOATS)
def test_nan_to_num(name):
    a = to_mlx(np.array([np.nan, np.inf, -np.inf, 1.5], stored(name)), name)
    largest = mx.finfo(dtype(name)).max
    assert mx.nan_to_num(a).tolist() == [0, largest, -largest, 1.5]
    assert mx.nan_to_num(a, nan=2, posinf=3, neginf=-4).tolist() == [2, 3, -4, 1.5]
    assert mx.nan_to_num(mx.array([3])).tolist() == [3]


# --- Closeness


@pytest.mark.parametrize("name", DTYPES)
def test_isclose(name):
    (a, x), (b, y) = in_layout("dense", name, (24, 1), 1), in_layout("dense", name, (24,), 2)
    for rtol, atol, equal_nan in [(1e-5, 1e-8, False), (0.1, 0, True), (0, 0.5, False)]:
        with np.errstate(all="ignore"):
            p, q = (v.astype(np.complex128 if name == "complex64" else np.float64) for v in (x, y))
            expected = np.isclose(p, q, rtol, atol, equal_nan)
        got = np.array(mx.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))
        if name in INTEGERS and x.itemsize > 2 and rtol == 0:
            continue  # compared as float32, which has not all of them
        assert np.array_equal(got, expected)
        assert mx.allclose(a, b, rtol, atol, equal_nan=equal_nan).item() == expected.all()
        assert mx.allclose(a, a, equal_nan=True).item()


def test_array_equal():
    a = mx.array([1.0, np.nan])
    assert not mx.array_equal(a, a).item()
    assert mx.array_equal(a, a, equal_nan=True).item()
    assert not mx.array_equal(mx.array([1]), mx.array([1, 1])).item()
    assert not mx.array_equal(mx.ones((2, 1)), mx.ones((2,))).item()
    assert mx.array_equal(mx.array([1, 2]), mx.array([1.0, 2.0])).item()
    assert mx.array_equal(mx.zeros((0, 3)), mx.zeros((0, 3))).item()


def test_results_keep_zero_signs_and_nans():
    assert [math.copysign(1, v) for v in mx.abs(mx.array([-0.0, 0.0])).tolist()] == [1, 1]
    assert [math.copysign(1, v) for v in mx.negative(mx.array([-0.0, 0.0])).tolist()] == [1, -1]
    assert math.copysign(1, mx.sqrt(mx.array(-0.0)).item()) == -1
    nan = mx.array([np.nan, 1.0])
    for f in (mx.maximum, mx.minimum):
        assert np.isnan(np.array(f(nan, nan[::-1]))).all()


def test_names_of_dtypes_agree():
    assert [name_of(dtype(name)) for name in DTYPES] == DTYPES
    assert to_numpy(mx.array([1.5], mx.bfloat16)).tolist() == [1.5]
