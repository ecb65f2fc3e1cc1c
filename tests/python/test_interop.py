"""Memory in and out: NumPy, the buffer protocol, DLPack."""

import array as python_array
import gc
import subprocess
import sys
import threading
import weakref

import anabranch as mx
import numpy as np
import pytest

NUMPY = {
    "bool_": "?", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q", "int8": "b", "int16": "h", "int32": "i",
    "int64": "q", "float16": "e", "float32": "f", "float64": "d", "complex64": "Zf",
}  # fmt: skip


def numbers(name, shape=(3, 4)):
    count = int(np.prod(shape))
    return (np.arange(count) % 7).astype(name).reshape(shape)


@pytest.mark.parametrize("name", NUMPY)
def test_every_dtype_comes_in_and_goes_out(name):
    x = numbers(name)
    a = mx.array(x, getattr(mx, name))
    assert a.dtype == getattr(mx, name)
    out = np.array(a)
    assert out.dtype == x.dtype
    assert out.tolist() == x.tolist()
    view = memoryview(a)
    assert (view.format, view.shape, view.strides, view.readonly) == (NUMPY[name], a.shape, x.strides, False)


def test_double_precision_is_for_those_who_ask():
    x = np.array([0.1, 2.0])
    assert mx.array(x).dtype == mx.float32
    assert mx.array(x, mx.float64).tolist() == x.tolist()
    assert mx.array(x.astype(np.complex128)).dtype == mx.complex64
    assert mx.array(x * (1 + 2j)).tolist() == (x * (1 + 2j)).astype(np.complex64).tolist()
    assert mx.array(np.float64(0.5)).dtype == mx.float32
    assert mx.array(np.int64(5)).dtype == mx.int64
    assert mx.array(x, mx.int32).tolist() == [0, 2]


LAYOUTS = {
    "reversed": lambda x: x[::-1, ::-2],
    "transposed": lambda x: x.T,
    "strided": lambda x: x[1::2, ::3],
    "broadcast": lambda x: np.broadcast_to(x[:1], (5, x.shape[1])),
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "misaligned": lambda x: np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "column major": lambda x: np.asfortranarray(x),
    "field": lambda x: np.rec.fromarrays([x, np.zeros(x.shape, np.int8)])["f0"],
    "scalar": lambda x: x[0, 0],
    "0-d": lambda x: x[0, 0, ...],
    "empty": lambda x: x[:0],
    "empty columns": lambda x: x[::-1, 3:3],
    "read only": lambda x: np.frombuffer(x.tobytes(), x.dtype),
}


@pytest.mark.parametrize("name", ["int8", "int32", "float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(6, 7), (600, 700)])
def test_layouts(name, layout, shape):
    x = LAYOUTS[layout](numbers(name, shape))
    a = mx.array(x)
    assert a.shape == x.shape
    expected = x.astype({"float64": "float32", "complex128": "complex64"}.get(name, name))
    assert np.array_equal(np.array(a), expected)
    assert np.array_equal(np.array(a.astype(mx.complex64)), expected.astype(np.complex64))


def test_what_comes_in_is_copied():
    for count in (8, 1 << 20):
        x = np.zeros(count, np.float32)
        for make in (lambda x: mx.array(x), lambda x: mx.array(x[::2]), lambda x: mx.array(x, mx.float16)):
            a = make(x)
            x[:] = 1
            assert not np.array(a).any()
            x[:] = 0


def test_what_goes_out_shares_memory():
    a = mx.arange(6, stream=mx.cpu).reshape(2, 3)  # of a GPU, what goes out is a copy
    x = np.asarray(a)
    assert np.shares_memory(x, np.asarray(a))
    assert np.shares_memory(x, np.asarray(a.T))
    x[0, 0] = 42
    assert a.tolist() == [[42, 1, 2], [3, 4, 5]]
    assert np.array(a, copy=False) is not None
    assert not np.shares_memory(np.array(a), x)
    # Assignment binds the object to another value; the memory handed out is that of the old one.
    a[0, 1] = 7
    assert x[0, 1] == 1
    assert np.asarray(a)[0, 1] == 7


def test_views_go_out_with_their_strides():
    a = mx.arange(24).reshape(2, 3, 4)
    x = np.arange(24).reshape(2, 3, 4)
    for get in (lambda v: v.T, lambda v: v[:, ::-1], lambda v: v[1, :, 1::2], lambda v: v[0, 0, 0]):
        assert np.asarray(get(a)).tolist() == get(x).tolist()
    wide = mx.broadcast_to(mx.array([1, 2]), (3, 2))
    assert np.asarray(wide).tolist() == [[1, 2]] * 3
    assert memoryview(wide).readonly
    assert bytes(a.T) == x.T.astype(np.int32).tobytes()
    assert memoryview(a).tobytes() == x.astype(np.int32).tobytes()


def test_memory_outlives_the_array():
    def make():
        a = mx.arange(1000) * 2
        return np.asarray(a), memoryview(a)

    x, view = make()
    gc.collect()
    junk = [mx.full((1000,), 7) for _ in range(50)]
    mx.eval(junk)
    assert x.tolist() == view.tolist() == list(range(0, 2000, 2))


def test_buffers_of_other_kinds():
    assert mx.array(b"abc").tolist() == [97, 98, 99]
    assert mx.array(bytearray(b"ab")).dtype == mx.uint8
    assert mx.array(python_array.array("d", [1.5, 2])).tolist() == [1.5, 2.0]
    assert mx.array(memoryview(b"abcd")[::2]).tolist() == [97, 99]
    assert mx.array(memoryview(mx.array([[1, 2]]))).tolist() == [[1, 2]]
    for bad in (np.array(["a"]), np.array([1, None]), np.array([1], "M8[s]"), np.zeros(2, "i4,f4")):
        with pytest.raises((ValueError, TypeError)):
            mx.array(bad)


class WithArray:
    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2], np.int16)


