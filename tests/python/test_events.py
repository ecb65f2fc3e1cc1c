"""Events: record, query, wait, elapsed, await; waits release the GIL."""

import asyncio
import gc
import threading
import time

import anabranch as mx
import pytest


def slow(stream=None, n=600, times=12):
    """A chain of products that takes a good while."""
    x = mx.random.normal((n, n), stream=stream) * 0.01
    for _ in range(times):
        x = mx.matmul(x, x, stream=stream)
    return x


def test_an_idle_stream():
    s = mx.new_stream(mx.cpu)
    assert s.query()
    e = s.record()
    assert e.wait() and e.query() and s.query()
    assert e.stream == s and repr(e).startswith(f"Event({s!r}, ")
    s.synchronize()


def test_record_submits_the_arrays_first():
    s = mx.new_stream(mx.cpu)
    x = mx.ones((3,), stream=s) + 1
    with s:
        y = x * 2
    e = s.record(x, y)
    assert e.wait()
    assert mx.default_stream(mx.cpu) != s and y.tolist() == [4, 4, 4]
    with pytest.raises(TypeError, match="arrays"):
        s.record(3)


def test_record_covers_arrays_of_other_streams():
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    x = slow(t)
    e = s.record(x)
    assert e.wait()
    assert t.query()


def test_events_are_values():
    s = mx.new_stream(mx.cpu)
    mx.eval(mx.add(1, 2, stream=s))
    e, f = s.record(), mx.new_stream(mx.cpu).record()
    assert e == e and hash(e) == hash(e) and e != f and e != 3


def test_wait_with_a_timeout():
    s = mx.new_stream(mx.cpu)
    e = s.record(slow(s))
    assert not e.wait(timeout=0) or e.query()
    assert e.wait(timeout=60) and e.wait(0)


def test_elapsed_is_in_seconds():
    s = mx.new_stream(mx.cpu)
    begin = s.record()
    begin.wait()
    time.sleep(0.02)
    end = s.record(slow(s, times=2))
    end.wait()
    assert 0.02 <= begin.elapsed(end) < 60
    assert begin.elapsed(begin) == 0


def test_a_stream_waits_for_an_event():
    s, t = mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)
    e = s.record(slow(s))
    t.wait(e)
    mx.eval(mx.add(1, 2, stream=t))
    assert e.query()


def test_an_event_keeps_its_stream():
    e = mx.new_stream(mx.cpu).record()
    gc.collect()
    assert e.wait()


def test_waits_release_the_gil():
    s, ticks, done = mx.new_stream(mx.cpu), [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    for wait in (lambda x: s.record(x).wait(), mx.eval, lambda x: (mx.async_eval(x), mx.synchronize())):
        x = slow(s)
        before = len(ticks)
        wait(x)
        assert len(ticks) > before
    done.set()
    thread.join()


def test_await():
    s = mx.new_stream(mx.cpu)

    async def main():
        e = s.record(slow(s))
        assert await e is None
        assert e.query()
        await e
        x = slow(s)
        await mx.async_eval([x, {"y": x + 1}], 3, None)
        assert s.query()

    asyncio.run(main())
    asyncio.run(main())  # in another loop


def test_many_awaits_take_no_threads():
    async def main():
        streams = [mx.new_stream(mx.cpu) for _ in range(50)]
        before = threading.active_count()
        await asyncio.gather(*(mx.async_eval(slow(s, n=100)) for s in streams), *(s.record() for s in streams))
        assert threading.active_count() == before
        assert all(s.query() for s in streams)

    asyncio.run(main())


def test_the_loop_runs_on_while_one_awaits():
    async def main():
        s, ticks = mx.new_stream(mx.cpu), 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        task = asyncio.create_task(tick())
        await s.record(slow(s, times=30))
        task.cancel()
        assert ticks > 0

    asyncio.run(main())


def test_a_cancelled_await():
    async def main():
        s = mx.new_stream(mx.cpu)
        e = s.record(slow(s, n=1000, times=30))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(happened(e)), 0.02)
        await e
        assert e.query()

    async def happened(e):
        await e

    asyncio.run(main())


def test_a_loop_closed_while_waiting():
    s = mx.new_stream(mx.cpu)

    async def main():
        e = s.record(slow(s, n=1000, times=20))
        task = asyncio.create_task(happened(e))
        await asyncio.sleep(0)
        task.cancel()

    async def happened(e):
        await e

    asyncio.run(main())
    gc.collect()
    s.synchronize()


def test_async_eval_reports_failures_when_awaited():
    singular = mx.zeros((3, 3))

    async def main():
        pending = mx.async_eval(mx.linalg.inv(singular))
        with pytest.raises(RuntimeError, match="inv"):
            await pending

    asyncio.run(main())


def test_async_eval_whose_result_nobody_takes():
    x = mx.ones((4,)) + 1
    mx.async_eval(x)
    mx.async_eval()
    assert x.tolist() == [2, 2, 2, 2]


def test_eval_of_trees():
    x, y, z = (mx.ones((2,)) + i for i in range(3))
    mx.eval([x, (y, {"z": [z, None, 3]})], "text", object())
    mx.eval()
    loop = []
    loop.append(loop)
    with pytest.raises(RecursionError):
        mx.eval(loop)
