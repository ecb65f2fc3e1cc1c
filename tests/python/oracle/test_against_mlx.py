"""The same expressions in MLX itself: dtypes, shapes, values and the types of exceptions.

Skipped unless ANABRANCH_ORACLE names a Python interpreter that has mlx. Where we differ from MLX on purpose (it reads
out of bounds, overflows, or rounds float64 to float32), there is no case here; README.md lists those differences.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    "ANABRANCH_ORACLE" not in os.environ, reason="ANABRANCH_ORACLE names no interpreter with mlx"
)

DTYPES = [
    "bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32",
    "float64", "complex64",
]  # fmt: skip
TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 5e-6, "float64": 1e-6, "complex64": 1e-5}

UNARY = [
    "abs", "negative", "sign", "square", "floor", "ceil", "trunc", "round", "logical_not", "bitwise_invert", "isnan",
    "isinf", "isfinite", "real", "imag", "conjugate", "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "log", "log2",
    "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh",
    "arctanh", "sigmoid", "erfinv", "degrees", "radians", "isposinf", "isneginf",
]  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "arctan2", "logaddexp", "bitwise_and",
    "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "logical_and", "logical_or", "equal", "not_equal", "less",
    "less_equal", "greater", "greater_equal", "array_equal",
]  # fmt: skip


def unary():
    return [f"mx.{f}(arr('{d}', {s}))" for f in UNARY for d in DTYPES for s in ("(31,)", "()", "(0, 3)")]


def binary():
    pairs = [
        ("arr('{}', (41,), 1)", "arr('{}', (41,), 2)"), ("arr('{}', (5, 1), 1)", "arr('{}', (7,), 2)"),
        ("arr('{}', (5, 3), 1).T", "arr('{}', (3, 10), 2)[:, ::2]"), ("arr('{}', (2,))", "arr('{}', (3,))"),
    ]  # fmt: skip
    return [f"mx.{f}({a.format(d)}, {b.format(d)})" for f in BINARY for d in DTYPES for a, b in pairs]


def promotion():
    out = []
    for a in DTYPES:
        for b in DTYPES:
            out += [
                f"mx.{f}(arr('{a}', (4,)), arr('{b}', (4,), 2))" for f in ("add", "less", "bitwise_or", "left_shift")
            ]
            out += [f"mx.where(mx.array([True, False]), arr('{a}', (2,)), arr('{b}', (2,)))"]
            out += [f"mx.can_cast(mx.{a}, mx.{b})", f"mx.result_type(mx.{a}, mx.{b})"]
        for scalar in ("True", "1", "-1", "200", "1.5", "2j"):
            if (a, scalar) == ("uint64", "-1"):
                continue  # refused here, as for all other unsigned dtypes
            out += [f"arr('{a}', (4,)) {op} {scalar}" for op in ("+", "*", "/", "-", "<", "==")]
            out += [f"{scalar} {op} arr('{a}', (4,))" for op in ("+", "*", "/", "-", "<", "==")]
    return out


def reductions():
    axes = ["", "0", "1", "-1", "(0, 1)", "[1, 0]", "2", "-3", "(0, 0)", "None, True", "0, True", "'a'", "1.0"]
    functions = ["sum", "prod", "max", "min", "any", "all", "mean", "logsumexp", "argmax", "argmin", "softmax"]
    out = [f"mx.{f}(mx.ones((3, 4)){', ' if a else ''}{a})" for f in functions for a in axes]
    out += [f"mx.ones((3, 4)).{f}({a})" for f in functions[:-1] for a in axes]
    small = "mx.arange(24).reshape(2, 3, 4)"
    for f in functions[:5]:
        for d in DTYPES:
            out += [f"mx.{f}({small}.astype(mx.{d}), {a})" for a in ("0", "[0, 2]", "-1", "None")]
    return out


def shapes():
    x = "arr('float32', (2, 3, 4))"
    calls = {
        "reshape": ["(6, 4)", "(4, -1)", "(-1, -1)", "(0,)", "(5,)", "24", "None"],
        "flatten": ["", "1", "0, 1", "1, -1", "2, 1", "-10, 10", "start_axis=1"],
        "squeeze": ["", "0", "(0, 2)", "7", "axis=0"],
        "expand_dims": ["0", "-1", "(0, 1)", "(0, 0)", "4", "-5", "(1, -3)"],
        "transpose": ["", "(2, 0, 1)", "(-1, 0, 1)", "(0, 0, 1)", "(0, 1)", "(0, 1, 3)", "axes=(2, 1, 0)"],
        "swapaxes": ["0, 1", "-1, 0", "0, 3", "axis1=0, axis2=1"],
        "moveaxis": ["0, 1", "-1, 0", "0, 3", "source=0, destination=2"],
        "broadcast_to": ["(5, 2, 3, 4)", "(2, 3)", "(0,)", "()", "(-1, 3, 4)"],
        "split": ["2", "3", "[1]", "[0, 10]", "2, 2", "2, 5", "2, axis=-1", "-1"],
        "flip": ["", "0", "(0, 1)", "5"], "roll": ["1", "(1, 2)", "1, 0", "(1, 2), (0, 1)", "(1, 2), 0", "1, 7"],
        "repeat": ["2", "2, 0", "0", "-1"], "tile": ["2", "(2, 1)", "(1, 2, 1, 2)", "0"],
        "pad": ["1", "(1, 2)", "((1, 2), (0, 1), (2, 0))", "-1", "1, 'edge'", "1, constant_values=2.5"],
        "diagonal": ["", "1", "0, 1, 2", "0, 1, 1"], "tril": ["", "1", "-1"], "triu": ["", "1", "-1"],
        "unflatten": ["0, (1, -1)", "0, (3,)", "1, (3,)"], "trace": ["", "1", "0, 1, 2"],
        "take": ["0", "mx.array([0, 1])", "0, 1", "mx.array([0, 2]), 1", "mx.array([-1]), 2"],
    }  # fmt: skip
    out = [
        f"mx.{f}({y}{', ' if a else ''}{a})"
        for y in (x, x + ".T", x + "[:, ::-1, 1:]")
        for f, of in calls.items()
        for a in of
    ]
    ones = "mx.ones((2, 2))"
    out += [f"mx.concatenate([{ones}, {ones}], {a})" for a in ("0", "1", "-1", "None", "2", "1.0")]
    out += [f"mx.stack([{ones}, {ones}], {a})" for a in ("0", "1", "-1", "2", "3")]
    keys = ["0", "-1", "1, 2", "1:", "::-1", "..., 0", "None, 0", "mx.array([0, 1])", ":, mx.array([0, 1])", "0, ::-2",
            "mx.array([0, 1]), mx.array([1, 2])", "1, 2, 3, 4", "'a'", "1.0", "..., None"]  # fmt: skip
    return out + [f"{x}[{k}]" for k in keys]


def creation():
    calls = {
        "zeros": ["3", "(2, 3)", "()", "(0,)", "-1", "(2,), mx.int8", "(2,), 'float32'"],
        "full": ["(2,), 3", "2, 3.0", "(2,), True", "(2,), 2j", "(2, 2), mx.array([1, 2])", "(2,), mx.array([1, 2, 3])",
                 "(2,), 300, mx.uint8", "(2,), 2.5, mx.float16"],
        "arange": ["5", "5.0", "1, 5, 2", "5, 1, -2", "0, 1, 0.25", "-3", "1, 5, 0", "5, dtype=mx.float16", "2.5",
                   "2**31 - 2, 2**31 + 2", "float('nan')", "True"],
        "linspace": ["0, 1", "0, 1, 5", "0, 1, 5, False", "0, 1, -1", "0, 10, 11, dtype=mx.int32", "-3, 7, 11"],
        "eye": ["3", "2, 3", "2, 3, 1", "3, 2, -1", "-1", "2, dtype=mx.int8"], "tri": ["3", "2, 3", "3, k=-1"],
        "meshgrid": ["mx.arange(2), mx.arange(3)", "mx.arange(2), mx.arange(3), indexing='ij'"],
        "array": ["True", "1", "2**31", "1.5", "2j", "[1, 2]", "[1.5, True]", "[[1], [2, 3]]", "[]", "[1, 2j]", "None",
                  "[2**40]", "[mx.array(1), 2]", "np.ones(2)", "np.arange(3)", "[1], mx.float16"],
    }  # fmt: skip
    return [f"mx.{f}({a})" for f, of in calls.items() for a in of]


def randomness():
    out = []
    for seed in (0, 1, 2**63 + 1):
        key = f"key=mx.random.key({seed})"
        out += [f"mx.random.key({seed})", f"mx.random.split(mx.random.key({seed}), 3)"]
        for shape in ("()", "(7,)", "(3, 5)", "(0,)"):
            out += [f"mx.random.{f}(shape={shape}, {key})" for f in ("uniform", "normal", "gumbel", "laplace")]
            out += [
                f"mx.random.uniform(-2, 3, {shape}, mx.bfloat16, {key})",
                f"mx.random.bernoulli(0.3, {shape}, {key})",
            ]
            out += [f"mx.random.randint(0, 10, {shape}, mx.{d}, {key})" for d in DTYPES[1:9]]
    return out


GROUPS = [unary, binary, promotion, reductions, shapes, creation, randomness]


def differs(ours, theirs):
    """What is not the same, or nothing."""
    if ours.keys() != theirs.keys():
        return f"{ours} and {theirs}"
    if "error" in ours:
        return ours["error"] != theirs["error"] and f"{ours['error']} and {theirs['error']}"
    return values_differ(ours["value"], theirs["value"])


def values_differ(a, b):
    if isinstance(a, list) or isinstance(b, list):
        if type(a) is not type(b) or a[0] != b[0]:
            return f"{a} and {b}"
        if not isinstance(a[1], list):
            return a[1] != b[1] and f"{a[1]} and {b[1]}"
        return next(filter(None, (values_differ(x, y) for x, y in zip(a[1], b[1], strict=True))), None)
    for what in ("dtype", "shape"):
        if a[what] != b[what]:
            return f"{what} {a[what]} and {b[what]}"
    x, y = np.array(a["data"]), np.array(b["data"])
    if a["dtype"] in TOLERANCE:
        # Of complex numbers relative to the larger part; below 1e-5 in absolute terms.
        scale = np.maximum(np.max(np.abs(y), axis=0), 1)
        with np.errstate(all="ignore"):
            same = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= TOLERANCE[a["dtype"]] * scale)
    else:
        same = x == y
    return not same.all() and f"values {x[~same][:4]} and {y[~same][:4]}"


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.__name__)
def test_same_as_mlx(group):
    expressions = group()
    here = Path(__file__).parent / "evaluate.py"

    def run(interpreter, module, env=None):
        done = subprocess.run(
            [interpreter, str(here), module], input=json.dumps(expressions), capture_output=True, text=True, env=env
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    plain_environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_"))}
    theirs = run(os.environ["ANABRANCH_ORACLE"], "mlx.core", plain_environment)
    ours = run(sys.executable, "anabranch")
    assert len(ours) == len(theirs) == len(expressions)
    found = [f"{e}: {d}" for e, a, b in zip(expressions, ours, theirs, strict=True) if (d := differs(a, b))]
    assert not found, "\n".join(found)
