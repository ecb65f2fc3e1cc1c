"""What a GPU's streams overlap: python benchmarks/gpu/overlap.py [FILTER]

Each line: a ratio, or a time in milliseconds, and what is asked of it. Results are checked before their line is
printed; times are the least of several turns, taken in one run.
"""

import sys
import time

import anabranch as mx
import numpy as np


def least(work, *arguments, turns=12):
    work(*arguments)
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        work(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def line(name, value, unit, asked):
    print(f"{name:58s} {value:9.3f} {unit:3s} (asked: {asked})", flush=True)


def chain(step, x, times):
    for _ in range(times):
        x = step(x)
    return x


def streams_of_small_kernels():
    """Chains of kernels that fill a part of the GPU and can't be fused, on one stream and on several: kernels of 10 to
    40 us on 16 or 32 blocks, then pairs of shorter ones, of which two threads launch no more than the driver lets
    them.
    """
    rng = np.random.default_rng(0)

    def normal(*shape, by=1.0):
        return [mx.array((rng.normal(size=shape) * by).astype(np.float32)) for _ in range(8)]

    square = normal(512, 512, by=1 / 23)[0]
    steps = {
        "sorts of (16, 2048)": (lambda x, s: mx.sort(x, axis=1, stream=s), normal(16, 2048)),
        "sorts of (16, 512)": (lambda x, s: mx.sort(x, axis=1, stream=s), normal(16, 512)),
        "sorts of (32, 1024)": (lambda x, s: mx.sort(x, axis=1, stream=s), normal(32, 1024)),
        "(128, 512) by (512, 512) products": (lambda x, s: mx.matmul(x, square, stream=s), normal(128, 512)),
    }
    mx.eval(square)
    for name, (step, starts) in steps.items():
        mx.eval(starts)
        compare_streams(name, step, starts)


def compare_streams(name, step, starts):
    """Chains of `step`, one from each start, on one stream and on several."""

    def run(streams):
        ends = [chain(lambda x, s=s: step(x, s), x, 100) for x, s in zip(starts, streams, strict=False)]
        mx.eval(ends)
        return ends

    single = [np.array(x) for x in run([mx.gpu] * len(starts))]
    one = mx.new_stream(mx.gpu)
    alone = least(run, [one])
    for count in (2, 4, 8):
        several = [mx.new_stream(mx.gpu) for _ in range(count)]
        for got, want in zip(run(several), single, strict=False):
            np.testing.assert_array_equal(np.array(got), want)
        ratio = least(run, [one] * count) / least(run, several)
        line(f"{name}, {alone * 1e4:.1f} us each: {count} streams", ratio, "x", "1.6 with two streams")


def cpu_beside_gpu():
    s = mx.new_stream(mx.cpu)
    a, g = mx.random.normal((800, 800), stream=s) * 0.03, mx.random.normal((8192, 8192)) * 0.01
    mx.eval(a, g)

    def on_cpu(n):
        return chain(lambda x: mx.matmul(x, a, stream=s), a, n)

    def on_gpu(n):
        return chain(lambda x: mx.matmul(x, g), g, n)

    def both(n, m):
        x, y = on_gpu(m), on_cpu(n)
        mx.eval(x, y)

    n = 20
    cpu = least(lambda: mx.eval(on_cpu(n)), turns=5)
    m = max(1, round(cpu / (least(lambda: mx.eval(on_gpu(10)), turns=5) / 10)))
    cpu, gpu = (least(lambda: mx.eval(on_cpu(n)), turns=8), least(lambda: mx.eval(on_gpu(m)), turns=8))
    together = least(lambda: both(n, m), turns=8)
    line(
        f"CPU {cpu * 1e3:.1f} ms beside GPU {gpu * 1e3:.1f} ms: both / longer",
        together / max(cpu, gpu),
        "x",
        "at most 1.1",
    )


def copies_behind_kernels():
    """Arrays made on one device and used on the other, while the GPU multiplies."""
    count, n = 24, 1 << 22
    g = mx.random.normal((8192, 8192)) * 0.01
    beside, back = mx.new_stream(mx.gpu), mx.new_stream(mx.cpu)
    mx.eval(g)
    s = mx.new_stream(mx.cpu)

    def products(m):
        return chain(lambda x: mx.matmul(x, g), g, m)

    def sources():
        xs = [mx.full((n,), float(k), stream=s) for k in range(count)]
        mx.eval(xs)
        return xs

    def to_gpu(xs):
        return [mx.add(x, 1, stream=beside) for x in xs]

    def timed(make, use, m):
        times = []
        for _ in range(8):
            xs = make()
            start = time.perf_counter()
            mx.eval(products(m) if m else [], use(xs))
            times.append(time.perf_counter() - start)
        return min(times[1:])

    one = least(lambda: mx.eval(products(4)), turns=5) / 4
    copies = timed(sources, to_gpu, 0)
    m = max(1, round(copies / one))
    kernels = least(lambda: mx.eval(products(m)), turns=5)
    both = timed(sources, to_gpu, m)
    got = to_gpu(sources())
    assert all((np.array(x) == k + 1).all() for k, x in enumerate(got))
    line(
        f"{count * n * 4 / copies / 1e9:.1f} GB/s to the GPU, {copies * 1e3:.1f} ms, beside {kernels * 1e3:.1f} ms",
        both / max(copies, kernels),
        "x",
        "at most 1.1",
    )

    def made_on_gpu():
        xs = [mx.full((n,), float(k), stream=beside) for k in range(count)]
        mx.eval(xs)
        return xs

    def to_cpu(xs):
        return [mx.contiguous(x[::-1], stream=back) for x in xs]

    copies = timed(made_on_gpu, to_cpu, 0)
    m = max(1, round(copies / one))
    kernels = least(lambda: mx.eval(products(m)), turns=5)
    both = timed(made_on_gpu, to_cpu, m)
    assert all((np.array(x) == k).all() for k, x in enumerate(to_cpu(made_on_gpu())))
    line(
        f"{count * n * 4 / copies / 1e9:.1f} GB/s to the CPU, {copies * 1e3:.1f} ms, beside {kernels * 1e3:.1f} ms",
        both / max(copies, kernels),
        "x",
        "at most 1.1",
    )


def copies_between_gpus():
    """Arrays made on one GPU and used on the next."""
    if mx.device_count(mx.gpu) < 2:
        return
    n, there = 1 << 26, mx.Device(mx.gpu, 1)
    times = []
    for k in range(8):
        x = mx.full((n,), float(k), stream=mx.gpu)
        mx.eval(x)
        mx.synchronize()
        start = time.perf_counter()
        y = mx.sum(mx.equal(x, k, stream=there), stream=there)
        mx.eval(y)
        times.append(time.perf_counter() - start)
        assert y.item() == n
    line(f"{n >> 18} MiB read by the next GPU", n * 4 / min(times) / 1e9, "GB/s", "-")


def mlx_example():
    """The program of MLX's page on unified memory."""
    a, b = mx.random.uniform(shape=(4096, 512)), mx.random.uniform(shape=(512, 4))
    mx.eval(a, b)

    def run():
        x = mx.matmul(a, b, stream=mx.gpu)
        c = chain(lambda y: mx.exp(y, stream=mx.cpu), b, 500)
        mx.eval(x, c)
        return x, c

    x, c = run()
    np.testing.assert_allclose(np.array(x), np.array(a) @ np.array(b), rtol=2e-3)
    assert np.isposinf(np.array(c)).all()
    line("MLX's example: GPU product, 500 exp on the CPU", least(run, turns=50) * 1e3, "ms", "under 1")


def urgent_streams():
    """Small evaluations while other streams fill the GPU, by the priority of their stream."""
    busy, large, small = [mx.new_stream(mx.gpu) for _ in range(4)], mx.random.normal((4096, 4096)), mx.array([1.0])
    mx.eval(large, small)
    for priority in (0, -5):
        s = mx.new_stream(mx.gpu, priority=priority)
        mx.eval(mx.add(small, 1, stream=s))
        times = []
        for _ in range(8):
            ends = [b.record(chain(lambda x, b=b: mx.matmul(x, large, stream=b), large, 20)) for b in busy]
            while not all(end.query() for end in ends):
                start = time.perf_counter()
                mx.eval(mx.add(small, 1, stream=s))
                times.append(time.perf_counter() - start)
        name = f"a small evaluation beside busy streams, priority {s.priority}"
        line(name, float(np.median(times)) * 1e3, "ms", "less than with priority 0")


def waits():
    one = mx.array([1.0])
    mx.eval(one)
    line("a small evaluation on the GPU", least(lambda: mx.eval(one + 1), turns=2000) * 1e3, "ms", "-")
    line("the same, read", least(lambda: (one + 1).item(), turns=2000) * 1e3, "ms", "-")
    cpu = mx.new_stream(mx.cpu)

    def pingpong():
        x = one
        for _ in range(50):
            x = mx.add(mx.add(x, 1, stream=cpu), 1)
        mx.eval(x)
        return x

    assert pingpong().item() == 101
    line("a turn from the GPU to the CPU and back", least(pingpong, turns=50) * 20, "ms", "-")


def main():
    pick = sys.argv[1] if len(sys.argv) > 1 else ""
    parts = (
        streams_of_small_kernels,
        cpu_beside_gpu,
        copies_behind_kernels,
        copies_between_gpus,
        mlx_example,
        urgent_streams,
        waits,
    )
    for part in parts:
        if pick in part.__name__:
            part()


if __name__ == "__main__":
    main()
