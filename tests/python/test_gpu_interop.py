"""PyTorch, CuPy and JAX beside Anabranch on one NVIDIA GPU: tensors come and go without a copy and in the right order.
Needs the GPU; what is missing of the three is skipped. What can be tested without is in interop_on_cuda.py."""

import contextlib
import gc
import os
import time

import anabranch as mx
import numpy as np
import pytest


def has_cuda():
    if os.environ.get("ANABRANCH_CUDA_LIBRARY") or not mx.is_available(mx.gpu):
        return False
    return mx.full((1,), 1, stream=mx.gpu).__dlpack_device__()[0] == 2


pytestmark = pytest.mark.skipif(not has_cuda(), reason="no NVIDIA GPU")

N = 1024  # tensors are N x N
NAP = 40_000_000  # cycles: 20 ms or so


class Torch:
    def __init__(self):
        self.torch = pytest.importorskip("torch")
        if not self.torch.cuda.is_available():
            pytest.skip("this PyTorch has no GPU")
        self.stream = self.torch.cuda.Stream()

    def side_stream(self):
        return self.torch.cuda.stream(self.stream)

    def handle(self):
        return self.stream.cuda_stream

    def nap(self):
        self.torch.cuda._sleep(NAP)

    def full(self, value):
        return self.torch.full((N, N), float(value), device="cuda")

    def view(self, x):
        return self.torch.from_dlpack(x)

    def address(self, t):
        return t.data_ptr()

    def numpy(self, t):  # its copy runs on another stream than the side stream
        self.stream.synchronize()
        return t.cpu().numpy()

    def fill(self, t, value):
        t.fill_(value)

    def wait(self):
        self.torch.cuda.synchronize()


class CuPy:
    def __init__(self):
        self.cupy = pytest.importorskip("cupy")
        try:
            self.cupy.cuda.runtime.getDeviceCount()
        except Exception as e:
            pytest.skip(f"this CuPy has no GPU: {e}")
        self.stream = self.cupy.cuda.Stream(non_blocking=True)
        code = """
        extern "C" __global__ void nap(long long cycles) {
          const long long start = clock64();
          while (clock64() - start < cycles) {}
        }"""
        self.kernel = self.cupy.RawKernel(code, "nap")

    def side_stream(self):
        return self.stream

    def handle(self):
        return self.stream.ptr

    def nap(self):
        self.kernel((1,), (1,), (np.int64(NAP),))

    def full(self, value):
        return self.cupy.full((N, N), value, np.float32)

    def view(self, x):
        return self.cupy.from_dlpack(x)

    def address(self, t):
        return t.data.ptr

    def numpy(self, t):  # as above
        self.stream.synchronize()
        return t.get()

    def fill(self, t, value):
        t.fill(value)

    def wait(self):
        self.cupy.cuda.runtime.deviceSynchronize()


class Jax:
    def __init__(self):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        self.jax = pytest.importorskip("jax")
        try:
            self.device = self.jax.devices("gpu")[0]
        except Exception as e:
            pytest.skip(f"this JAX has no GPU: {e}")
        jnp = self.jax.numpy

        def slow(value):
            w = jnp.full((4 * N, 4 * N), 1 / (4 * N), jnp.float32) + 0 * value
            y = w
            for _ in range(20):
                y = y @ w
            return y[:N, :N] * 0 + value

        self.slow = self.jax.jit(slow)
        self.napping = False

    def side_stream(self):
        return contextlib.nullcontext()  # JAX has one for what it computes, and shows none

    def nap(self):
        self.napping = True

    def full(self, value):
        value = self.jax.device_put(np.float32(value), self.device)
        napping, self.napping = self.napping, False
        return self.slow(value) if napping else value + self.jax.numpy.zeros((N, N), np.float32)

    def view(self, x):
        return self.jax.dlpack.from_dlpack(x)

    def address(self, t):
        return t.unsafe_buffer_pointer()

    def numpy(self, t):
        return np.asarray(t)

    fill = None  # nothing writes to its arrays

    def wait(self):
        (self.jax.device_put(0.0, self.device) + 1).block_until_ready()


@pytest.fixture(params=[Torch, CuPy, Jax])
def peer(request):
    return request.param()


def address_of(x):
    return x.__cuda_array_interface__["data"][0]