class WithInterface:
    def __init__(self):
        self.held = np.array([1, 2], np.int16)
        self.__array_interface__ = self.held.__array_interface__


class WithMlxArray:
    def __mlx_array__(self):
        return mx.array([1, 2], mx.int16)


class WithDlpack:
    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **arguments):
        return self.x.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


def with_dlpack():
    return WithDlpack(np.array([1, 2], np.int16))


@pytest.mark.parametrize("make", [WithArray, WithInterface, WithMlxArray, with_dlpack])
def test_array_like_objects(make):
    a = mx.array(make())
    assert (a.dtype, a.tolist()) == (mx.int16, [1, 2])
    assert (mx.array([1, 1], mx.int16) + make()).tolist() == [2, 3]
    assert mx.array(make(), mx.float32).dtype == mx.float32


def test_errors_of_producers_arrive():
    class Failing:
        def __dlpack__(self, **arguments):
            raise KeyError("mine")

    class Elsewhere:
        def __dlpack__(self, **arguments):
            raise AssertionError

        def __dlpack_device__(self):
            return (10, 0)  # ROCm

    with pytest.raises(KeyError, match="mine"):
        mx.array(Failing())
    for read in (mx.array, mx.asarray, mx.from_dlpack):
        with pytest.raises(ValueError, match="Elsewhere lies on a device"):
            read(Elsewhere())


@pytest.mark.parametrize("name", [n for n in NUMPY if n != "bool_"] + ["bool_"])
def test_dlpack_round_trip(name):
    x = numbers(name)
    a = mx.array(x, getattr(mx, name))
    assert a.__dlpack_device__() == (1, 0)
    y = np.from_dlpack(a)
    assert y.dtype == x.dtype and y.tolist() == x.tolist()
    assert np.shares_memory(y, np.asarray(a))
    b = mx.array(WithDlpack(x[:, ::2]), getattr(mx, name))
    assert b.dtype == a.dtype and b.tolist() == x[:, ::2].tolist()
    assert np.from_dlpack(a.T).tolist() == x.T.tolist()


def test_dlpack_capsules():
    a = mx.array([1.0, 2.0])
    assert "dltensor" in repr(a.__dlpack__())
    assert "dltensor_versioned" in repr(a.__dlpack__(max_version=(1, 0)))
    assert not np.shares_memory(np.from_dlpack(WithDlpack(a)), np.from_dlpack(a, copy=True))
    with pytest.raises(ValueError):
        a.__dlpack__(dl_device=(2, 0))
    del a
    gc.collect()


