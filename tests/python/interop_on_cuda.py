"""Memory and streams shared with other CUDA libraries. test_interop_on_cuda.py runs this on the emulated CUDA, where a
test can hold a stream up: what must not wait is seen not to, and what must wait is seen to."""

import gc
import threading

import anabranch as mx
import numpy as np
import pytest
from emulated_cuda import (
    LEGACY,
    PER_THREAD,
    Consumed,
    CudaArray,
    Memory,
    N,
    Produced,
    Stream,
    address_of,
    expected,
    handle_of,
    held_up,
    made_on,
    on_gpu,
    order,
    wait_until,
)  # fmt: skip


def released(produced):
    gc.collect()
    mx.eval(mx.add(1, 1, stream=mx.cpu))  # drops owners that other threads have let go of
    return produced.released


# --- out: DLPack


def test_device():
    assert on_gpu().__dlpack_device__() == (2, 0)
    assert mx.full((2,), 1, stream=mx.gpu).__dlpack_device__() == (2, 0)  # where it will be
    assert mx.full((2,), 1, stream=mx.Device(mx.gpu, 1)).__dlpack_device__() == (2, 1)
    assert mx.full((2,), 1, stream=mx.cpu).__dlpack_device__() == (1, 0)
    assert mx.array([1.0]).__dlpack_device__() == (1, 0)


@pytest.mark.parametrize("consumer_stream", [None, LEGACY, PER_THREAD, "own"])
def test_consumers_stream_waits_and_the_host_does_not(consumer_stream):
    ours, theirs = mx.new_stream(mx.gpu), Stream()
    if consumer_stream != "own":
        theirs.handle = consumer_stream or LEGACY
    target = Memory(4 * N)
    with held_up(handle_of(ours)):
        x = made_on(ours, 2.0)
        taken = Consumed(x.__dlpack__(stream=theirs.handle if consumer_stream else None))
        assert (taken.device, taken.shape, taken.strides, taken.type) == ((2, 0), (N,), (1,), (2, 32))
        theirs.copy(target.address, taken.address, 4 * N)
        assert not theirs.is_done()
    theirs.synchronize()
    assert (target.read(np.float32) == expected(2.0)).all()
    taken.release()


def test_without_a_stream_nothing_waits():
    ours, theirs = mx.new_stream(mx.gpu), Stream()
    with held_up(handle_of(ours)):
        taken = Consumed(made_on(ours, 1.0).__dlpack__(stream=-1))
        order(theirs.handle, theirs.handle)
        theirs.synchronize()
    taken.release()


def test_what_needs_the_cpu_first():
    theirs, target = Stream(), Memory(4 * N)
    x = mx.full((N,), 2.0, stream=mx.cpu) + mx.arange(N, stream=mx.cpu)
    y = mx.add(x, 1, stream=mx.gpu)
    taken = Consumed(y.__dlpack__(stream=theirs.handle))
    theirs.copy(target.address, taken.address, 4 * N)
    theirs.synchronize()
    assert (target.read(np.float32) == expected(3.0)).all()
    taken.release()


@pytest.mark.parametrize("bad", [0, -2, True, "1", 1.5])
def test_streams_that_are_none(bad):
    with pytest.raises((ValueError, TypeError), match="stream"):
        on_gpu().__dlpack__(stream=bad)


def test_devices_to_export_to():
    x = on_gpu()
    for arguments in ({"dl_device": (2, 1)}, {"dl_device": (10, 0)}, {"dl_device": (1, 0), "copy": False}):
        with pytest.raises(ValueError, match="__dlpack__"):
            x.__dlpack__(**arguments)
    host = Consumed(x.__dlpack__(dl_device=(1, 0), max_version=(1, 0)))
    assert host.device == (1, 0) and host.flags == 3  # read-only, copied
    host.release()
    assert np.array_equal(np.from_dlpack(x, device="cpu"), expected())
    host = Consumed(mx.array([1.0]).__dlpack__(copy=True))  # where it said that it lies, whatever the default device
    assert host.device == (1, 0)
    host.release()


