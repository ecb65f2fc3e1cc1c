"""How functions take their arguments, and that they agree with their signatures."""

import copy
import inspect
import pickle
import subprocess
import sys

import anabranch as mx
import numpy as np
import pytest

MODULES = {"": mx, "random": mx.random, "linalg": mx.linalg}
FUNCTIONS = [
    pytest.param(getattr(module, name), id=f"{prefix}.{name}".strip("."))
    for prefix, module in MODULES.items()
    for name in sorted(vars(module))
    if inspect.isbuiltin(getattr(module, name)) and not name.startswith("_")
]


def test_there_are_functions():
    assert len(FUNCTIONS) > 170


@pytest.mark.parametrize("f", FUNCTIONS)
def test_documentation(f):
    text, summary = f.__doc__.split("\n\n", 1)
    assert text.startswith(f.__name__ + "(") and " -> " in text and summary.strip()
    assert f.__module__ in ("anabranch", "anabranch.random", "anabranch.linalg")
    assert inspect.signature(f) is not None
    assert pickle.loads(pickle.dumps(f)) is f


@pytest.mark.parametrize("f", FUNCTIONS)
def test_arguments_that_nothing_takes(f):
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        f(nonsense=1)
    if not any(p.kind == p.VAR_POSITIONAL for p in inspect.signature(f).parameters.values()):
        with pytest.raises(TypeError, match="at most"):
            f(*[None] * 20)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_operations_take_a_stream_and_no_device(f):
    parameters = inspect.signature(f).parameters
    if "stream" not in parameters or f is mx.synchronize or f is mx.set_default_stream:
        return
    assert parameters["stream"].default is None
    required = [p for p in parameters.values() if p.default is p.empty and p.kind != p.VAR_POSITIONAL]
    with pytest.raises(TypeError, match=r"mx\.set_default_device"):
        f(*[None] * len(required), device=mx.cpu)


def test_missing_and_doubled_arguments():
    with pytest.raises(TypeError, match="argument 'b' is missing"):
        mx.add(1)
    with pytest.raises(TypeError, match="argument 'a' is given twice"):
        mx.add(1, a=1, b=2)
    with pytest.raises(TypeError, match="'a' is positional only"):
        mx.sum(a=mx.ones((2,)))
    with pytest.raises(TypeError, match=r"Signature: sum\(a: array, /"):
        mx.sum(mx.ones((2,)), 0, False, mx.cpu)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mx.sum([1, 2]),
        lambda: mx.sum(None),
        lambda: mx.matmul(1, 2),
        lambda: mx.sum(mx.ones((2, 3)), axis=1.0),
        lambda: mx.sum(mx.ones((2, 3)), keepdims=1),
        lambda: mx.argmax(mx.ones(3), axis=(0,)),
        lambda: mx.zeros((2,), "float32"),
        lambda: mx.zeros((2,), float),
        lambda: mx.zeros(2.0),
        lambda: mx.reshape(mx.ones((2, 3)), 6),
        lambda: mx.transpose(mx.ones((2, 3)), 0, 1),
        lambda: mx.expand_dims(mx.ones(3)),
        lambda: mx.concatenate([1, 2]),
        lambda: mx.stack([mx.ones(2), 2]),
        lambda: mx.concatenate(3),
        lambda: mx.take(mx.arange(5), [1, 2]),
        lambda: mx.clip(mx.arange(5), 1),
        lambda: mx.add(mx.array(1), None),
        lambda: mx.arange(),
        lambda: mx.arange(mx.array(3)),
        lambda: mx.arange("a"),
        lambda: mx.random.key(-1),
        lambda: mx.random.key(2**64),
        lambda: mx.random.key(1.0),
        lambda: mx.random.uniform(shape=2),
        lambda: mx.random.uniform(key=3),
        lambda: mx.set_memory_limit(-1),
        lambda: mx.set_memory_limit("a"),
        lambda: mx.array([1], dtype=float),
        lambda: mx.add(1, 2, stream=3),
    ],
)
def test_type_errors(call):
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (IndexError, lambda: mx.sum(mx.ones((2, 3)), axis=(5,))),
        (ValueError, lambda: mx.zeros(-1)),
        (ValueError, lambda: mx.arange(1, 5, 0)),
        (ValueError, lambda: mx.arange(True)),
        (ValueError, lambda: mx.linspace(0, 1, -1)),
        (ValueError, lambda: mx.clip(mx.arange(5), None, None)),
        (ValueError, lambda: mx.concatenate([])),
        (ValueError, lambda: mx.split(mx.arange(6), 4)),
        (ValueError, lambda: mx.broadcast_shapes()),
        (ValueError, lambda: mx.broadcast_shapes((2,), (3,))),
        (ValueError, lambda: mx.random.randint(0, 10, (2,), mx.float32)),
        (ValueError, lambda: mx.random.uniform(dtype=mx.int32)),
        (OverflowError, lambda: mx.eye(2**40)),
        (OverflowError, lambda: mx.eye(2**70)),
    ],
)
def test_other_errors(error, call):
    with pytest.raises(error):
        call()