def test_from_dlpack_shares():
    x = np.arange(12, dtype=np.float64).reshape(3, 4)
    for view in (x, x.T, x[::-1, ::2]):
        for copy in (None, False):
            a = mx.from_dlpack(view, copy=copy)
            assert a.dtype == mx.float64 and a.tolist() == view.tolist()
            assert np.shares_memory(np.asarray(a), x)
        a = mx.from_dlpack(view, copy=True)
        assert a.dtype == mx.float64 and a.tolist() == view.tolist()
        assert not np.shares_memory(np.asarray(a), x)
    a = mx.from_dlpack(x)
    b = mx.add(a, 0)
    x[0, 0] = 7
    assert a[0, 0].item() == 7 and b[0, 0].item() == 7  # b was not computed yet
    # What arrays cannot be over comes as a copy.
    x.flags.writeable = False
    for odd in (x, x.astype(np.complex128)):
        assert mx.from_dlpack(odd).tolist() == odd.tolist()
        with pytest.raises(ValueError, match="copy=False"):
            mx.from_dlpack(odd, copy=False)
    assert mx.from_dlpack(a) is not None and mx.from_dlpack(a, copy=True).tolist() == a.tolist()


def test_shared_memory_is_read_anew_by_each_reader():
    x = np.zeros(1000, np.float32)
    a, b = mx.from_dlpack(x), mx.asarray(x, copy=False)
    for i in range(3):
        x[:] = i
        assert (np.array(a + 0) == i).all() and (np.array(b + 0) == i).all()


