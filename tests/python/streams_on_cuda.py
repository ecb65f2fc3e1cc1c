"""Streams shared with other CUDA libraries, and what is shared as the process ends or forks. test_interop_on_cuda.py
runs this on the emulated CUDA."""

import gc
import subprocess
import sys
from pathlib import Path

import anabranch as mx
import numpy as np
import pytest
from emulated_cuda import (
    LEGACY,
    PER_THREAD,
    Memory,
    N,
    Produced,
    Stream,
    address_of,
    expected,
    handle_of,
    held_up,
    made_on,
    wait_until,
)  # fmt: skip


def test_cuda_stream():
    ours = mx.new_stream(mx.gpu)
    assert ours.__cuda_stream__() == ours.__cuda_stream__()
    assert handle_of(mx.new_stream(mx.gpu)) != handle_of(ours)
    with pytest.raises(TypeError, match="Device\\(cpu, 0\\)"):
        mx.default_stream(mx.cpu).__cuda_stream__()


@pytest.mark.parametrize("as_object", [False, True])
def test_external_stream_is_in_order_with_foreign_work(as_object):
    theirs = Stream()
    ours = mx.external_stream(theirs if as_object else theirs.handle)
    assert ours.device == mx.gpu and handle_of(ours) == theirs.handle
    there = Produced(expected(), None)
    target = Memory(4 * N)
    with held_up(theirs.handle):
        theirs.fill(there.memory.address, 0, 4 * N)  # before our work
        with mx.stream(ours):
            x = mx.from_dlpack(there)
            assert there.asked == [theirs.handle]
            y = x + 5
            mx.async_eval(y)
        theirs.copy(target.address, address_of(y), 4 * N)  # after it
        theirs.fill(there.memory.address, 0xFF, 4 * N)
        assert not theirs.is_done()
    theirs.synchronize()
    assert (target.read(np.float32) == 5).all() and (np.array(y) == 5).all()


def test_foreign_work_comes_after_what_an_external_stream_waits_for():
    ours, theirs, target = mx.new_stream(mx.gpu), Stream(), Memory(4 * N)
    external = mx.external_stream(theirs)
    with held_up(handle_of(ours)):
        x = made_on(ours, 2.0)
        event = ours.record(x)
        external.wait(event)
        theirs.copy(target.address, address_of(x), 4 * N)
        assert not theirs.is_done()
        assert not external.record().query()
    theirs.synchronize()
    assert (target.read(np.float32) == expected(2.0)).all()
    # And our streams after foreign work.
    with held_up(theirs.handle):
        theirs.fill(target.address, 0, 4 * N)
        other = mx.new_stream(mx.gpu)
        other.wait(external.record())
        y = mx.full((N,), 1.0, stream=other) + 1
        assert not other.record(y).wait(0.05)
    assert y[0].item() == 2


def test_default_streams_as_external_ones():
    for handle in (0, LEGACY):
        ours = mx.external_stream(handle)
        assert ours.__cuda_stream__() == (0, LEGACY) and ours.device == mx.gpu
        assert (np.array(mx.full((N,), 2.0, stream=ours) + 1) == 3).all()
    assert mx.external_stream(LEGACY, mx.Device(mx.gpu, 1)).device == mx.Device(mx.gpu, 1)
    on_second = Stream(device=1)
    assert mx.external_stream(on_second).device == mx.Device(mx.gpu, 1)
    for bad, why in (
        ((PER_THREAD,), "per-thread"),
        ((on_second, mx.gpu), "GPU 1"),
        ((LEGACY, mx.cpu), "cpu"),
        ((LEGACY, mx.Device(mx.gpu, 5)), "gpu, 5"),
        ((-3,), "-3"),
    ):
        with pytest.raises(ValueError, match=why):
            mx.external_stream(*bad)
    for bad in ("1", None, 1.5, True, type("Odd", (), {"__cuda_stream__": lambda self: 5})()):
        with pytest.raises(TypeError, match="external_stream"):
            mx.external_stream(bad)


def test_an_external_stream_keeps_its_object_and_leaves_the_stream():
    theirs = Stream()
    dropped = []
    held = type("Held", (Stream,), {"__init__": lambda self: None, "__del__": lambda self: dropped.append(1)})()
    held.handle = theirs.handle
    ours = mx.external_stream(held)
    del held
    gc.collect()
    x = mx.full((N,), 2.0, stream=ours) + 1
    mx.eval(x)
    assert not dropped
    del ours, x
    gc.collect()
    wait_until(lambda: mx.eval(mx.add(1, 1, stream=mx.cpu)) is None and dropped)
    target = Memory(4 * N)
    theirs.fill(target.address, 0, 4 * N)
    theirs.synchronize()


# --- the life of the process


PROGRAM = """
import atexit, os, sys
import anabranch as mx
import numpy as np
from emulated_cuda import Consumed, Produced, Stream

theirs = Stream()
x = mx.add(mx.full((1000,), 2.0, stream=mx.gpu), 1, stream=mx.gpu)
ours = mx.external_stream(theirs)
there = Produced(np.ones(1000), theirs)
y = mx.add(mx.from_dlpack(there), 1, stream=ours)
taken, unused = Consumed(x.__dlpack__(stream=theirs.handle)), x.__dlpack__()
host = np.asarray(y)
"""


@pytest.mark.parametrize(
    "end",
    [
        "",
        "atexit.register(taken.release)",
        "mx.async_eval(mx.exp(y)); del x; taken.release()",
        """
child = os.fork()
if child == 0:
    del x
    taken.release()
    del unused
    for refused in (lambda: y.__dlpack__(), lambda: mx.external_stream(theirs)):
        try:
            refused()
            os._exit(2)
        except Exception as e:
            if "fork" not in str(e):
                os._exit(3)
    assert host[0] == 2
    mx.eval(mx.add(1, 1, stream=mx.cpu))
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0, "the child failed"
assert np.asarray(mx.add(y, 1))[0] == 3
""",
    ],
)
def test_ends_and_forks(end):
    done = subprocess.run([sys.executable, "-c", PROGRAM + end], capture_output=True, text=True, timeout=120,
                          cwd=Path(__file__).parent)  # fmt: skip
    assert done.returncode == 0, done.stderr
