"""What docs/reliability.md promises in numbers: python benchmarks/runtime/promises.py [FILTER]

Each line: the figure, and the most that is promised. What is computed is checked before its line is printed. Ratios of
times that were taken in one run; the medians of many turns.
"""

import math
import os
import signal
import statistics
import sys
import threading
import time

import anabranch as mx
import numpy as np

now = time.perf_counter


def small_evaluations(stream, count, seconds):
    """The times that evaluations of one addition take, half a millisecond apart."""
    x, one = mx.array([1.0]), mx.array([2.0])
    times, end = [], now() + seconds
    while len(times) < count and (now() < end or len(times) < 50):
        start = now()
        y = mx.add(x, one, stream=stream)
        mx.eval(y)
        times.append(now() - start)
        assert y.item() == 3
        time.sleep(0.0005)
    return times


def sines(n, stream):
    x = mx.full((65536,), 0.5, stream=stream)
    for _ in range(n):
        x = mx.sin(x, stream=stream)
    return x


def expected_sine(n):
    x = np.float32(0.5)
    for _ in range(n):
        x = np.sin(x)
    return float(x)


def independence():
    """A small evaluation on its own stream, while another thread has long chains evaluated on another stream."""
    small = mx.new_stream()
    small_evaluations(small, 200, 1)
    idle = small_evaluations(small, 1000, 1)
    for how in ("eval", "async_eval"):
        stop, began, wrong, laps = threading.Event(), threading.Event(), [], []

        def chains(how=how, stop=stop, began=began, wrong=wrong, laps=laps):
            s, want = mx.new_stream(), expected_sine(1000)
            while not stop.is_set():
                start = now()
                y = sines(1000, s)
                if how == "eval":
                    mx.eval(y)
                else:
                    mx.async_eval(y)
                    s.record().wait()
                laps.append(now() - start)
                if abs(y[77].item() - want) > 1e-4:
                    wrong.append(y)
                began.set()

        thread = threading.Thread(target=chains)
        thread.start()
        began.wait()
        busy = small_evaluations(small, 1000, 2.5)
        stop.set()
        thread.join()
        assert not wrong
        yield (
            f"small eval beside a chain by {how} of {statistics.median(laps) * 1e3:.0f} ms, over idle",
            statistics.median(busy) / statistics.median(idle),
            3,
        )
        yield f"  its 99th percentile, over idle's median {how}", quantile(busy, 0.99) / statistics.median(idle), None


def quantile(values, q):
    return sorted(values)[int(q * (len(values) - 1))]


def asynchronous():
    """What async_eval of 10,000 operations takes, over what they take to run."""
    s = mx.new_stream()

    def products():
        w = mx.full((128, 128), 1 / 128, stream=s)
        x = mx.ones((128, 128), stream=s)
        for _ in range(10_000):
            x = mx.matmul(x, w, stream=s)
        return x, 1.0

    for name, make in {
        "10,000 sines of 65,536 numbers": lambda: (sines(10_000, s), expected_sine(10_000)),
        "10,000 products of (128, 128)": products,
    }.items():
        blocked, total = [], []
        for _ in range(5):
            x, want = make()
            start = now()
            mx.async_eval(x)
            blocked.append(now() - start)
            mx.eval(x)
            total.append(now() - start)
            assert math.isclose(x.reshape(-1)[5].item(), want, rel_tol=1e-3)
        micros = min(total) / 10_000 * 1e6
        yield (
            f"async_eval of {name} ({micros:.0f} us each), over their run",
            statistics.median(b / t for b, t in zip(blocked, total, strict=True)),
            0.1,
        )


def interrupts():
    """Seconds from the signal to the KeyboardInterrupt, while one waits for one long operation."""
    a, big = mx.random.normal((3000, 3000)), mx.random.normal((1 << 24,))
    mx.eval(a, big)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, make in {
        "linalg.inv (3000, 3000)": lambda: mx.linalg.inv(a),
        "a @ a @ a (3000, 3000)": lambda: a @ a @ a,
        "sort of 16M": lambda: mx.sort(big),
    }.items():
        waits = []
        for turn in range(7):
            x, sent = make(), []

            def send(sent=sent, turn=turn):
                time.sleep(0.03 + 0.01 * turn)
                sent.append(now())
                os.kill(os.getpid(), signal.SIGINT)

            thread = threading.Thread(target=send)
            try:
                thread.start()
                mx.eval(x)
                thread.join()
                time.sleep(1)
            except KeyboardInterrupt:
                waits.append(now() - sent[0])
            thread.join()
            mx.eval(x)
        yield f"Ctrl-C in {name}, seconds, the most of 7", max(waits), 0.2
    signal.signal(signal.SIGINT, before)


def shortlived():
    """Threads and streams that come and go, in microseconds each."""

    def work():
        assert mx.add(1, 2).item() == 3

    for name, target in (("a thread with a default stream that computes, over one that does nothing", work),):
        times = {}
        for key, function in (("empty", lambda: None), ("ours", target)) * 2:
            start = now()
            for _ in range(1000):
                thread = threading.Thread(target=function)
                thread.start()
                thread.join()
            times[key] = now() - start
        yield name, times["ours"] / times["empty"], None
    start = now()
    for _ in range(10_000):
        mx.new_stream()
    yield "a stream made and dropped, us", (now() - start) / 10_000 * 1e6, None


def main():
    pick = sys.argv[1] if len(sys.argv) > 1 else ""
    for case in (independence, asynchronous, interrupts, shortlived):
        if pick not in case.__name__:
            continue
        for name, figure, most in case():
            verdict = "" if most is None else f"  promised: at most {most}" + ("" if figure <= most else "  MISSED")
            print(f"{name:<90} {figure:9.3f}{verdict}", flush=True)


if __name__ == "__main__":
    main()
