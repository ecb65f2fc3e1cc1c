"""Arrays and streams belong to no thread: what one builds, others evaluate, read and drop, many at once."""

import asyncio
import contextlib
import contextvars
import os
import queue
import random
import threading

import anabranch as mx
import numpy as np
import pytest
from programs import HELD, expect_success


def in_threads(count, work):
    """Calls work(0) ... work(count - 1), each in a thread of its own, all at once; raises what they raise."""
    errors, barrier = [], threading.Barrier(count)

    def run(i):
        try:
            barrier.wait()
            work(i)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(300)
        assert not t.is_alive()
    if errors:
        raise errors[0]


def shared_graph(streams):
    """A lazy graph over the streams whose nodes have many readers, and what NumPy has for each."""
    rng = random.Random(1)
    ours, theirs = [], []
    for _ in range(300):
        s = rng.choice(streams)
        if len(ours) < 4:
            values = np.arange(256, dtype=np.float32).reshape(16, 16) / 256 + len(ours)
            ours.append(mx.multiply(mx.array(values), 1, stream=s))
            theirs.append(values)
            continue
        i, j = rng.randrange(len(ours)), rng.randrange(len(ours))
        kind = rng.randrange(4)
        if kind == 0:
            ours.append(mx.add(ours[i], ours[j].T, stream=s) * 0.5)
            theirs.append((theirs[i] + theirs[j].T) * np.float32(0.5))
        elif kind == 1:
            ours.append(mx.maximum(ours[i][::-1], ours[j], stream=s))
            theirs.append(np.maximum(theirs[i][::-1], theirs[j]))
        elif kind == 2:
            ours.append(mx.take(ours[i], mx.array([3, 1] * 8), 0, stream=s))
            theirs.append(theirs[i][[3, 1] * 8])
        else:
            ours.append(mx.sort(ours[i], 1, stream=s) - ours[j])
            theirs.append(np.sort(theirs[i], 1) - theirs[j])
    return ours, theirs


@pytest.mark.parametrize("round", range(4))
def test_64_threads_over_one_lazy_graph(round):
    ours, theirs = shared_graph([mx.new_stream() for _ in range(5)])

    def work(i):
        rng = random.Random(64 * round + i)
        for k in rng.sample(range(len(ours)), 40):
            if rng.random() < 0.3:
                mx.async_eval(ours[k], ours[rng.randrange(len(ours))])
            elif rng.random() < 0.3:
                mx.eval(ours[k : k + 5])
            np.testing.assert_array_equal(np.array(ours[k]), theirs[k])

    in_threads(64, work)


def test_built_evaluated_read_and_dropped_in_four_threads():
    stages = [queue.Queue(), queue.Queue(), queue.Queue()]
    end = object()
    count, read = 400, []

    def build():
        for k in range(count):
            with mx.new_stream() if k % 3 else contextlib.nullcontext():
                stages[0].put(mx.full((50,), k) * 2 + 1)
        stages[0].put(end)

    def evaluate():
        while (x := stages[0].get()) is not end:
            if x.size % 2:
                mx.eval(x)
            else:
                mx.async_eval(x)
            stages[1].put(x)
            del x
        stages[1].put(end)

    def look():
        while (x := stages[1].get()) is not end:
            read.append(x[7].item())
            stages[2].put((x, memoryview(x)))
            del x
        stages[2].put(end)

    def drop():
        while (x := stages[2].get()) is not end:
            del x

    in_threads(4, lambda i: [build, evaluate, look, drop][i]())
    assert read == [2 * k + 1 for k in range(count)]