class OldDlpack:
    """A producer of before DLPack 1.0."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, stream=None):
        return self.x.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


def test_old_producers():
    assert mx.from_dlpack(OldDlpack(np.arange(3, dtype=np.int16))).tolist() == [0, 1, 2]
    assert mx.array(OldDlpack(np.arange(3, dtype=np.int16))).tolist() == [0, 1, 2]


class OnCuda:
    """As a tensor on a GPU would be."""

    def __dlpack__(self, **arguments):
        raise AssertionError

    def __dlpack_device__(self):
        return (2, 0)


class WithCudaInterface:
    def __init__(self):
        self.__cuda_array_interface__ = {"shape": (1,), "typestr": "<f4", "data": (4096, False), "version": 3}


def test_without_a_cuda_gpu():
    """On the CPU alone, and on simulated GPUs, which no other library can use."""
    x = mx.add(mx.array([1.0]), 1)
    if x.__dlpack_device__() != (1, 0):
        pytest.skip("there is one")
    assert not hasattr(x, "__cuda_array_interface__")
    for tensor in (OnCuda(), WithCudaInterface()):
        for read in (mx.array, lambda t: mx.asarray(t, copy=False)):
            with pytest.raises(ValueError, match="lies on a CUDA device, which can't be used here"):
                read(tensor)
    with pytest.raises(ValueError, match="takes no stream"):
        x.__dlpack__(stream=1)
    with pytest.raises(TypeError, match="no stream of a CUDA GPU"):
        mx.default_stream(mx.default_device()).__cuda_stream__()
    for device in (None, mx.cpu, mx.gpu):
        with pytest.raises(ValueError, match=r"\[external_stream\]"):
            mx.external_stream(1, device)


def test_asarray():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    a = mx.asarray(x)
    x[0, 0] = 9
    assert a[0, 0].item() == 0
    for view in (x, x.T, x[::-1, ::2], x[1]):
        shared = mx.asarray(view, copy=False)
        assert shared.tolist() == view.tolist()
        assert np.shares_memory(np.asarray(shared), x)
        assert (shared + 1).tolist() == (view + 1).tolist()
        assert np.shares_memory(np.asarray(mx.from_dlpack(view, copy=False)), x)
    shared = mx.asarray(x, copy=False)
    x[0, 0] = 5
    assert shared[0, 0].item() == 5
    shared += 1  # binds the object; NumPy's memory is as it was
    mx.eval(shared)
    assert x[0, 0] == 5
    assert mx.asarray([1, 2], mx.float32).dtype == mx.float32
    assert mx.from_dlpack(x).tolist() == x.tolist()
    assert not np.shares_memory(np.asarray(mx.asarray(a, copy=True)), np.asarray(a))
    assert np.shares_memory(np.asarray(mx.asarray(a, copy=False)), np.asarray(a))
    for bad in ([1, 2], 1.5, x.astype(">f4"), b"abc", x.astype(np.complex128)):
        with pytest.raises(ValueError):
            mx.asarray(bad, copy=False)
    with pytest.raises(ValueError):
        mx.asarray(x, mx.int32, copy=False)
    with pytest.raises(TypeError):
        mx.from_dlpack([1])


def test_shared_memory_lives_as_long_as_its_readers():
    class Owner(np.ndarray):
        pass

    dropped = []
    x = np.arange(1 << 20, dtype=np.float32).view(Owner)
    weakref.finalize(x, dropped.append, True)
    a = mx.asarray(x, copy=False)
    b = a[::2] + 1
    del x, a
    gc.collect()
    assert not dropped
    assert b.sum().item() == (np.arange(0, 1 << 20, 2) + 1.0).sum()
    for _ in range(1000):
        if dropped:
            break
    assert dropped


def test_array_method():
    a = mx.array([1.5, 2])
    assert a.__array__().dtype == np.float32
    assert np.asarray(a, dtype=np.int32).tolist() == [1, 2]
    assert a.__array__(np.float64).tolist() == [1.5, 2.0]
    with pytest.raises(ValueError):
        a.__array__(np.float64, copy=False)
    assert np.shares_memory(a.__array__(), np.asarray(a))
    assert not np.shares_memory(a.__array__(copy=True), np.asarray(a))
    with pytest.raises(TypeError):
        a.astype(mx.bfloat16).__array__()
    with pytest.raises((ValueError, TypeError)):
        np.array(a.astype(mx.bfloat16))
    assert a.__array_namespace__().exp is mx.exp


def test_numpy_functions_take_arrays():
    a = mx.array([1.0, 4.0])
    assert np.sqrt(a).tolist() == [1.0, 2.0]
    assert (np.array([1.0, 2.0]) + a).tolist() == [2.0, 6.0]
    assert isinstance(a + np.array([1.0, 2.0]), mx.array)
    assert (a + np.int64(1)).dtype == mx.float32
    assert (mx.array([1]) + np.int64(1)).dtype == mx.int32


def failed():
    return mx.linalg.cholesky(mx.zeros((2, 2)) - 1, stream=mx.cpu)


@pytest.mark.parametrize(
    "read",
    [
        lambda a: a.tolist(), lambda a: a[0, 0].item(), memoryview, np.array, np.asarray, repr, bytes, print,
        lambda a: a.__dlpack__(), lambda a: float(a[0, 0]), lambda a: bool(a[0, 0]), mx.eval, lambda a: 1.0 in a,
        lambda a: a.__array__(), lambda a: a.__getstate__(),
    ],
)  # fmt: skip
def test_every_read_of_a_failed_array_raises(read):
    a = failed()
    for b in (a, a + 1):
        for _ in range(2):
            with pytest.raises(Exception, match="holesky"):
                read(b)
    assert mx.array([1]).item() == 1


def test_owners_are_released_with_and_without_the_gil():
    class Owner(np.ndarray):
        pass

    dropped = []
    for count in (1 << 20, 1 << 21):
        x = np.zeros(count, np.float32).view(Owner)
        weakref.finalize(x, dropped.append, count)
        a = mx.array(x[::2]) + 1  # spread over workers, which let go of the memory
        mx.eval(a)
        del x
        gc.collect()
        mx.eval(a + 1)
        for _ in range(1000):  # pending calls run between bytecodes
            if count in dropped:
                break
    assert dropped == [1 << 20, 1 << 21]


def test_reading_while_others_assign():
    a = mx.zeros((1000,))
    stop = threading.Event()

    def assign():
        i = 0
        while not stop.is_set():
            a[:] = i
            i += 1

    writer = threading.Thread(target=assign)
    writer.start()
    try:
        for _ in range(300):
            x = np.array(a)
            assert (x == x[0]).all()
            assert len(set(a.tolist())) == 1
    finally:
        stop.set()
        writer.join()


def test_import_does_not_import_numpy():
    program = "import sys, anabranch; assert 'numpy' not in sys.modules; print(anabranch.array([1, 2]) + 1)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "array([2, 3], dtype=int32)\n"
