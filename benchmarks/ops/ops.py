"""Operations beside NumPy and beside the machine's limit, in one run: python benchmarks/ops/ops.py [FILTER]

Each result is checked against NumPy before its line is printed. The limit is the time that the bytes of the inputs and
of the output take at the highest rate that any case of this run has reached, whoever reached it. The machine is noisy:
the best of many turns counts, ours and NumPy's taking turns. On a machine that is busy with other things, give it one
processor and let CLOCK=process measure what that spends: CLOCK=process taskset -c 0 python benchmarks/ops/ops.py
"""

import math
import os
import sys
import time

import anabranch as mx
import numpy as np

ROWS = COLUMNS = 2048
BYTES = 4 * ROWS * COLUMNS
clock = time.process_time if os.environ.get("CLOCK") == "process" else time.perf_counter


def best_of(*runs, seconds=0.6):
    times = [math.inf] * len(runs)
    end = time.perf_counter() + seconds * len(runs)
    while time.perf_counter() < end:
        for i, run in enumerate(runs):
            start = clock()
            run()
            times[i] = min(times[i], clock() - start)
    return times


def np_gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def mx_gelu(x):
    return 0.5 * x * (1 + mx.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def fma(a, b, c):
    return a * b + c


def np_chain8(a, b, c):
    return np.maximum(np.sqrt(a * a + b * b) * c - a, a) * 0.5 + b


def mx_chain8(a, b, c):
    return mx.maximum(mx.sqrt(a * a + b * b) * c - a, a) * 0.5 + b


def transposed(f):
    return lambda a, b, c: f(a.T, b, c)


def in_bfloat16(f):
    """f on bfloat16, which NumPy lacks: the arrays are converted beforehand, NumPy computes in float32."""
    narrow = {}

    def run(*operands):
        for o in operands:
            if id(o) not in narrow:
                narrow[id(o)] = o.astype(mx.bfloat16)
        return f(*(narrow[id(o)] for o in operands))

    run.tolerance = 0.1  # each of the operations rounds to 8 bits, and differences cancel
    return run


def cases():
    """name, arrays read, arrays written, ours, NumPy's, operands"""
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal((ROWS, COLUMNS), dtype=np.float32) for _ in range(3))
    positive, row = np.abs(a) + 0.5, a[0]
    odd = tuple(x[:-1, :-1].copy() for x in (a, b, c))
    for name, ours, numpys in (("fma", fma, fma), ("chain8", mx_chain8, np_chain8)):
        yield name, 3, 1, ours, numpys, (a, b, c)
        yield f"{name} a.T", 3, 1, transposed(ours), transposed(numpys), (a, b, c)
        yield f"{name} a row", 2, 1, ours, numpys, (a, row, c)
        yield f"{name} a column", 2, 1, ours, numpys, (a, a[:, :1].copy(), c)
        yield f"{name} odd sizes", 3, 1, ours, numpys, odd
        yield f"{name} bfloat16", 1.5, 0.5, in_bfloat16(ours), numpys, (a, b, c)
    yield "gelu", 1, 1, mx_gelu, np_gelu, (a,)
    yield "add transposed", 2, 1, lambda a, b: a.T + b, lambda a, b: a.T + b, (a, b)
    for name in ("exp", "sin", "tanh", "log", "sqrt"):
        yield name, 1, 1, getattr(mx, name), getattr(np, name), (positive,)
    for name in ("exp", "expm1", "log", "log1p", "tanh", "sinh"):
        yield f"{name} float64", 2, 2, getattr(mx, name), getattr(np, name), (positive.astype(np.float64),)
    for axis in (None, 0, 1):
        yield f"sum axis={axis}", 1, 0, lambda x, k=axis: mx.sum(x, k), lambda x, k=axis: x.sum(k), (positive,)
    short = positive.reshape(-1)[: 80_000 * 50].reshape(80_000, 50)
    yield "sum rows of 50", short.nbytes / BYTES, 0, lambda x: mx.sum(x, 1), lambda x: x.sum(1), (short,)
    yield "argmax axis=1", 1, 0, lambda x: mx.argmax(x, 1), lambda x: x.argmax(1), (a,)
    yield "transpose", 1, 1, lambda x: mx.contiguous(x.T), lambda x: np.ascontiguousarray(x.T), (a,)
    yield "sort 4M", 1, 1, mx.sort, np.sort, (a.reshape(-1),)
    yield "sort rows of 50", 1, 1, mx.sort, np.sort, (short,)
    yield "sort rows", 1, 1, lambda x: mx.sort(x, -1), lambda x: np.sort(x, -1), (a,)
    yield "cumsum axis=1", 1, 1, lambda x: mx.cumsum(x, axis=1), lambda x: np.cumsum(x, axis=1), (positive,)


def check(name, got, want, tolerance=2e-4):
    got = np.asarray(got.astype(mx.float32) if got.dtype == mx.bfloat16 else got)
    scale = np.maximum(1, np.abs(want))
    if got.shape != np.shape(want) or not np.all(np.abs(got - want) <= tolerance * scale):
        raise ArithmeticError(f"{name}: wrong result")


def ours(function, operands):
    return lambda: mx.eval(function(*operands))


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    rows, rate = [], 0.0
    for name, reads, writes, our_function, np_function, operands in cases():
        if wanted not in name and name != "fma":  # which sets the limit
            continue
        arrays = [mx.array(o, getattr(mx, o.dtype.name)) for o in operands]
        mx.eval(arrays)
        tolerance = getattr(our_function, "tolerance", 2e-4)
        check(name, our_function(*arrays), np_function(*operands), tolerance)
        mine, peer = best_of(ours(our_function, arrays), lambda f=np_function, o=operands: f(*o))
        rate = max(rate, (reads + writes) * BYTES / min(mine, peer))
        rows.append((name, reads + writes, mine, peer))
    print(f"machine: {rate / 1e9:.1f} GB/s, the most that any case below has moved")
    print(f"{'case':18} {'ours ms':>9} {'NumPy ms':>9} {'limit ms':>9} {'ours/NumPy':>11} {'of the limit':>13}")
    for name, moved, mine, peer in rows:
        limit = moved * BYTES / rate
        times = " ".join(f"{t * 1e3:9.3f}" for t in (mine, peer, limit))
        print(f"{name:18} {times} {mine / peer:11.2f} {limit / mine:13.0%}")
    n = 1024
    a, b = (np.random.default_rng(k).standard_normal((n, n), dtype=np.float32) for k in range(2))
    x, y = mx.array(a), mx.array(b)
    check("matmul", x @ y, a @ b)
    mine, peer = best_of(ours(lambda x, y: x @ y, (x, y)), lambda: a @ b)
    peak = 2 * n**3 / min(mine, peer)
    print(f"matmul {n}: ours {mine * 1e3:.2f} ms, NumPy {peer * 1e3:.2f} ms; the most reached {peak / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