def test_copies_on_request():
    x = on_gpu()
    shared, copied = Consumed(x.__dlpack__(max_version=(1, 1))), Consumed(x.__dlpack__(copy=True, max_version=(1, 0)))
    assert shared.address == address_of(x) and shared.flags == 0
    assert copied.address != address_of(x) and copied.flags == 2
    assert Consumed(x.__dlpack__(copy=False)).address == address_of(x)
    shared.release()
    copied.release()


def test_views_go_out_with_their_strides():
    x = on_gpu(count=24).reshape(2, 3, 4)
    taken = Consumed(x.transpose(2, 0, 1)[1:].__dlpack__())
    assert (taken.shape, taken.strides) == ((3, 2, 3), (1, 12, 4))
    assert taken.address == address_of(x) + 4
    taken.release()
    wide = Consumed(mx.broadcast_to(x[:1], (5, 3, 4)).__dlpack__(max_version=(1, 0)))
    assert wide.strides[0] == 0 and wide.flags == 1  # a write to one element would change others
    wide.release()


def test_every_dtype_goes_out():
    codes = {"bool_": 6, "uint": 1, "int": 0, "float": 2, "bfloat": 4, "complex": 5}
    for name in ("bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
                 "bfloat16", "float32", "float64", "complex64"):  # fmt: skip
        x = mx.full((3,), 1, getattr(mx, name), stream=mx.gpu)
        taken = Consumed(x.__dlpack__())
        assert taken.type == (codes[name.rstrip("0123456789")], 8 * x.itemsize)
        taken.release()


def test_what_consumers_write_is_seen():
    theirs = Stream()
    x = on_gpu()
    assert (np.array(x) == expected()).all()  # makes a copy on the host, which must not serve again
    taken = Consumed(x.__dlpack__(stream=theirs.handle))
    theirs.fill(taken.address, 0, 4 * N)
    theirs.synchronize()
    taken.release()
    assert not np.array(x).any() and x[3].item() == 0 and "1." not in repr(x)
    a, b = np.asarray(x), memoryview(x)  # each of them a copy that stays
    theirs.fill(address_of(x), 0xFF, 4 * N)
    theirs.synchronize()
    assert np.isnan(np.asarray(x)).all() and not a.any() and not np.asarray(b).any()


def test_memory_is_not_overwritten_while_a_consumer_has_it():
    theirs, target = Stream(), Memory(4 * N)
    x = on_gpu(5.0)
    taken = Consumed(x.__dlpack__(stream=theirs.handle))
    before = taken.address
    y = x + 1  # could be computed in x's memory if nobody else had it
    del x
    mx.eval(y)
    others = [on_gpu(float(i)) for i in range(20)]
    assert before not in [address_of(o) for o in (y, *others)]
    theirs.copy(target.address, before, 4 * N)
    theirs.synchronize()
    assert (target.read(np.float32) == expected(5.0)).all()
    taken.release()


