"""Scopes hold for a thread or a task, nest, and restore exactly what was there."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import anabranch as mx
import pytest


def here():
    return mx.default_device(), mx.default_stream(mx.cpu)


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    before = here()
    yield
    assert here() == before


@pytest.fixture
def s():
    return mx.new_stream(mx.cpu)


@pytest.fixture
def t():
    return mx.new_stream(mx.cpu)


def current():
    return mx.default_stream(mx.cpu)


def test_the_three_kinds(s):
    outside = here()
    with s as entered:
        assert entered is s and here() == (mx.Device(mx.cpu), s)
    assert here() == outside
    with mx.stream(s):
        assert here() == (mx.Device(mx.cpu), s)
    assert here() == outside
    with mx.default_device(mx.cpu):
        assert here() == (mx.Device(mx.cpu), outside[1])
    assert here() == outside


def test_operations_run_in_the_scope(s):
    def submissions():
        """How many there were since the last call."""
        nonlocal last
        before, last = last, int(repr(s.record()).rsplit(", ", 1)[1].rstrip(")"))
        return last - before - 1  # the record is one

    last = 0
    submissions()
    mx.eval(mx.ones((2,)) + 1)
    assert submissions() == 0
    with s:
        x = mx.ones((2,)) + 1
        y = mx.ones((2,))
    mx.eval(x)
    assert submissions() > 0
    mx.eval(y, mx.ones((2,)) + 1)
    assert submissions() > 0


def test_nesting(s, t):
    outside = current()
    with s:
        with t:
            assert current() == t
            with s:
                assert current() == s
            assert current() == t
        assert current() == s
        with mx.default_device(mx.cpu):  # names no stream: s stays the stream of its device
            assert current() == s
    assert current() == outside


@pytest.mark.parametrize("make", [lambda s: s, mx.stream], ids=["Stream", "StreamContext"])
def test_one_object_entered_again_and_while_entered(make, s, t):
    outside, scope = current(), make(s)
    for _ in range(2):
        with scope:
            with t:
                with scope:
                    assert current() == s
                assert current() == t
            assert current() == s
        assert current() == outside


def test_exceptions_pass_and_restore(s, t):
    outside = here()
    with pytest.raises(ZeroDivisionError):
        with s, mx.default_device(mx.cpu), t:
            raise ZeroDivisionError
    assert here() == outside


def test_set_default_stream_changes_the_innermost_level(s, t):
    outside = current()
    with s:
        with mx.default_device(mx.cpu):
            mx.set_default_stream(t)
            assert current() == t
            with mx.default_device(mx.cpu):
                assert current() == t
        assert current() == s
        mx.set_default_stream(t)
        assert current() == t
    assert current() == outside


def test_set_default_device_changes_the_innermost_level(s):
    seen = []
    with s:
        mx.set_default_device(mx.cpu)
        assert mx.default_device() == mx.cpu and current() == s
        thread = threading.Thread(target=lambda: seen.append(mx.default_device()))
        thread.start()
        thread.join()
    assert seen == [mx.default_device()]


def test_default_device_is_the_process_s_outside_of_scopes():
    before, seen = mx.default_device(), []
    mx.set_default_device(mx.cpu)
    try:
        thread = threading.Thread(target=lambda: seen.append(mx.default_device()))
        thread.start()
        thread.join()
        assert seen == [mx.cpu]
    finally:
        mx.set_default_device(before)


def test_bad_scopes():
    for bad in (3, "cpu", None):
        with pytest.raises(TypeError):
            mx.stream(bad)
        with pytest.raises(TypeError):
            mx.StreamContext(bad)


def test_a_scope_stays_in_its_thread(s):
    outside = []

    def run():
        outside.append(current())

    with s:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert outside[0] != s


def test_many_threads_in_one_stream(s):
    scope, barrier = mx.stream(s), threading.Barrier(8)

    def run(i):
        own = current()
        barrier.wait()
        for k in range(200):
            with s if (i + k) % 2 else scope:
                assert current() == s
                with mx.new_stream(mx.cpu) as inner:
                    assert current() == inner
                assert current() == s
            assert current() == own
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(8)))


def test_tasks(s, t):
    async def run(stream, other):
        outside = current()
        for _ in range(5):
            with stream:
                await asyncio.sleep(0)
                assert current() == stream
                with other:
                    await asyncio.sleep(0)
                    assert current() == other
                assert current() == stream
            await asyncio.sleep(0)
            assert current() == outside

    async def main():
        with t:
            await asyncio.gather(*(run(*pair) for pair in [(s, t), (t, s), (s, s), (s, t)]))
            assert current() == t

    asyncio.run(main())


def test_a_task_inherits_the_scope_and_keeps_its_own(s, t):
    async def child(started):
        assert current() == s
        with t:
            started.set()
            await asyncio.sleep(0)
            return current()

    async def main():
        started = asyncio.Event()
        with s:
            task = asyncio.create_task(child(started))
        await started.wait()
        assert current() not in (s, t)
        assert await task == t

    asyncio.run(main())


def test_a_thread_started_with_the_context_has_the_scope(s):
    async def main():
        with s:
            assert await asyncio.to_thread(current) == s

    asyncio.run(main())


def scoped(stream):
    with stream:
        yield current()
        yield current()


def test_a_generator_left_out_of_order(s, t):
    outside, generator = current(), scoped(s)
    assert next(generator) == s
    with t:
        generator.close()  # leaves its own level, which is not the innermost
        assert current() == t
    assert current() == outside


def test_a_generator_that_outlives_the_scope_it_began_in(s, t):
    outside, generator = current(), scoped(s)
    with t:
        assert next(generator) == s
    assert current() == s  # t's level has gone from below; that of the generator stays
    generator.close()
    assert current() == outside


def test_levels_above_stay_and_find_what_is_below(s, t):
    outside = current()
    a, b = mx.stream(s), mx.stream(t)
    a.__enter__()
    device = mx.default_device(mx.cpu)
    device.__enter__()
    b.__enter__()
    a.__exit__(None, None, None)
    assert current() == t
    b.__exit__(None, None, None)
    assert current() == outside  # the device's level looked through to s, which has gone
    device.__exit__(None, None, None)


def test_leaving_twice_or_elsewhere_does_nothing(s, t):
    generator = scoped(s)
    context = contextvars.copy_context()
    assert context.run(next, generator) == s
    with t:
        generator.close()  # its level is in another context
        assert current() == t
        s.__exit__(None, None, None)
        assert current() == t
    assert context.run(current) == s


def test_new_streams_are_on_the_scope_s_device():
    with mx.default_device(mx.cpu):
        assert mx.new_stream().device == mx.cpu
        assert mx.device_info() == mx.device_info(mx.cpu)