def test_streams_of_any_thread():
    """Of threads that are at work, and of threads that are gone; also their default streams."""
    streams = []

    def work(i):
        s = mx.new_stream()
        local = mx.new_thread_local_stream(mx.cpu)
        mx.eval(mx.add(1, 2, stream=local))
        streams.extend([s, mx.default_stream(s.device)])
        for _ in range(50):
            for other in streams[-8:]:
                x = mx.add(mx.ones((4,), stream=other), 1, stream=random.choice(streams))
                assert x.tolist() == [2] * 4

    in_threads(8, work)
    assert len({s.index for s in streams}) == 16
    for s in streams:
        with s:
            assert (mx.ones((4,)) + 1).tolist() == [2] * 4
            assert mx.default_stream(s.device) == s
        assert s.record().wait()


def test_many_threads_do_everything_at_once():
    shared = [mx.new_stream() for _ in range(3)]
    base = mx.arange(1000, dtype=mx.float32) + 0
    want = np.arange(1000, dtype=np.float32)

    def work(i):
        rng = random.Random(i)
        for _ in range(60):
            with rng.choice([*shared, mx.new_stream(), mx.stream(shared[0])]):
                x = base * 2 + i
                kind = rng.randrange(8)
                if kind == 0:
                    mx.async_eval(x)
                elif kind == 1:
                    with contextlib.suppress(RuntimeError):  # another thread's failure, which that has not read yet
                        mx.synchronize()
                elif kind == 2:
                    shared[1].wait(shared[2].record(x))
                elif kind == 3:
                    mx.clear_cache()
                elif kind == 4:
                    with pytest.raises(RuntimeError, match="singular"):
                        mx.eval(mx.linalg.inv(mx.zeros((2, 2))))
                elif kind == 5:
                    x = mx.add(x, 0, stream=rng.choice(shared))
                elif kind == 6:
                    mx.get_active_memory(), mx.default_stream(mx.cpu).query()
                np.testing.assert_array_equal(np.array(x), want * 2 + i)

    in_threads(16, work)


def test_others_go_on_while_one_waits():
    """Also those that evaluate: neither Python's lock nor one of ours is held by who waits."""
    evaluated, waiting, done = [], threading.Event(), threading.Event()

    def work():
        s, k = mx.new_stream(), 0
        while not done.is_set():
            x = mx.add(mx.ones((8,)), k, stream=s)
            assert x.tolist() == [1 + k] * 8
            if waiting.is_set():
                evaluated.append(k)
            k += 1

    thread = threading.Thread(target=work)
    thread.start()
    x = mx.random.normal((700, 700)) * 0.01
    for _ in range(60):
        x = x @ x
    waiting.set()
    mx.eval(x)
    during = len(evaluated)
    done.set()
    thread.join()
    assert during > 0


def test_finalizers_may_use_arrays():
    """What owns foreign memory is dropped wherever its array is; its finalizer is the user's code, under no lock."""
    ran = []

    class Owner(np.ndarray):
        def __del__(self):
            if self.base is None:
                x = mx.arange(10).sum()
                mx.async_eval(x)
                mx.clear_cache()
                ran.append(x.item() + mx.new_stream().record().wait())

    def work(i):
        s = mx.new_stream()
        for _ in range(20):
            x = mx.asarray(np.ones(5000, np.float32).view(Owner).copy())
            y = mx.sin(mx.add(x, 1, stream=s), stream=s)
            del x
            mx.async_eval(y)
            if i % 2:
                mx.eval(y)

    in_threads(6, work)
    mx.synchronize()
    mx.eval(mx.ones((2,)) + 1)
    assert ran and set(ran) == {46}


def test_10000_short_lived_threads_leave_nothing():
    code = (
        HELD
        + """
import os, threading
def work():
    x = mx.random.normal((4,)) + mx.ones((4,), stream=mx.new_thread_local_stream(mx.cpu))
    with mx.new_stream():
        y = mx.exp(x)
    mx.eval(x, y)
def run(times):
    for _ in range(times // 50):
        threads = [threading.Thread(target=work) for _ in range(50)]
        for t in threads: t.start()
        for t in threads: t.join()
run(2000)
before = held()
run(10_000)
print(held() - before, len(os.listdir("/proc/self/task")), mx.get_active_memory())
"""
    )
    grown, tasks, active = map(int, expect_success(code).split())
    assert grown < 4 << 20
    assert tasks < 10 + len(os.sched_getaffinity(0))  # the pool's workers, a device's threads
    assert active < 1000


