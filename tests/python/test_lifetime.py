"""Streams, events and arrays outlive each other in any order, and leave nothing; a loop holds what a step holds."""

import gc
import itertools
import os
import random

import anabranch as mx
import numpy as np
import pytest
from programs import HELD, expect_success


def kinds():
    """Things that know of each other: made anew, each usable whatever else is gone."""
    s = mx.new_stream()
    x = mx.add(mx.arange(1000), 1, stream=s)
    y = mx.sin(mx.multiply(x, 2.0, stream=s), stream=mx.new_stream())
    mx.async_eval(y)
    return {
        "stream": (s, lambda s: s.synchronize() is None and s.query() and mx.add(1, 2, stream=s).item() == 3),
        "scope": (mx.stream(s), lambda c: uses(c)),
        "event": (s.record(y), lambda e: e.wait() and e.query() and e.stream.query()),
        "array": (x, lambda x: x[999].item() == 1000),
        "dependent": (y, lambda y: abs(y[1].item() - np.sin(4.0)) < 1e-6),
        "view": (x.reshape(10, 100).T, lambda v: v[99, 9].item() == 1000),
        "buffer": (memoryview(x), lambda m: m[999] == 1000),
        "numpy": (np.asarray(x), lambda a: a[999] == 1000 and a.sum() == 500500),
        "lazy": (mx.add(x, y, stream=s), lambda x: x.sum().shape == ()),
        "evaluation": (mx.async_eval(x), lambda e: e._check() is None),
    }


def uses(scope):
    with scope:
        return (mx.ones((3,)) + 1).tolist() == [2, 2, 2]


@pytest.mark.parametrize("seed", range(40))
def test_any_order(seed):
    rng = random.Random(seed)
    things = kinds()
    names = list(things)
    rng.shuffle(names)
    while names:
        name = names.pop()
        if rng.random() < 0.6:
            thing, works = things[name]
            assert works(thing), name
            del thing, works
        del things[name]
        if rng.random() < 0.3:
            gc.collect()
            mx.clear_cache()


@pytest.mark.parametrize("kept", list(kinds()))
def test_each_alone(kept):
    """All others of its kind are gone, also those that it was made from."""
    thing, works = kinds().pop(kept)
    gc.collect()
    mx.clear_cache()
    junk = [mx.full((1000,), i) + 1 for i in range(20)]  # would take memory that was freed too early
    mx.eval(junk)
    assert works(thing)


def test_work_whose_stream_event_and_result_are_gone():
    before = mx.get_active_memory()
    for _ in range(100):
        s = mx.new_stream()
        mx.async_eval(mx.add(mx.random.normal((50, 50)), 1, stream=s) @ mx.ones((50, 50), stream=s))
        s.record()
        del s
    mx.synchronize()
    gc.collect()
    assert mx.get_active_memory() <= before


STREAMS = {
    "one after another": """
def use(times):
    for i in range(times):
        s = mx.new_stream()
        with s:
            x = mx.ones((4,)) + 1
        e = s.record(x)
        mx.async_eval(x)
        mx.new_stream().wait(e)
        if i % 100 == 99:
            mx.synchronize()  # a bound on how much is in flight, and so on the memory kept for it
""",
    "all at once": """
def use(times):
    streams = [mx.new_stream() for _ in range(times)]
    arrays = [mx.add(mx.ones((4,), stream=s), 1, stream=streams[i - 1]) for i, s in enumerate(streams)]
    mx.async_eval(arrays)
    events = [s.record() for s in streams]
    del streams
    mx.eval(arrays)
    assert all(e.wait() for e in events)
""",
    "never used": """
def use(times):
    for _ in range(times):
        mx.new_stream(), mx.new_thread_local_stream(mx.cpu)
""",
    "thread local ones": """
def use(times):
    for _ in range(times // 100):
        for _ in range(100):
            mx.eval(mx.add(1, 2, stream=mx.new_thread_local_stream(mx.cpu)))
        mx.clear_streams()
""",
}


@pytest.mark.parametrize("how", STREAMS)
def test_10000_streams_leave_nothing(how):
    code = (
        HELD
        + STREAMS[how]
        + """
import gc, os
for _ in range(3):
    use(10_000)
gc.collect()
before = held()
for _ in range(10):
    use(10_000)
gc.collect()
print(held() - before, len(os.listdir("/proc/self/task")), mx.get_active_memory())
"""
    )
    grown, tasks, active = map(int, expect_success(code).split())
    assert grown < 2 << 20  # less than any object for each stream
    assert tasks < 10 + len(os.sched_getaffinity(0))  # the pool's workers, a device's threads
    assert active < 1000


# One step of a loop over x, of (256, 256); what it holds besides x are its own intermediate results.
STEPS = {
    "fused": lambda x, s, t: x * 0.9 + 1,
    "product": lambda x, s, t: mx.tanh(x @ x * 0.01),
    "transposed": lambda x, s, t: x.T * 0.9 + 1,
    "slices": lambda x, s, t: mx.concatenate([x[1:] * 0.5, x[:1]]),
    "two streams": lambda x, s, t: mx.add(mx.multiply(x, 0.9, stream=s), 1, stream=t),
    "softmax": lambda x, s, t: mx.softmax(x * 2, axis=-1),
    "reduction": lambda x, s, t: x - x.mean(axis=0),
    "dtypes": lambda x, s, t: (x.astype(mx.float16) + 1).astype(mx.float32) * 0.5,
    "update": lambda x, s, t: x.at[0].add(1),
    "sort": lambda x, s, t: mx.sort(x, axis=-1) * 0.9,
}


def peak(step, times, how):
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    x = mx.ones((256, 256)) * 1
    mx.eval(x)
    mx.synchronize()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    for _ in range(times):
        x = step(x, s, t)
        if how == "eval":
            mx.eval(x)
        elif how == "async_eval":
            mx.async_eval(x)
    mx.eval(x)
    mx.synchronize()
    return max(mx.get_peak_memory(), before) - before


@pytest.mark.parametrize("how", ["eval", "async_eval", "at once"])
@pytest.mark.parametrize("name", STEPS)
def test_a_long_loop_holds_what_one_step_holds(name, how):
    gc.collect()
    mx.synchronize()
    with mx.default_device(mx.cpu):
        assert peak(STEPS[name], 1000, how) <= max(peak(STEPS[name], n, how) for n in (1, 2))


def test_long_chains_take_no_stack_and_leave_no_memory():
    for how in ("evaluated", "dropped"):
        x = mx.zeros((2,))
        before = mx.get_active_memory()
        for _ in range(300_000):
            x = x + 1
        if how == "evaluated":
            assert x.tolist() == [300_000] * 2
        del x
        assert mx.get_active_memory() <= before + 1000


def test_slices_of_a_big_array_share_it():
    big = mx.random.normal((1 << 20,))
    mx.eval(big)
    before = mx.get_active_memory()
    parts = [big[i :: 1 << 10] for i in range(1 << 10)]
    mx.eval(parts)
    assert mx.get_active_memory() == before
    del big
    assert sum(p.size for p in parts) == 1 << 20
    assert all(a.size == 1024 for a in itertools.islice(parts, 3))