def test_keywords_and_defaults():
    a = mx.arange(6).reshape(2, 3)
    assert mx.sum(a, axis=1, keepdims=True, stream=mx.cpu).tolist() == [[3], [12]]
    assert mx.sum(a, [0, -1]).item() == mx.sum(a, None).item() == 15
    assert mx.add(b=1, a=a).tolist() == (a + 1).tolist()
    assert mx.full(2, 3).dtype == mx.int32 and mx.full(2, 3.0).dtype == mx.float32
    assert mx.zeros(3).shape == (3,) and mx.zeros((2,), None).dtype == mx.float32
    assert mx.eye(2, k=-1).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("array", "expected", "dtype"),
    [
        (lambda: mx.arange(5), [0, 1, 2, 3, 4], mx.int32),
        (lambda: mx.arange(5.0), [0, 1, 2, 3, 4], mx.float32),
        (lambda: mx.arange(1, 5, 2), [1, 3], mx.int32),
        (lambda: mx.arange(stop=3), [0, 1, 2], mx.int32),
        (lambda: mx.arange(start=1, stop=3), [1, 2], mx.int32),
        (lambda: mx.arange(5, step=2), [0, 2, 4], mx.int32),
        (lambda: mx.arange(1, None), [0], mx.int32),
        (lambda: mx.arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75], mx.float32),
        (lambda: mx.arange(3, dtype=mx.float16), [0, 1, 2], mx.float16),
        (lambda: mx.arange(5, 2), [], mx.int32),
    ],
)
def test_arange(array, expected, dtype):
    assert array().tolist() == expected and array().dtype == dtype


@pytest.mark.parametrize(
    ("array", "expected", "dtype"),
    [
        (lambda: mx.add(1, 2), 3, mx.int32),
        (lambda: mx.add(mx.array([1], mx.int8), 2), [3], mx.int8),
        (lambda: mx.add(mx.array([1], mx.int8), 2.5), [3.5], mx.float32),
        (lambda: mx.add(mx.array([1.0], mx.float16), 2), [3], mx.float16),
        (lambda: mx.multiply(2, mx.array([1.5])), [3], mx.float32),
        (lambda: mx.where(mx.array([True, False]), 1.0, mx.array(2, mx.int8)), [1, 2], mx.float32),
        (lambda: mx.clip(mx.arange(5), 1, 3), [1, 1, 2, 3, 3], mx.int32),
        (lambda: mx.maximum(1, mx.array(2.0)), 2, mx.float32),
        (lambda: mx.exp(0), 1, mx.float32),
        (lambda: mx.square(2), 4, mx.int32),
        (lambda: mx.exp(np.zeros(2, np.float32)), [1, 1], mx.float32),
        (lambda: mx.sum(np.ones(2, np.float32)), 2, mx.float32),
    ],
)
def test_scalars_are_weak(array, expected, dtype):
    assert array().tolist() == expected and array().dtype == dtype


