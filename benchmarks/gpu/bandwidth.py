"""How near kernels come to the speed of a GPU's memory.

    python benchmarks/gpu/bandwidth.py times                        by the clock of the host, many launches in a row
    ncu ... python benchmarks/gpu/bandwidth.py profile > FILE       by the GPU's counters: tools/gpu/check.sh bandwidth
    python benchmarks/gpu/bandwidth.py table FILE                   what those say, as a table

A line is an operation on large arrays, the bytes that it must read and write at least, and the part of a copy's speed
that they move at. Results are checked against the CPU's in tests/python/test_gpu_kernels.py.
"""

import csv
import ctypes
import re
import sys
import time

N = 1 << 14  # rows and columns: 1 GiB of float32


def cases(mx):
    """name, work, bytes"""

    def ready(*arrays):
        mx.eval(*arrays)
        return arrays

    count, n4 = N * N, 4 * N * N
    (x,) = ready(mx.random.normal((N, N)))
    y, z = ready(mx.random.normal((N, N)), mx.random.normal((N, N)))
    h, i8 = ready(x.astype(mx.bfloat16), mx.random.randint(0, 100, (N, N)).astype(mx.int8))
    row, column = ready(x[0], x[:, :1])
    yield "negative: the copy", lambda: -x, 2 * n4
    yield "add float32", lambda: x + y, 3 * n4
    yield "8 operations float32", lambda: mx.maximum(mx.sqrt(x * x + y * y) * z - x, x) * 0.5 + y, 4 * n4
    yield (
        "gelu float32",
        lambda: 0.5 * x * (1 + mx.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
        2 * n4,
    )
    yield "gelu bfloat16", lambda: 0.5 * h * (1 + mx.tanh(0.79 * (h + 0.044715 * h * h * h))), n4
    yield "exp float32", lambda: mx.exp(x), 2 * n4
    yield "sin float32", lambda: mx.sin(x), 2 * n4
    yield "add a row", lambda: x + row, 2 * n4
    yield "add a column", lambda: x + column, 2 * n4
    yield "add a transposed matrix", lambda: x + y.T, 3 * n4
    yield "where", lambda: mx.where(x > 0, y, z), 4 * n4
    yield "float32 to bfloat16", lambda: x.astype(mx.bfloat16), 6 * count
    yield "int8 to float32", lambda: i8.astype(mx.float32), 5 * count
    yield "every other column", lambda: mx.contiguous(x[:, ::2]), n4 + n4 // 2
    yield "reversed", lambda: mx.contiguous(x[:, ::-1]), 2 * n4
    yield "transposed float32", lambda: mx.contiguous(x.T), 2 * n4
    yield "transposed bfloat16", lambda: mx.contiguous(h.T), n4
    yield "transposed int8", lambda: mx.contiguous(i8.T), 2 * count
    yield "concatenate rows", lambda: mx.concatenate([x, y]), 4 * n4
    yield "concatenate columns", lambda: mx.concatenate([x, y], axis=1), 4 * n4
    yield "full", lambda: mx.full((N, N), 3.0), n4
    yield "arange", lambda: mx.arange(count, dtype=mx.float32), n4
    yield "random bits", lambda: mx.random.bits((N, N)), n4
    yield "sum of all, float32", lambda: mx.sum(x), n4
    yield "sum of columns, float32", lambda: mx.sum(x, axis=0), n4
    yield "sum of rows, float32", lambda: mx.sum(x, axis=1), n4
    yield "sum of rows, bfloat16", lambda: mx.sum(h, axis=1), n4 // 2
    yield "sum of columns, int8", lambda: mx.sum(i8, axis=0), count
    yield "max of rows", lambda: mx.max(x, axis=1), n4
    yield "argmax of rows", lambda: mx.argmax(x, axis=1), n4
    yield "argmax of columns", lambda: mx.argmax(x, axis=0), n4
    yield "softmax of rows", lambda: mx.softmax(x, axis=-1), 2 * n4
    yield "softmax of rows, bfloat16", lambda: mx.softmax(h, axis=-1), n4
    yield "logsumexp of rows", lambda: mx.logsumexp(x, axis=-1), n4
    yield "cumsum of rows", lambda: mx.cumsum(x, axis=1), 2 * n4
    yield "cummax of rows", lambda: mx.cummax(x, axis=1), 2 * n4
    short = ready(x.reshape(-1, 256))[0]
    yield "cumsum of rows of 256", lambda: mx.cumsum(short, axis=1), 2 * n4
    yield "softmax of rows of 256", lambda: mx.softmax(short, axis=1), 2 * n4
    yield "sum of rows of 256", lambda: mx.sum(short, axis=1), n4
    (which,) = ready(mx.random.randint(0, N, (N,)))
    yield "take rows", lambda: mx.take(x, which, axis=0), 2 * n4
    order = ready(mx.argsort(mx.random.uniform(shape=(N,))))[0]

    def assigned():
        target = mx.array(z)
        target[order] = x
        return target

    yield "assign rows by index", assigned, 4 * n4

    def slice_assigned():
        target = mx.array(z)
        target[1:, 1:] = y[1:, 1:]
        return target

    yield "assign a slice", slice_assigned, 4 * n4
    (v,) = ready(mx.random.normal((N,)))
    yield "matrix by vector, float32", lambda: x @ v, n4
    yield "vector by matrix, float32", lambda: v @ x, n4
    yield "matrix by vector, bfloat16", lambda: h @ v.astype(mx.bfloat16), n4 // 2


def warmed(mx):
    """The cases, once their kernels are compiled."""
    for name, work, size in cases(mx):
        for _ in range(3):
            mx.eval(work())
        end = time.time() + 20
        while mx.device_info(mx.gpu)["programs_compiling"] and time.time() < end:
            time.sleep(0.01)
        mx.eval(work())
        mx.synchronize()
        yield name, work, size


def profile():
    import anabranch as mx

    driver = ctypes.CDLL("libcuda.so.1")
    marker = mx.arange(8), mx.array([3])
    mx.eval(*marker, mx.take(*marker))
    for name, work, size in warmed(mx):
        print(f"CASE\t{name}\t{size}", flush=True)
        driver.cuProfilerStart()
        mx.eval(work())
        mx.eval(mx.take(*marker))
        mx.synchronize()
        driver.cuProfilerStop()


def times():
    import anabranch as mx

    of_copy = None
    for name, work, size in warmed(mx):
        launches, best = 5, []
        for _ in range(4):
            start = time.perf_counter()
            for _ in range(launches):
                mx.async_eval(work())
            mx.synchronize()
            best.append((time.perf_counter() - start) / launches)
        speed = size / min(best)
        of_copy = of_copy or speed
        figures = f"{min(best) * 1e3:8.3f} ms {speed / 1e12:6.2f} TB/s {speed / of_copy:5.0%} of copy"
        print(f"{name:30s} {figures}", flush=True)


def is_marker(kernel):
    """Each case ends with a gather of one element: ncu prints its rows when all is over."""
    return "gather_kernel" in kernel["Kernel Name"] and kernel["Grid Size"].replace(" ", "") == "(1,1,1)"


def table(path):
    cases, kernels, header = [], {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("CASE\t"):
                cases.append(line.rstrip("\n").split("\t")[1:])
                continue
            cells = next(csv.reader([line]), [])
            if "Kernel Name" in cells:
                header = cells
            elif header and len(cells) == len(header):
                row = dict(zip(header, cells, strict=True))
                kernel = kernels.setdefault(int(row["ID"]), row)
                kernel[row["Metric Name"]] = float(row["Metric Value"].replace(",", ""))
    found = {name: (int(size), []) for name, size in cases}
    of_case = iter(found.values())
    size, own = next(of_case)
    for _, kernel in sorted(kernels.items()):
        if is_marker(kernel):
            size, own = next(of_case, (0, []))
        else:
            own.append(kernel)
    of_copy = None
    print("| operation | kernels | ms | TB/s of what it must move | of the copy | TB/s of what it moved |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (size, own) in found.items():
        ns = sum(k["gpu__time_duration.sum"] for k in own)
        if not ns:
            print(f"| {name} | none | | | | |")
            continue
        moved = sum(k["dram__bytes_read.sum"] + k["dram__bytes_write.sum"] for k in own)
        speed = size / ns / 1e3
        of_copy = of_copy or speed
        names = ", ".join(re.match(r"(?:void )?(?:\w+::|<unnamed>::)*(\w+)", k["Kernel Name"])[1] for k in own)
        print(f"| {name} | {names} | {ns / 1e6:.3f} | {speed:.2f} | {speed / of_copy:.0%} | {moved / ns / 1e3:.2f} |")


if __name__ == "__main__":
    if sys.argv[1] == "table":
        table(sys.argv[2])
    else:
        {"profile": profile, "times": times}[sys.argv[1]]()