class TestScopesInAsyncio:
    """Scopes stay with their task across every way of giving up control."""

    @staticmethod
    def current():
        return mx.default_stream(mx.default_device())

    @pytest.mark.parametrize("seed", range(5))
    def test_random_tasks(self, seed):
        rng = random.Random(seed)
        streams = [mx.new_stream() for _ in range(4)]

        async def nest(depth, expected):
            for _ in range(rng.randrange(1, 4)):
                s = rng.choice(streams)
                with rng.choice([s, mx.stream(s)]):
                    for _ in range(rng.randrange(3)):
                        await asyncio.sleep(0)
                    assert self.current() == s
                    x = mx.ones((3,)) + depth
                    if depth < 3:
                        kind = rng.randrange(4)
                        if kind == 0:
                            await nest(depth + 1, s)
                        elif kind == 1:
                            await asyncio.gather(nest(depth + 1, s), nest(depth + 1, s))
                        elif kind == 2:
                            with contextlib.suppress(asyncio.TimeoutError):
                                await asyncio.wait_for(nest(depth + 1, s), rng.choice([0, 0.001, 10]))
                        else:
                            with contextlib.suppress(ZeroDivisionError):
                                await self.fails(rng.choice(streams))
                    assert self.current() == s
                    await mx.async_eval(x)
                    assert x.tolist() == [1 + depth] * 3 and self.current() == s
                assert self.current() == expected

        async def main():
            outside = self.current()
            await asyncio.gather(*(nest(0, outside) for _ in range(10)))
            assert self.current() == outside

        asyncio.run(main())

    @staticmethod
    async def fails(s):
        with s:
            await asyncio.sleep(0)
            return 1 // 0

    def test_async_generators_and_context_managers(self):
        s, t = mx.new_stream(), mx.new_stream()

        @contextlib.asynccontextmanager
        async def entered():
            with s:
                await asyncio.sleep(0)
                yield self.current()

        async def main():
            outside = self.current()
            async with entered() as inside:
                assert inside == self.current() == s
                with t:
                    await s.record()
                    assert self.current() == t
                assert self.current() == s
            assert self.current() == outside

        asyncio.run(main())

    def test_cancelled_tasks(self):
        s = mx.new_stream()
        seen = []

        async def task(begun):
            try:
                with s:
                    begun.set()
                    await asyncio.sleep(60)
            finally:
                seen.append(self.current())

        async def main():
            outside, begun = self.current(), asyncio.Event()
            t = asyncio.create_task(task(begun))
            await begun.wait()
            t.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await t
            assert self.current() == outside and seen == [outside]

        asyncio.run(main())

    def test_threads_get_a_scope_only_with_a_context(self):
        s = mx.new_stream()

        async def main():
            loop = asyncio.get_running_loop()
            with s:
                assert await loop.run_in_executor(None, self.current) != s
                assert await asyncio.to_thread(self.current) == s
                assert await loop.run_in_executor(None, contextvars.copy_context().run, self.current) == s
            assert await loop.run_in_executor(None, self.current) != s

        asyncio.run(main())

    def test_loops_in_many_threads(self):
        s, t = mx.new_stream(), mx.new_stream()

        async def task(stream):
            for _ in range(20):
                with stream:
                    x = mx.ones((4,)) + 1
                    await mx.async_eval(x)
                    await stream.record()
                    assert self.current() == stream and x.tolist() == [2] * 4

        async def main():
            await asyncio.gather(*map(task, (s, t, s, t)))

        in_threads(8, lambda i: asyncio.run(main()))
