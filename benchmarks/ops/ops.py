"""Operations beside NumPy and beside the machine's limit, in one run: python benchmarks/ops/ops.py [FILTER]

Each result is checked against NumPy before its line is printed. The limit is the time that the bytes of the inputs and
of the output take at the highest rate that any case of this run has reached, whoever reached it. The machine is noisy:
the best of many turns counts, ours and NumPy's taking turns.
"""

import math
import sys
import time

import anabranch as mx
import numpy as np

ROWS = COLUMNS = 2048
BYTES = 4 * ROWS * COLUMNS


def best_of(*runs, seconds=0.6):
    times = [math.inf] * len(runs)
    end = time.perf_counter() + seconds * len(runs)
    while time.perf_counter() < end:
        for i, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def np_gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def mx_gelu(x):
    return 0.5 * x * (1 + mx.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def cases():
    """name, arrays read, arrays written, ours, NumPy's, operands"""
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal((ROWS, COLUMNS), dtype=np.float32) for _ in range(3))
    positive, row = np.abs(a) + 0.5, a[0]
    yield "fma", 3, 1, lambda a, b, c: a * b + c, lambda a, b, c: a * b + c, (a, b, c)
    yield (
        "chain8",
        3,
        1,
        lambda a, b, c: mx.maximum(mx.sqrt(a * a + b * b) * c - a, a) * 0.5 + b,
        lambda a, b, c: np.maximum(np.sqrt(a * a + b * b) * c - a, a) * 0.5 + b,
        (a, b, c),
    )
    yield "gelu", 1, 1, mx_gelu, np_gelu, (a,)
    yield "add transposed", 2, 1, lambda a, b: a.T + b, lambda a, b: a.T + b, (a, b)
    yield "add a row", 1, 1, lambda a, r: a + r, lambda a, r: a + r, (a, row)
    yield "add odd sizes", 2, 1, lambda a, b: a + b, lambda a, b: a + b, (a[:-1, :-1].copy(), b[:-1, :-1].copy())
    for name in ("exp", "sin", "tanh", "log", "sqrt"):
        yield name, 1, 1, getattr(mx, name), getattr(np, name), (positive,)
    for axis in (None, 0, 1):
        yield f"sum axis={axis}", 1, 0, lambda x, k=axis: mx.sum(x, k), lambda x, k=axis: x.sum(k), (positive,)
    yield "argmax axis=1", 1, 0, lambda x: mx.argmax(x, 1), lambda x: x.argmax(1), (a,)
    yield "transpose", 1, 1, lambda x: mx.contiguous(x.T), lambda x: np.ascontiguousarray(x.T), (a,)
    yield "sort rows", 1, 1, lambda x: mx.sort(x, -1), lambda x: np.sort(x, -1), (a,)
    yield "cumsum axis=1", 1, 1, lambda x: mx.cumsum(x, axis=1), lambda x: np.cumsum(x, axis=1), (positive,)


def check(name, got, want):
    got = np.asarray(got)
    scale = np.maximum(1, np.abs(want))
    if got.shape != np.shape(want) or not np.all(np.abs(got - want) <= 2e-4 * scale):
        raise ArithmeticError(f"{name}: wrong result")


def ours(function, operands):
    return lambda: mx.eval(function(*operands))


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    rows, rate = [], 0.0
    for name, reads, writes, our_function, np_function, operands in cases():
        if wanted not in name and name != "fma":  # which sets the limit
            continue
        arrays = [mx.array(o) for o in operands]
        mx.eval(arrays)
        check(name, our_function(*arrays), np_function(*operands))
        mine, peer = best_of(ours(our_function, arrays), lambda f=np_function, o=operands: f(*o))
        rate = max(rate, (reads + writes) * BYTES / min(mine, peer))
        rows.append((name, reads + writes, mine, peer))
    print(f"machine: {rate / 1e9:.1f} GB/s, the most that any case below has moved")
    print(f"{'case':16} {'ours ms':>9} {'NumPy ms':>9} {'limit ms':>9} {'ours/NumPy':>11} {'of the limit':>13}")
    for name, moved, mine, peer in rows:
        limit = moved * BYTES / rate
        times = " ".join(f"{t * 1e3:9.3f}" for t in (mine, peer, limit))
        print(f"{name:16} {times} {mine / peer:11.2f} {limit / mine:13.0%}")
    n = 1024
    a, b = (np.random.default_rng(k).standard_normal((n, n), dtype=np.float32) for k in range(2))
    x, y = mx.array(a), mx.array(b)
    check("matmul", x @ y, a @ b)
    mine, peer = best_of(ours(lambda x, y: x @ y, (x, y)), lambda: a @ b)
    peak = 2 * n**3 / min(mine, peer)
    print(f"matmul {n}: ours {mine * 1e3:.2f} ms, NumPy {peer * 1e3:.2f} ms; the most reached {peak / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