@pytest.mark.parametrize("protocol", ["dlpack", "interface"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_memory_is_not_reused_before_the_consumer_has_read_it(protocol, elsewhere):
    """Its commands, in whatever stream, may be under way when it lets go."""
    ours, theirs, target = mx.new_stream(mx.gpu), Stream(), Memory(4 * N)
    x = made_on(ours, 5.0)
    mx.eval(x)
    if protocol == "dlpack":
        taken = Consumed(x.__dlpack__(stream=theirs.handle))
        address = taken.address
    else:
        address = x.__cuda_array_interface__["data"][0]
    reader = Stream() if elsewhere else theirs
    reader.wait_for(theirs.handle)
    with held_up(reader.handle):
        reader.copy(target.address, address, 4 * N)
        del x
        if protocol == "dlpack":
            taken.release()
        for i in range(30):
            y = made_on(ours, float(i))
            mx.eval(y)
            assert address_of(y) != address
    reader.synchronize()
    assert (target.read(np.float32) == expected(5.0)).all()

    def comes_back():
        more = [mx.full((N,), 1.0, stream=ours) * i for i in range(100)]
        mx.eval(more)
        return address in [address_of(y) for y in more]

    wait_until(comes_back)


def test_memory_is_not_overwritten_before_the_consumer_has_read_it():
    theirs, target = Stream(), Memory(4 * N)
    x = on_gpu(5.0)
    taken = Consumed(x.__dlpack__(stream=theirs.handle))
    with held_up(theirs.handle):
        theirs.copy(target.address, taken.address, 4 * N)
        address = taken.address
        taken.release()
        x += 1  # nobody else has the old value any more: it could be computed in place
        mx.eval(x)
        assert address_of(x) != address
    theirs.synchronize()
    assert (target.read(np.float32) == expected(5.0)).all()


def test_a_consumer_may_let_go_on_any_thread():
    for _ in range(20):
        taken = Consumed(on_gpu().__dlpack__())
        thread = threading.Thread(target=taken.release)
        thread.start()
        thread.join()
    capsule = on_gpu().__dlpack__()
    del capsule  # nobody took it
    gc.collect()


def test_failures_come_out():
    x = mx.linalg.cholesky(mx.zeros((2, 2), stream=mx.cpu) - 1, stream=mx.cpu)
    y = mx.add(x, 1, stream=mx.gpu)
    for _ in range(2):
        with pytest.raises(Exception, match="holesky"):
            y.__dlpack__()
        with pytest.raises(Exception, match="holesky"):
            _ = y.__cuda_array_interface__


# --- in: DLPack


@pytest.mark.parametrize("versioned", [True, False])
def test_our_stream_waits_and_the_host_does_not(versioned):
    theirs = Stream()
    with held_up(theirs.handle):
        there = Produced(expected(7.0), theirs, versioned=versioned)
        ours = mx.new_stream(mx.gpu)
        with mx.stream(ours):
            x = mx.from_dlpack(there)
        assert there.asked == [handle_of(ours)]
        assert (x.shape, x.dtype) == ((N,), mx.float32)
        y = x + 1
        z = mx.multiply(x, 2, stream=mx.new_stream(mx.gpu))
        event = mx.new_stream(mx.gpu).record(y, z)
        assert not event.wait(0.05)
    assert address_of(x) == there.memory.address
    assert (np.array(y) == expected(8.0)).all() and (np.array(z) == 2 * expected(7.0)).all()
    assert (np.array(x) == expected(7.0)).all()
    assert mx.from_dlpack(there, copy=False).shape == (N,)


def test_array_copies():
    theirs = Stream()
    there = Produced(expected(7.0), theirs)
    for make in (mx.array, mx.asarray, lambda t: mx.from_dlpack(t, copy=True)):
        x = make(there)
        assert address_of(x) != there.memory.address
        theirs.fill(there.memory.address, 0, 4 * N)  # at once: the copy is made
        theirs.copy(there.memory.address, there.source.address, 4 * N)
        assert (np.array(x) == expected(7.0)).all()
    assert mx.array(there, mx.int32).dtype == mx.int32
    assert (np.array(on_gpu(1.0) + there) == expected(1.0) + expected(7.0)).all()
    assert address_of(mx.asarray(there, copy=False)) == there.memory.address
    with pytest.raises(ValueError, match="copy=False"):
        mx.asarray(there, mx.float16, copy=False)


def test_foreign_memory_lives_until_our_last_use():
    there = Produced(expected(), Stream())
    ours = mx.new_stream(mx.gpu)
    with mx.stream(ours):
        x = mx.from_dlpack(there)
        with held_up(handle_of(ours)):
            y = x[::2] + 1
            mx.async_eval(y)
            del x
            assert released(there) == 0
    assert (np.array(y) == expected(2.0)[::2]).all()
    wait_until(lambda: released(there) == 1)
    x = mx.from_dlpack(there)
    del x
    wait_until(lambda: released(there) == 2)


def test_foreign_memory_is_never_written_by_us():
    there = Produced(expected(), Stream())
    x = mx.from_dlpack(there)
    for _ in range(3):
        x = x + 1
        x[3] = 7
    mx.eval(x)
    assert (there.memory.read(np.float32) == expected()).all()


def test_what_producers_write_later_is_seen():
    theirs = Stream()
    there = Produced(expected(), theirs)
    x = mx.from_dlpack(there)
    assert x[0].item() == 1
    theirs.fill(there.memory.address, 0, 4 * N)
    theirs.synchronize()
    assert not np.array(x).any() and not np.array(x + 0).any() and not np.array(mx.add(x, 0, stream=mx.cpu)).any()


def test_read_only_stays_read_only():
    there = Produced(expected(), Stream(), flags=1)
    x = mx.from_dlpack(there)
    assert address_of(x) == there.memory.address
    assert x.__cuda_array_interface__["data"] == (there.memory.address, True)
    again = Consumed(x[2:].__dlpack__(max_version=(1, 0)))
    assert again.flags == 1 and again.address == there.memory.address + 8
    again.release()
    assert Consumed((x + 1).__dlpack__(max_version=(1, 0))).flags == 0


class Through:
    def __init__(self, x):
        self.x = x

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()

    def __dlpack__(self, **arguments):
        return self.x.__dlpack__(**arguments)


def test_there_and_back():
    theirs = Stream()
    x = on_gpu()
    y = mx.from_dlpack(Through(x))
    assert address_of(y) == address_of(x)
    taken = Consumed(y.__dlpack__(stream=theirs.handle))
    del x, y
    gc.collect()
    assert taken.address
    taken.release()
    assert mx.from_dlpack(on_gpu()).shape == (N,)


@pytest.mark.parametrize("drop", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_lifetimes_in_any_order(drop):
    theirs = Stream()
    there = Produced(expected(), theirs)
    x = mx.from_dlpack(there)
    taken = Consumed(x.__dlpack__(stream=theirs.handle))
    y = x * 2
    ends = [lambda: held.pop("x"), taken.release, lambda: held.pop("y")]
    held = {"x": x, "y": y}
    del x, y
    for i in drop:
        ends[i]()
        gc.collect()
    wait_until(lambda: released(there) == 1)


def test_other_devices():
    second = Produced(expected(), None, device=1)
    x = mx.from_dlpack(second)
    assert x.__dlpack_device__() == (2, 1) and address_of(x) == second.memory.address
    assert (np.array(x) == expected()).all()
    assert (np.array(mx.add(x, 1, stream=mx.Device(mx.gpu, 0))) == expected(2.0)).all()
    for place in ((2, 7), (10, 0), (4, 0)):
        there = Produced(expected(), None)
        there.__dlpack_device__ = lambda place=place: place
        elsewhere = type("Elsewhere", (), {"__dlpack__": there.__dlpack__})()
        elsewhere.__dlpack_device__ = there.__dlpack_device__
        with pytest.raises(ValueError, match="device"):
            mx.from_dlpack(elsewhere)
        assert there.asked == []


# --- __cuda_array_interface__


def test_interface():
    x = on_gpu(count=24).reshape(4, 6)
    entries = x.__cuda_array_interface__
    assert entries["version"] == 3
    assert (entries["shape"], entries["typestr"], entries["strides"]) == ((4, 6), "<f4", None)
    assert entries["data"] == (address_of(x), False) and entries["stream"] is None
    turned = x.T[1:]
    assert turned.__cuda_array_interface__["strides"] == (4, 24)
    assert turned.__cuda_array_interface__["data"][0] == address_of(x) + 4
    for empty in (x[:0], mx.zeros((0, 3), stream=mx.gpu)):
        assert empty.__cuda_array_interface__["data"][0] == 0
    for name in ("bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
                 "float32", "float64", "complex64"):  # fmt: skip
        typestr = mx.full((3,), 1, getattr(mx, name), stream=mx.gpu).__cuda_array_interface__["typestr"]
        assert np.dtype(typestr) == np.dtype(name.rstrip("_"))
    assert not hasattr(mx.array([1]), "__cuda_array_interface__")
    assert not hasattr(mx.full((2,), 1, stream=mx.cpu), "__cuda_array_interface__")
    assert not hasattr(x.astype(mx.bfloat16), "__cuda_array_interface__")


def test_interface_names_the_stream_to_wait_for():
    ours, theirs, target = mx.new_stream(mx.gpu), Stream(), Memory(4 * N)
    with held_up(handle_of(ours)):
        x = made_on(ours, 3.0)
        entries = x.__cuda_array_interface__
        assert entries["stream"] == handle_of(ours)
        theirs.wait_for(entries["stream"])
        theirs.copy(target.address, entries["data"][0], 4 * N)
        assert not theirs.is_done()
    theirs.synchronize()
    assert (target.read(np.float32) == expected(3.0)).all()


def test_interface_comes_in():
    theirs = Stream()
    there = Produced(expected(7.0), theirs)
    common = {"shape": (N,), "typestr": "<f4", "data": (there.memory.address, False)}
    with held_up(theirs.handle):
        theirs.fill(there.memory.address, 0, 4 * N)
        x = mx.asarray(CudaArray(**common, stream=theirs.handle), copy=False)
        assert address_of(x) == there.memory.address
        y = x + 1
        assert not mx.new_stream(mx.gpu).record(y).wait(0.05)
    assert (np.array(y) == 1).all()
    theirs.copy(there.memory.address, there.source.address, 4 * N)
    theirs.synchronize()
    for more in ({}, {"strides": None}, {"strides": (4,), "stream": None}, {"stream": LEGACY}, {"stream": PER_THREAD}):
        assert (np.array(mx.array(CudaArray(**common, **more))) == expected(7.0)).all()
    half = CudaArray(**{**common, "shape": (N // 2,)}, strides=(8,))
    assert (np.array(mx.asarray(half, copy=False)) == expected(7.0)[::2]).all()
    locked = CudaArray(**{**common, "data": (there.memory.address, True)})
    assert mx.asarray(locked, copy=False).__cuda_array_interface__["data"][1]
    assert mx.array(CudaArray(shape=(0, 3), typestr="<i4", data=(0, False))).shape == (0, 3)
    host = np.zeros(3, np.float32)
    for bad in (
        {**common, "stream": 0},
        {**common, "mask": there},
        {**common, "typestr": "<M8"},
        {**common, "data": (host.ctypes.data, False)},
        {**common, "strides": (4, 4)},
    ):
        with pytest.raises(ValueError, match="__cuda_array_interface__"):
            mx.array(CudaArray(**bad))


# --- many times


def test_both_ways_many_times():
    theirs = Stream()
    target = Memory(4 * N)
    for i in range(100):
        side = mx.new_stream(mx.gpu)
        x = mx.full((N,), float(i), stream=side)
        for _ in range(5):
            x = mx.sin(mx.add(x, 1, stream=side), stream=side)
        x = mx.add(mx.multiply(x, 0, stream=side), float(i), stream=side)
        taken = Consumed(x.__dlpack__(stream=theirs.handle))
        del x
        there = Produced(np.zeros(N), theirs)
        theirs.copy(there.memory.address, taken.address, 4 * N)
        taken.release()
        y = mx.add(mx.from_dlpack(there), 1)
        assert (np.array(y) == i + 1).all()
    del target
