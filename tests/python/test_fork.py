"""Forks and other processes: the child works, or says why not, and never hangs."""

import os
import signal
import subprocess
import sys
import threading
import time

import anabranch as mx
import pytest
from programs import CPU_ALONE, expect_success

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    """A GPU does not survive a fork: test_a_gpu_says_that_it_is_lost."""
    before = mx.default_device()
    mx.set_default_device(mx.cpu)
    for name, value in CPU_ALONE.items():
        monkeypatch.setenv(name, value)
    yield
    mx.set_default_device(before)


def in_child(body, seconds=60):
    """Runs body() in a forked child, which must return (None, or True) in time."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(seconds)  # ends a child that hangs
            code = 0 if body() in (None, True) else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def chain(times, n=300, stream=None):
    x = mx.random.normal((n, n), stream=stream) * 0.01
    for _ in range(times):
        x = mx.matmul(x, x, stream=stream)
    return x


def computes():
    """Work of all kinds, on streams old and new."""
    s = mx.new_stream()
    with s:
        x = mx.sin(mx.arange(100_000, dtype=mx.float32)).sum()
    y = mx.linalg.inv(mx.eye(600) * 2).sum() + (mx.ones((700, 700)) @ mx.ones((700, 700))).max()
    mx.async_eval(x, y)
    assert s.record().wait()
    mx.synchronize()
    return abs(y.item() - 1000) < 1e-3 and abs(x.item() - 1.8) < 1


def test_the_child_computes():
    assert computes()
    in_child(computes)
    in_child(lambda: in_child(computes))


def test_lazy_and_computed_arrays_come_along():
    s = mx.new_stream()
    with s:
        lazy = mx.arange(1000) + 1
        computed = mx.arange(1000) * 2
    mx.eval(computed)
    in_child(lambda: lazy.sum().item() == 500500 and computed.sum().item() == 999000)
    in_child(lambda: (lazy + computed)[3].item() == 10)
    assert lazy.sum().item() == 500500


def test_the_scope_comes_along():
    s = mx.new_stream()
    with s:
        in_child(lambda: mx.default_stream(mx.cpu) == s and (mx.ones((3,)) + 1).tolist() == [2, 2, 2])
    assert mx.default_stream(mx.cpu) != s


@pytest.mark.parametrize("delay", [0, 0.002, 0.02])
def test_what_is_in_flight_says_so_and_its_streams_live_on(delay):
    s, t = mx.new_stream(), mx.new_stream()
    for round in range(6):
        x = mx.random.normal((1000, 1000), stream=s)
        for _ in range(30):
            x = mx.exp(x @ x * 1e-6 if round % 2 else mx.sin(x), stream=s)
        y = mx.add(x, 1, stream=t)
        mx.async_eval(y)
        time.sleep(delay)

        def body(y=y, lost=y + 1):
            for read in (lambda: mx.eval(y), lambda: lost.tolist(), lambda: mx.eval(y)):
                try:
                    read()
                except RuntimeError as e:
                    assert "fork" in str(e) and "Stream(Device(cpu, 0), " in str(e) and str(e)[0] == "[", e
            with s:
                return (mx.ones((500, 500)) @ mx.ones((500, 500))).sum().item() == 500**3 and computes()

        in_child(body)
        mx.eval(y)


@pytest.mark.slow
def test_forks_while_others_submit_and_wait():
    stop, errors = threading.Event(), []

    def guarded(work):
        try:
            while not stop.is_set():
                work()
        except BaseException as e:
            errors.append(e)

    shared = mx.new_stream()
    works = [
        lambda: mx.eval(chain(3, 200)),
        lambda: mx.eval(chain(1, 500, shared)),
        lambda: shared.record(mx.add(mx.ones((3,)), 1, stream=shared)).wait(),
        lambda: (mx.async_eval(mx.linalg.inv(mx.random.normal((150, 150)))), mx.synchronize()),
        lambda: mx.new_stream().record().wait(),
        lambda: mx.clear_cache(),
    ]
    threads = [threading.Thread(target=guarded, args=(w,)) for w in works]
    for t in threads:
        t.start()
    try:
        for _ in range(60):
            in_child(computes)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not errors


def test_a_fork_while_openblas_is_loaded():
    """The first product of a program loads OpenBLAS, on a worker; a fork in the middle of that waits for it."""
    code = """
import os, signal, threading, time
x = [mx.ones((700, 700), dtype=mx.float64) @ mx.ones((700, 700), dtype=mx.float64) for _ in range(4)]
mx.async_eval(x)
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        y = mx.ones((300, 300), dtype=mx.float64) @ mx.ones((300, 300), dtype=mx.float64)
        os._exit(0 if y.sum().item() == 300**3 else 1)
    assert os.waitpid(pid, 0)[1] == 0
    time.sleep(0.002)
mx.eval(x)
"""
    assert expect_success(code) == ""


def test_the_end_of_a_child():
    """It exits through the interpreter's end, with work under way, as multiprocessing's children do not."""
    code = """
import os, sys, threading
def work():
    while True:
        mx.eval(mx.random.normal((300, 300)) @ mx.ones((300, 300)))
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=work, daemon=True).start()
        mx.async_eval([mx.random.normal((1000, 1000)) @ mx.ones((1000, 1000)) for _ in range(20)])
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    assert expect_success(code) == ""


def test_a_fork_in_a_thread():
    results = []

    def work():
        in_child(computes)
        results.append(computes())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [True]


MULTIPROCESSING = """
import multiprocessing, sys
import anabranch as mx
import numpy as np

stream = mx.new_stream()

def square(x):
    with stream:
        y = mx.array(x) @ mx.array(x)
    return float(y.sum()), y

def main():
    context = multiprocessing.get_context(sys.argv[1])
    # The parent is at work, and has streams of its own, when the children begin.
    with stream:
        busy = mx.random.normal((500, 500)) * 0.01
        for _ in range(50):
            busy = busy @ busy
    mx.async_eval(busy)
    with context.Pool(3) as pool:
        for i, (total, y) in enumerate(pool.map(square, [np.full((50, 50), i, np.float32) for i in range(20)])):
            assert total == i * i * 50**3 and y.shape == (50, 50) and y[0, 0].item() == i * i * 50
    process = context.Process(target=square, args=(mx.ones((3, 3)),))
    process.start()
    process.join()
    assert process.exitcode == 0
    mx.eval(busy)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method, tmp_path):
    program = tmp_path / "program.py"  # which a spawned child reads
    program.write_text(MULTIPROCESSING)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", program, method]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_gpu_says_that_it_is_lost():
    """In the child; the CPU works there, and the parent goes on."""
    code = """
import os, signal
x = mx.array([1.0, 2.0]) * 2
mx.eval(x)
y = x + 1
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    for f in (lambda: mx.eval(y), lambda: (mx.array([1.0]) + 1).item()):
        try:
            f()
        except RuntimeError as e:
            assert "fork" in str(e), e
        else:
            os._exit(3)
    with mx.stream(mx.cpu):
        assert (mx.array([1.0, 2.0]) + 1).tolist() == [2.0, 3.0]
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert y.tolist() == [3.0, 5.0]
"""
    expect_success(code, ANABRANCH_SIM_GPU="1")
