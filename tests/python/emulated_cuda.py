"""A CUDA library beside Anabranch, for tests: streams and memory of the emulated CUDA, through ctypes, and tensors that
speak DLPack or __cuda_array_interface__. Device memory is the host's there, so a test can look into it."""

import contextlib
import ctypes
import os
import time

import anabranch as mx
import numpy as np

N = 1000  # elements
cuda = ctypes.CDLL(os.environ["EMULATED_CUDA"])
LEGACY, PER_THREAD = 1, 2
NOT_READY = 600


def check(result):
    assert result == 0, f"CUDA error {result}"


def pointer(function, *arguments):
    out = ctypes.c_void_p()
    check(function(ctypes.byref(out), *arguments))
    return out.value


class Stream:
    """A stream of the foreign library."""

    def __init__(self, device=0):
        check(cuda.cudaSetDevice(device))
        self.handle = pointer(cuda.cudaStreamCreateWithPriority, 1, 0)
        check(cuda.cudaSetDevice(0))

    def __cuda_stream__(self):
        return (0, self.handle)

    def is_done(self):
        result = cuda.cudaStreamQuery(ctypes.c_void_p(self.handle))
        assert result in (0, NOT_READY)
        return result == 0

    def synchronize(self):
        wait_until(self.is_done)

    def copy(self, to, source, count):
        check(
            cuda.cudaMemcpyAsync(
                ctypes.c_void_p(to), ctypes.c_void_p(source), ctypes.c_size_t(count), 4, ctypes.c_void_p(self.handle)
            )
        )

    def fill(self, to, byte, count):
        stream = ctypes.c_void_p(self.handle)
        check(cuda.cudaMemsetAsync(ctypes.c_void_p(to), byte, ctypes.c_size_t(count), stream))

    def wait_for(self, other_handle):
        order(other_handle, self.handle)


def order(first, then):
    """What stream `then` is given from here on comes after what `first` has been given."""
    event = pointer(cuda.cudaEventCreateWithFlags, 2)
    check(cuda.cudaEventRecord(ctypes.c_void_p(event), ctypes.c_void_p(first)))
    check(cuda.cudaStreamWaitEvent(ctypes.c_void_p(then), ctypes.c_void_p(event), 0))
    check(cuda.cudaEventDestroy(ctypes.c_void_p(event)))


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.0005)


@contextlib.contextmanager
def held_up(handle):
    """What the stream is given in the block, and later, is not begun before the block ends."""
    gate = ctypes.c_int(0)
    check(cuda.emulated_cuda_gate(ctypes.c_void_p(handle), ctypes.byref(gate)))
    try:
        yield
    finally:
        gate.value = 1
        gates.append(gate)  # the device may look at it later


gates = []


class Memory:
    def __init__(self, count, device=0):
        check(cuda.cudaSetDevice(device))
        self.address, self.bytes = pointer(cuda.cudaMalloc, ctypes.c_size_t(count)), count
        check(cuda.cudaSetDevice(0))

    def __del__(self):
        cuda.cudaFree(ctypes.c_void_p(self.address))  # refused in a forked child

    def read(self, dtype):
        return np.frombuffer(ctypes.string_at(self.address, self.bytes), dtype)


# --- DLPack, as its header has it ----------------------------------------------------------------------------------


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]  # fmt: skip


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", DELETER)]


class ManagedVersioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p), ("deleter", DELETER),
        ("flags", ctypes.c_uint64), ("tensor", Tensor),
    ]  # fmt: skip


api = ctypes.pythonapi
api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_IsValid.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Consumed:
    """A tensor that was taken out of a capsule."""

    def __init__(self, capsule):
        if api.PyCapsule_IsValid(capsule, b"dltensor_versioned"):
            self.managed = ManagedVersioned.from_address(api.PyCapsule_GetPointer(capsule, b"dltensor_versioned"))
            api.PyCapsule_SetName(capsule, b"used_dltensor_versioned")
            self.flags = self.managed.flags
        else:
            self.managed = Managed.from_address(api.PyCapsule_GetPointer(capsule, b"dltensor"))
            api.PyCapsule_SetName(capsule, b"used_dltensor")
            self.flags = None
        tensor = self.managed.tensor
        self.address = (tensor.data or 0) + tensor.byte_offset
        self.device = (tensor.device_type, tensor.device_id)
        self.shape = tuple(tensor.shape[: tensor.ndim])
        self.strides = tuple(tensor.strides[: tensor.ndim])
        self.type = (tensor.code, tensor.bits)

    def release(self):
        self.managed.deleter(ctypes.addressof(self.managed))


alive = {}  # what capsules point to, by address


class Produced:
    """A float32 tensor of the foreign library, written on its stream."""

    def __init__(self, values, stream, device=0, flags=0, versioned=True):
        values = np.ascontiguousarray(values, np.float32)
        self.memory, self.stream, self.device, self.flags = Memory(values.nbytes, device), stream, device, flags
        self.shape, self.versioned = values.shape, versioned
        self.source = Memory(values.nbytes, device)
        ctypes.memmove(self.source.address, values.ctypes.data, values.nbytes)
        if stream:
            stream.copy(self.memory.address, self.source.address, values.nbytes)
        else:
            ctypes.memmove(self.memory.address, values.ctypes.data, values.nbytes)
        self.asked, self.released = [], 0

    def __dlpack_device__(self):
        return (2, self.device)

    def __dlpack__(self, *, stream=None, max_version=None):
        if max_version is not None and not self.versioned:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        self.asked.append(stream)
        if self.stream and stream is not None and stream != -1:
            order(self.stream.handle, stream)
        shape = (ctypes.c_int64 * len(self.shape))(*self.shape)
        tensor = Tensor(self.memory.address, 2, self.device, len(self.shape), 2, 32, 1, shape, None, 0)

        def delete(address):
            self.released += 1
            del alive[address]

        deleter = DELETER(delete)
        if self.versioned and max_version:
            managed, name = ManagedVersioned(1, 0, None, deleter, self.flags, tensor), b"dltensor_versioned"
        else:
            managed, name = Managed(tensor, None, deleter), b"dltensor"
        address = ctypes.addressof(managed)
        alive[address] = (managed, name, shape, deleter, self)
        return api.PyCapsule_New(address, name, None)


class CudaArray:
    """What has __cuda_array_interface__ alone."""

    def __init__(self, **entries):
        self.entries = entries

    @property
    def __cuda_array_interface__(self):
        return {"version": 3, **self.entries}


# --- arrays of ours


def handle_of(stream):
    version, handle = stream.__cuda_stream__()
    assert version == 0 and handle > 2
    return handle


def on_gpu(value=1.0, count=N):
    x = mx.full((count,), value, mx.float32, stream=mx.gpu) + mx.arange(count, stream=mx.gpu)
    mx.eval(x)
    return x


def expected(value=1.0, count=N):
    return np.arange(count, dtype=np.float32) + np.float32(value)


def made_on(stream, value):
    return mx.add(mx.full((N,), value, stream=stream), mx.arange(N, stream=stream), stream=stream)


def address_of(x):
    return x.__cuda_array_interface__["data"][0]