def test_what_comes_in_lists_and_tuples():
    a = mx.arange(6)
    assert [x.tolist() for x in mx.split(a, [1, 2])] == [[0], [1], [2, 3, 4, 5]] and type(mx.split(a, 2)) is list
    assert type(mx.meshgrid(a, a)) is tuple and type(mx.broadcast_arrays(a, a)) is list
    assert mx.atleast_1d(mx.array(3)).shape == (1,) and len(mx.atleast_2d(a, a)) == 2 and mx.atleast_1d() == []
    assert mx.broadcast_shapes((1, 2), (2, 1)) == (2, 2)
    assert [x.item() for x in mx.divmod(5, 3)] == [1, 2]
    assert mx.concatenate([mx.ones((2, 2)), mx.ones((3, 2))], axis=None).shape == (10,)
    assert mx.concatenate((mx.ones(2), mx.ones(3))).shape == (5,)


def test_dtypes():
    assert repr(mx.float32) == "mlx.core.float32" and repr(mx.bool_) == "mlx.core.bool"
    assert mx.float32 == mx.ones(1).dtype and mx.float32 != mx.float16 and mx.float32 != "float32"
    assert hash(mx.float32) == hash(mx.ones(1).dtype) and mx.float32.size == 4
    for d in (mx.bool_, mx.float32, mx.ones(1, mx.bfloat16).dtype):
        assert copy.deepcopy(d) == pickle.loads(pickle.dumps(d)) == d
    with pytest.raises(TypeError):
        mx.Dtype()


def test_dtype_queries():
    assert mx.issubdtype(mx.float32, mx.floating) and not mx.issubdtype(mx.floating, mx.float32)
    assert mx.issubdtype(mx.signedinteger, mx.integer) and not mx.issubdtype(mx.int8, mx.inexact)
    with pytest.raises(ValueError, match="first"):
        mx.issubdtype(3, mx.floating)
    assert mx.isdtype(mx.float32, "real floating") and not mx.isdtype(mx.float32, (mx.int8, "integral"))
    with pytest.raises(ValueError, match="foo"):
        mx.isdtype(mx.float32, "foo")
    assert not mx.can_cast(mx.float32, mx.float16) and mx.can_cast(mx.array(1.0), mx.complex64)
    assert mx.result_type(mx.float16, mx.array(3)) == mx.float16
    for bad in ((), (3.0, mx.int8)):
        with pytest.raises(ValueError, match="result_type"):
            mx.result_type(*bad)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    ours, numpy = mx.finfo(getattr(mx, name)), np.finfo(name)
    for field in ("min", "max", "eps", "bits", "smallest_normal"):
        assert getattr(ours, field) == getattr(numpy, field)
    assert ours.dtype == getattr(mx, name)


def test_finfo_of_the_others():
    b = mx.finfo(mx.bfloat16)
    assert (b.max, b.eps) == (3.3895313892515355e38, 0.0078125)
    assert mx.finfo(mx.complex64).max == mx.finfo(mx.float32).max
    assert repr(mx.finfo(mx.float32)) == "finfo(min=-3.40282e+38, max=3.40282e+38, dtype=float32)"
    with pytest.raises(ValueError, match="int8"):
        mx.finfo(mx.int8)


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_iinfo(name):
    ours, numpy = mx.iinfo(getattr(mx, name)), np.iinfo(name)
    assert (ours.min, ours.max) == (numpy.min, numpy.max)
    for bad in (mx.bool_, mx.float32):
        with pytest.raises(ValueError, match="iinfo"):
            mx.iinfo(bad)


def test_memory_figures_and_limits():
    before = mx.set_memory_limit(2**40)
    try:
        assert mx.get_memory_limit() == 2**40
    finally:
        assert mx.set_memory_limit(before) == 2**40
    mx.clear_cache()
    assert mx.get_cache_memory() == 0
    mx.reset_peak_memory()
    active = mx.get_active_memory()
    x = mx.ones((1000, 1000)) + 1
    mx.eval(x)
    assert mx.get_active_memory() >= active + x.nbytes and mx.get_peak_memory() >= active + x.nbytes
    del x
    assert mx.get_active_memory() < active + 4_000_000 and mx.get_cache_memory() >= 0


def test_modules():
    code = (
        "import anabranch.random as r, anabranch.linalg as l, anabranch as mx; assert (r, l) == (mx.random, mx.linalg)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_import_brings_in_nothing_big():
    code = f"import sys; sys.path = {sys.path}; before = set(sys.modules); import anabranch\n"
    code += "print(*(set(sys.modules) - before))"
    new = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "asyncio", "typing", "inspect"} & set(new), new
