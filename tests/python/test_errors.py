"""Bad input gets a clear exception of the type that MLX or NumPy raises: it names the function and what is wrong."""

import inspect

import anabranch as mx
import numpy as np
import pytest


def a():
    return mx.arange(24).reshape(2, 3, 4)


def f():
    return mx.ones((2, 3))


CASES = [
    # shapes
    ("reshape", ValueError, lambda: mx.reshape(a(), (5, 5))),
    ("reshape", ValueError, lambda: mx.reshape(a(), (-1, -1))),
    ("reshape", ValueError, lambda: mx.reshape(a(), (-1, 5))),
    ("reshape", ValueError, lambda: mx.reshape(mx.zeros((0,)), (0, -1))),
    ("reshape", TypeError, lambda: mx.reshape(a(), (2.0, 12))),
    ("reshape", TypeError, lambda: mx.reshape(a(), 24)),
    ("reshape", (ValueError, OverflowError), lambda: mx.reshape(a(), (2**62, 2**62))),
    ("transpose", ValueError, lambda: mx.transpose(a(), (0, 1))),
    ("transpose", ValueError, lambda: a().transpose(0, 1)),
    ("transpose", ValueError, lambda: mx.transpose(a(), (0, 0, 1))),
    ("transpose", IndexError, lambda: mx.transpose(a(), (0, 1, 3))),
    ("swapaxes", IndexError, lambda: mx.swapaxes(a(), 0, 3)),
    ("moveaxis", IndexError, lambda: mx.moveaxis(a(), -4, 0)),
    ("squeeze", ValueError, lambda: mx.squeeze(a(), 0)),
    ("squeeze", IndexError, lambda: mx.squeeze(a(), 3)),
    ("expand_dims", IndexError, lambda: mx.expand_dims(a(), 4)),
    ("expand_dims", ValueError, lambda: mx.expand_dims(a(), (0, 0))),
    ("flatten", ValueError, lambda: mx.flatten(a(), 2, 1)),
    ("unflatten", ValueError, lambda: mx.unflatten(a(), 0, (3,))),
    ("broadcast", ValueError, lambda: mx.broadcast_to(a(), (2, 3))),
    ("broadcast", ValueError, lambda: mx.broadcast_to(f(), (2, 4))),
    ("broadcast", ValueError, lambda: f() + mx.ones((4,))),
    ("where", ValueError, lambda: mx.where(f(), mx.ones((2,)), mx.ones((3,)))),
    # joining
    ("concatenate", ValueError, lambda: mx.concatenate([])),
    ("concatenate", ValueError, lambda: mx.concatenate([f(), mx.ones((3, 2))])),
    ("concatenate", ValueError, lambda: mx.concatenate([f(), mx.ones((3,))])),
    ("concatenate", IndexError, lambda: mx.concatenate([f()], 2)),
    ("concatenate", TypeError, lambda: mx.concatenate([f(), 1])),
    ("concatenate", TypeError, lambda: mx.concatenate(3)),
    ("stack", ValueError, lambda: mx.stack([f(), mx.ones((3, 2))])),
    ("stack", ValueError, lambda: mx.stack([])),
    ("split", ValueError, lambda: mx.split(f(), 2, 1)),
    ("split", IndexError, lambda: mx.split(f(), 1, 2)),
    ("split", (ValueError, TypeError), lambda: mx.split(f(), 0)),
    ("roll", (ValueError, IndexError), lambda: mx.roll(f(), 1, 5)),
    ("repeat", ValueError, lambda: mx.repeat(f(), -1)),
    ("pad", ValueError, lambda: mx.pad(f(), -1)),
    ("pad", ValueError, lambda: mx.pad(f(), 1, mode="nonsense")),
    ("pad", TypeError, lambda: mx.pad(f(), (1, 2, 3))),
    # creation
    ("zeros", ValueError, lambda: mx.zeros(-1)),
    ("zeros", ValueError, lambda: mx.zeros((2, -1))),
    ("zeros", TypeError, lambda: mx.zeros("a")),
    ("zeros", TypeError, lambda: mx.zeros((2,), "float32")),
    ("broadcast", ValueError, lambda: mx.full((2,), mx.ones((3,)))),
    ("arange", ValueError, lambda: mx.arange(1, 5, 0)),
    ("arange", ValueError, lambda: mx.arange(float("nan"))),
    ("arange", ValueError, lambda: mx.arange(0, float("inf"))),
    ("arange", (ValueError, TypeError), lambda: mx.arange("a")),
    ("arange", (ValueError, TypeError), lambda: mx.arange()),
    ("linspace", ValueError, lambda: mx.linspace(0, 1, -1)),
    ("eye", ValueError, lambda: mx.eye(-1)),
    ("array", ValueError, lambda: mx.array([[1], [2, 3]])),
    ("array", TypeError, lambda: mx.array(None)),
    ("array", (ValueError, TypeError), lambda: mx.array(object())),
    # taking
    ("take", IndexError, lambda: mx.take(a(), 2, 0)),
    ("take", IndexError, lambda: mx.take(a(), 0, 3)),
    ("take", ValueError, lambda: mx.take(a(), mx.array([0.5]), 0)),
    ("index", IndexError, lambda: a()[2]),
    ("index", (IndexError, ValueError), lambda: a()[0, 0, 0, 0]),
    ("index", (ValueError, TypeError, IndexError), lambda: a()["a"]),
    ("index", (ValueError, TypeError, IndexError), lambda: a()[1.0]),
    # arguments of operations
    ("add", TypeError, lambda: mx.add(f())),
    ("add", TypeError, lambda: mx.add(f(), f(), f(), f())),
    ("array", TypeError, lambda: mx.add(f(), None)),
    ("array", (TypeError, ValueError), lambda: mx.add(f(), "a")),
    ("exp", TypeError, lambda: mx.exp()),
    ("sum", TypeError, lambda: mx.sum(f(), axes=0)),
    ("sum", TypeError, lambda: mx.sum(f(), 0, axis=0)),
    ("negative", ValueError, lambda: mx.negative(mx.array(True))),
    ("bitwise_and", (ValueError, RuntimeError), lambda: mx.bitwise_and(f(), 1)),
    ("left_shift", (ValueError, RuntimeError), lambda: mx.left_shift(f(), 1)),
    ("floor", ValueError, lambda: mx.floor(mx.array(1j))),
    ("clip", ValueError, lambda: mx.clip(f(), None, None)),
    ("Stream", TypeError, lambda: mx.add(f(), 1, stream="cpu")),
    ("Stream", TypeError, lambda: mx.add(f(), 1, stream=0)),
]