def slow_array(value, stream):
    """Some milliseconds of products, then an array of `value`."""
    with mx.stream(stream):
        w = mx.full((4 * N, 4 * N), 1 / (4 * N), mx.float32)
        y = w
        for _ in range(20):
            y = mx.matmul(y, w)
        return y[:N, :N] * 0 + value


def eventually(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        gc.collect()


def test_ours_goes_out(peer):
    """Without a copy, in order with the consumer's side stream, which waits on the GPU."""
    ours = mx.new_stream(mx.gpu)
    for i in range(30):
        x = slow_array(float(i), ours)
        with peer.side_stream():
            t = peer.view(x)
            r = t + 1
        assert peer.address(t) == address_of(x)
        assert (peer.numpy(r) == i + 1).all()
        assert (np.array(x) == i).all()
        del x
        with peer.side_stream():
            assert (peer.numpy(t) == i).all()


def test_theirs_comes_in(peer):
    ours = mx.new_stream(mx.gpu)
    peer.nap()
    peer.full(0)  # compiled before
    for i in range(30):
        with peer.side_stream():
            peer.nap()
            t = peer.full(i)
            with mx.stream(ours):
                x = mx.from_dlpack(t)
        assert x.shape == (N, N) and x.dtype == mx.float32
        y = mx.add(x, 1, stream=ours)
        z = mx.add(x, 2, stream=mx.new_stream(mx.gpu))
        assert (np.array(y) == i + 1).all() and (np.array(z) == i + 2).all()
        assert address_of(x) == peer.address(t)
        del t
        assert (np.array(x) == i).all()


def test_there_and_back_many_times(peer):
    value = 0
    x = mx.full((N, N), 0.0, stream=mx.gpu)
    for i in range(100):
        stream = mx.new_stream(mx.gpu) if i % 3 == 0 else mx.default_stream(mx.gpu)
        with peer.side_stream(), mx.stream(stream):
            t = peer.view(x + 1)
            if i % 10 == 0:
                peer.nap()
            t = t * 1 + 1
            x = mx.from_dlpack(t)
        value += 2
    assert (np.array(x) == value).all()


def test_memory_that_was_let_go_of_is_not_reused_too_early(peer):
    """Our arrays are computed in other streams than the consumer's, which may not have read the memory yet."""
    ours = mx.new_stream(mx.gpu)
    for i in range(20):
        x = mx.add(mx.full((N, N), float(i), stream=ours), 1, stream=ours)
        with peer.side_stream():
            t = peer.view(x)
            if peer.fill:
                peer.nap()
            r = (peer.full(0) if peer.fill else slow_of(peer)) + t
        del t, x
        gc.collect()
        for j in range(10):
            mx.eval(mx.add(mx.full((N, N), -1.0 - j, stream=ours), 0.5, stream=ours))
        assert (peer.numpy(r) == i + 1).all()


def slow_of(peer):
    peer.nap()
    return peer.full(0)


def test_memory_comes_back(peer):
    before = mx.get_active_memory()
    for i in range(50):
        x = mx.add(mx.full((16 * N, N), float(i), stream=mx.gpu), 1, stream=mx.gpu)  # 64 MiB
        with peer.side_stream():
            t = peer.view(x)
            r = t + 1
        del x, t, r
    gc.collect()
    peer.wait()
    eventually(lambda: mx.get_active_memory() <= before + (1 << 20))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_lifetimes(peer, order):
    with peer.side_stream():
        peer.nap()
        t = peer.full(3)
        x = mx.from_dlpack(t)
        again = peer.view(x)
        r = again + 1
    y = x + 1
    held = [t, x, again]
    del t, x, again
    for i in order:
        held[i] = None
        gc.collect()
        peer.full(7)
    assert (np.array(y) == 4).all() and (peer.numpy(r) == 4).all()


def test_writes_are_seen_and_read_only_memory_is_marked(peer):
    x = mx.add(mx.full((N, N), 1.0, stream=mx.gpu), 1, stream=mx.gpu)
    assert np.array(x)[0, 0] == 2
    assert x.__cuda_array_interface__["data"][1] is False
    assert mx.broadcast_to(x[:1], (N, N)).__cuda_array_interface__["data"][1] is True
    t = peer.view(x)
    if peer.fill:
        peer.fill(t, 5)
        peer.wait()
        assert (np.array(x) == 5).all()
        u = peer.full(1)
        y = mx.from_dlpack(u)
        assert y[0, 0].item() == 1
        peer.fill(u, 6)
        peer.wait()
        assert (np.array(y) == 6).all()


def test_array_copies(peer):
    for i in range(10):
        with peer.side_stream():
            peer.nap()
            t = peer.full(i)
            x = mx.array(t)
            assert address_of(x) != peer.address(t)
            if peer.fill:
                peer.fill(t, -1)
        assert (np.array(x) == i).all()


def test_views_and_dtypes(peer):
    x = mx.arange(24, stream=mx.gpu).reshape(4, 6)
    kept = {"int32": x}
    for name in ("float16", "float32", "int8", "uint8", "int16", "bool_"):
        kept[name] = x.astype(getattr(mx, name))
    for name, a in kept.items():
        t = peer.view(a)
        assert (peer.numpy(t) == np.arange(24).reshape(4, 6).astype(name)).all()
        assert peer.address(t) == address_of(a)
        b = mx.from_dlpack(t)
        assert b.dtype == a.dtype and address_of(b) == address_of(a)
    if not isinstance(peer, Jax):
        t = peer.view(x.T[1:, ::2])
        assert (peer.numpy(t) == np.arange(24).reshape(4, 6).T[1:, ::2]).all()
        b = mx.from_dlpack(t[::2])
        assert (np.array(b) == np.arange(24).reshape(4, 6).T[1::2, ::2]).all()
        assert peer.address(t) == address_of(x.T[1:, ::2])


def test_external_stream(peer):
    """Our work in the peer's stream, with no hand-over at all."""
    if isinstance(peer, Jax):
        pytest.skip("JAX shows no stream")
    ours = mx.external_stream(peer.handle())
    assert ours.__cuda_stream__() == (0, peer.handle())
    for i in range(30):
        with peer.side_stream(), mx.stream(ours):
            peer.nap()
            t = peer.full(i)
            y = mx.from_dlpack(t) + 1
            mx.async_eval(y)
            r = peer.view(y) * 2
            peer.fill(t, -1)
        assert (peer.numpy(r) == 2 * (i + 1)).all() and (np.array(y) == i + 1).all()


def test_torch_and_ours_by_other_protocols():
    peer = Torch()
    torch = peer.torch
    x = slow_array(3.0, mx.new_stream(mx.gpu))
    mx.eval(x)  # PyTorch passes over the stream that __cuda_array_interface__ names
    t = torch.as_tensor(x, device="cuda")
    assert t.data_ptr() == address_of(x) and (t == 3).all().item()
    theirs = mx.external_stream(torch.cuda.default_stream().cuda_stream)
    assert (np.array(mx.add(x, 1, stream=theirs)) == 4).all()
    ours = mx.new_stream(mx.gpu)
    with torch.cuda.stream(torch.cuda.ExternalStream(ours.__cuda_stream__()[1])), mx.stream(ours):
        torch.cuda._sleep(NAP)
        t = peer.full(4)
        assert (np.array(mx.from_dlpack(t)) == 4).all()
    b = torch.full((8,), 1.5, dtype=torch.bfloat16, device="cuda")
    y = mx.from_dlpack(b)
    assert y.dtype == mx.bfloat16 and address_or_none(y) is None
    assert torch.from_dlpack(y).data_ptr() == b.data_ptr()
    with pytest.raises((ValueError, BufferError), match="grad"):
        mx.from_dlpack(torch.ones(3, device="cuda", requires_grad=True))
    assert torch.from_dlpack(x).cpu().numpy().shape == (N, N)
    assert (np.from_dlpack(x, device="cpu") == 3).all()


def address_or_none(x):
    return address_of(x) if hasattr(x, "__cuda_array_interface__") else None


def test_cupy_and_ours_by_other_protocols():
    peer = CuPy()
    cupy = peer.cupy
    x = slow_array(3.0, mx.new_stream(mx.gpu))
    with peer.side_stream():
        t = cupy.asarray(x)
        assert t.data.ptr == address_of(x) and (t.get() == 3).all()

    class InterfaceAlone:
        def __init__(self, t):
            self.__cuda_array_interface__ = t.__cuda_array_interface__
            self.held = t

    for i in range(10):
        with peer.side_stream():
            peer.nap()
            t = peer.full(i)
            y = mx.asarray(InterfaceAlone(t), copy=False)
        assert address_of(y) == t.data.ptr and (np.array(y + 1) == i + 1).all()
