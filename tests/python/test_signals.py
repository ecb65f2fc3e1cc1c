"""Ctrl-C ends a wait while the work goes on, and leaves everything usable. How soon: benchmarks/runtime/promises.py."""

import os
import signal
import threading
import time

import anabranch as mx
import numpy as np
import pytest


@pytest.fixture
def interrupt():
    """interrupt(wait) calls wait() and has SIGINT arrive while it lasts, which must end it."""
    # A shell that starts this in the background has it ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(wait, after=0.1):
        timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            try:
                wait()
            except Exception:  # or the next test would be interrupted
                timer.cancel()
                raise
            timer.join()
            time.sleep(1)  # the signal is on its way

    yield interrupt
    signal.signal(signal.SIGINT, before)


def products(stream, n=1200, times=25):
    x = mx.random.normal((n, n), stream=stream) * 0.01
    for _ in range(times):
        x = mx.matmul(x, x, stream=stream)
    return x


WORK = {
    "products": products,
    "one inverse": lambda s: mx.linalg.inv(mx.random.normal((3000, 3000), stream=s), stream=s).sum(stream=s),
    "one fused step": lambda s: mx.sin(mx.exp(mx.sin(mx.ones((1 << 26,), stream=s), stream=s), stream=s), stream=s),
    "one sort": lambda s: mx.sort(mx.random.normal((1 << 24,), stream=s), stream=s),
}
WAITS = {
    "eval": lambda x, s: mx.eval(x),
    "tolist": lambda x, s: x.reshape(-1)[:1].tolist(),
    "np.asarray": lambda x, s: np.asarray(x),
    "event": lambda x, s: s.record(x).wait(),
    "event with a timeout": lambda x, s: s.record(x).wait(timeout=1000),
    "stream": lambda x, s: (mx.async_eval(x), s.synchronize()),
    "synchronize": lambda x, s: (mx.async_eval(x), mx.synchronize()),
}


@pytest.mark.parametrize(
    ("work", "wait"), [("products", w) for w in WAITS] + [(w, "eval") for w in WORK if w != "products"]
)
def test_ctrl_c(interrupt, work, wait):
    s = mx.new_stream()
    x = WORK[work](s)
    interrupt(lambda: WAITS[wait](x, s))
    # Other streams, and the one that is at work, go on.
    assert (mx.ones((3,), stream=mx.new_stream()) + 1).tolist() == [2, 2, 2]
    y = mx.add(mx.ones((3,)), 1, stream=s)
    assert y.tolist() == [2, 2, 2]
    mx.eval(x)
    s.synchronize()
    assert s.query()


@pytest.mark.parametrize("submit", [lambda x, s: mx.async_eval(x), lambda x, s: s.record(x)], ids=["eval", "record"])
def test_where_a_stream_is_far_behind(interrupt, submit):
    """Who queues more waits then."""
    s = mx.new_stream()
    first = products(s, times=80)
    mx.async_eval(first)

    def queue():
        while not s.query():
            submit(mx.add(1, 2, stream=s), s)

    interrupt(queue, after=1)
    s.synchronize()
    assert mx.add(1, 2, stream=s).item() == 3


def test_an_interrupt_comes_once(interrupt):
    """NumPy forgets what ends its wait for a buffer, and is reminded; who is told at once is not told again."""
    s = mx.new_stream()
    x = products(s)
    for _ in range(2):
        interrupt(lambda: memoryview(x), after=0.02)
        interrupt(lambda: np.asarray(x), after=0.02)
    assert np.asarray(x).shape == x.__array__().shape == memoryview(x).shape == (1200, 1200)


def test_again_and_again(interrupt):
    s = mx.new_stream()
    x = products(s, times=100)
    for _ in range(5):
        interrupt(lambda: mx.eval(x), after=0.02)
    assert x.shape == (1200, 1200)


def test_handlers_that_raise_nothing_end_no_wait():
    s, seen = mx.new_stream(), []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append((mx.ones((2,)) + 1).tolist()))
    try:
        x = products(s, 600)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        mx.eval(x)
        timer.join()
        time.sleep(0)
        assert seen == [[2, 2]] and s.query()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_handler_that_waits_for_the_same(interrupt):
    """It runs in the middle of the wait, and evaluates what is waited for."""
    s, seen = mx.new_stream(), []
    x = products(s, 700)
    y = x.sum()
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(y.item()))
    try:
        timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        mx.eval(x)
        timer.join()
        time.sleep(0)
        assert seen == [y.item()] or np.isnan(y.item())
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_other_threads_wait_on(interrupt):
    """The signal is the main thread's: others that wait for the same are not disturbed."""
    s, results = mx.new_stream(), []
    x = products(s)
    thread = threading.Thread(target=lambda: results.append((mx.eval(x), x.shape)))
    thread.start()
    interrupt(lambda: mx.eval(x))
    thread.join()
    assert results == [(None, (1200, 1200))]