@pytest.mark.parametrize(("name", "error", "call"), CASES)
def test_bad_input(name, error, call):
    with pytest.raises(error) as caught:
        call()
    if name != "index":
        assert name in str(caught.value)
    assert len(str(caught.value)) > 15


def operations():
    for name in dir(mx):
        g = getattr(mx, name)
        if inspect.isbuiltin(g) and "stream" in inspect.signature(g).parameters and not name.startswith("_"):
            yield name


@pytest.mark.parametrize("name", sorted(operations()))
def test_operations_have_no_device_argument(name):
    g = getattr(mx, name)
    required = [
        p for p in inspect.signature(g).parameters.values() if p.default is p.empty and p.kind.name != "VAR_POSITIONAL"
    ]
    with pytest.raises(TypeError) as caught:
        g(*[f()] * len(required), device=mx.cpu)
    for way in ("stream=", "mx.default_device", "mx.stream", "set_default_device"):
        assert way in str(caught.value)


@pytest.mark.parametrize("name", ["sum", "exp", "add", "reshape", "matmul", "take", "softmax", "split"])
def test_an_unknown_argument_is_named(name):
    with pytest.raises(TypeError, match="nonsense"):
        getattr(mx, name)(f(), nonsense=1)


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (2**31, 2**31, 2), (2**62, 4)])
def test_sizes_beyond_memory(shape):
    """Refused while it is built or when it runs, never truncated."""
    for make in (mx.zeros, lambda s: mx.broadcast_to(mx.array(1.0), s) + 1, lambda s: mx.random.uniform(shape=s)):
        with pytest.raises((MemoryError, ValueError, OverflowError)):
            mx.eval(make(shape))
    assert mx.zeros((2,)).sum().item() == 0


def test_sizes_that_overflow_are_found_in_shapes():
    x = mx.broadcast_to(mx.array(1.0), (2**29, 2**29))
    for make in (
        lambda: mx.broadcast_to(x, (2**29, 2**29, 2**29)),
        lambda: x.reshape(2**29, 1, 2**29) + mx.ones((1, 2, 1)),
        lambda: mx.concatenate([x, x, x], 0),
        lambda: mx.repeat(x, 4),
        lambda: mx.tile(x, 4),
        lambda: mx.outer(x, mx.ones((8,))),
        lambda: mx.pad(x, 2**30),
    ):
        with pytest.raises((ValueError, OverflowError, MemoryError)):
            mx.eval(make())


def test_a_failed_call_leaves_nothing_behind():
    stream = mx.new_stream(mx.cpu)
    for _ in range(50):
        with pytest.raises(ValueError, match="broadcast"), stream:
            mx.ones((2,)) + mx.ones((3,))
        with pytest.raises(IndexError):
            a()[7]
    mx.synchronize(stream)
    assert (mx.ones((2,), stream=stream) + 1).tolist() == [2, 2]


@pytest.mark.parametrize("index", [2, -3, 100, -(2**31), 2**31 - 1])
def test_integer_indices_out_of_range_are_never_read(index):
    x = a()
    indices = mx.array([0, index])
    for read in (lambda: x[indices], lambda: mx.take(x, indices, 0), lambda: x[indices, 0]):
        with pytest.raises(IndexError, match="out of"):
            mx.eval(read())
    with pytest.raises(IndexError, match="out of"):
        x[indices] = 1
        mx.eval(x)


def test_reading_needs_one_element():
    for read in (lambda: a().item(), lambda: int(a()), lambda: float(a()), lambda: bool(a())):
        with pytest.raises(ValueError, match=r"[Oo]n(e|ly)|single|scalar|size"):
            read()
    with pytest.raises(TypeError):
        len(mx.array(1))
    with pytest.raises(TypeError):
        iter(mx.array(1))


def test_numpy_arrays_of_no_known_dtype():
    for x in (np.array(["a"]), np.array([object()])):
        with pytest.raises((ValueError, TypeError)):
            mx.array(x)


def test_integers_are_not_divided_in_place():
    for x in (mx.array([1, 2]), mx.array([True])):
        with pytest.raises(ValueError, match="x = x / y"):
            x /= 2
    x = mx.array([1.0, 2.0])
    x /= 2
    assert x.tolist() == [0.5, 1]
