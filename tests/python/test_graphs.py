"""Whole graphs: fused or not, on one stream or several, from one thread or many, the bits are those of evaluating each
operation by itself, one after the other."""

import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import DTYPES, FLOATS, assert_same_bits, in_layout, to_mlx, values

FLOAT_CHAIN = [
    lambda x, y: x + y, lambda x, y: x * 2 - y, lambda x, y: mx.exp(-mx.abs(x)) * y, lambda x, y: mx.tanh(x) + 1,
    lambda x, y: mx.maximum(x, y), lambda x, y: mx.where(x > y, x, y * 0.5), lambda x, y: mx.sqrt(mx.abs(x)),
    lambda x, y: mx.sin(x) * mx.cos(y), lambda x, y: mx.log1p(mx.abs(x)), lambda x, y: mx.sigmoid(x - y),
    lambda x, y: x / (mx.abs(y) + 1), lambda x, y: mx.floor(x * 8) / 8, lambda x, y: mx.erf(x) + y * y,
    lambda x, y: mx.square(x) * mx.rsqrt(mx.square(y) + 1), lambda x, y: x.astype(mx.int32).astype(x.dtype) + y,
]  # fmt: skip


def chain(a, b, steps, each):
    """Applies the steps in turn; `each` sees what every one of them gives."""
    x, y = a, b
    for step in steps:
        x, y = each(FLOAT_CHAIN[step](x, y)), x
    return x


def evaluated(a):
    mx.eval(a)
    return a


@pytest.mark.parametrize("name", FLOATS)
def test_fused_is_unfused_to_the_bit(name):
    pick = random.Random(name)
    for shape_a, shape_b in [
        ((5, 7), (5, 7)),
        ((33, 1), (17,)),
        ((1000,), ()),
        ((3, 0), (3, 1)),
        ((300, 301), (300, 1)),
    ]:
        for layout in ("dense", "transposed", "stepped"):
            a, b = in_layout(layout, name, shape_a, 1)[0], in_layout("dense", name, shape_b, 2)[0]
            steps = [pick.randrange(len(FLOAT_CHAIN)) for _ in range(12)]
            fused = chain(a, b, steps, lambda x: x)
            unfused = chain(a, b, steps, evaluated)
            assert_same_bits(fused, unfused, f"{steps} {layout} {shape_a} {shape_b}")


@pytest.mark.parametrize("name", DTYPES)
def test_mixed_dtypes_fuse(name):
    a = to_mlx(values(name, (6, 50)), name)

    def program(each):
        x = each(a != 0)
        y = each(each(a.astype(mx.float32)) * 2)
        y = each(mx.where(x, y, each(mx.ones((50,), mx.float16))))
        z = each(each(y > 1).astype(mx.int8) + 1)
        return each(each(mx.nan_to_num(y, 1, 2, 3)) * z), each(z << 2), each(mx.logical_not(x))

    for fused, unfused in zip(program(lambda x: x), program(evaluated), strict=True):
        assert_same_bits(fused, unfused)


def mixed_graph(seed, count, each, rows, columns):
    """Float and integer arrays of shapes that broadcast together; views, casts and reductions between them."""
    pick = random.Random(seed)
    leaves = [
        ("float32", (rows, columns)),
        ("float16", (columns,)),
        ("int32", (rows, 1)),
        ("bfloat16", ()),
        ("uint8", (1, columns)),
    ]
    made = [to_mlx(values(name, shape, seed + i), name) for i, (name, shape) in enumerate(leaves)]

    def whole(a):
        return mx.broadcast_to(a, (rows, columns))

    steps = [
        lambda a, b: a + b, lambda a, b: a * b, lambda a, b: mx.maximum(a, b), lambda a, b: mx.where(a > b, a, b),
        lambda a, b: mx.tanh(a), lambda a, b: mx.exp(0 - mx.abs(a)), lambda a, b: a.astype(mx.float16),
        lambda a, b: a.astype(mx.float32), lambda a, b: mx.isfinite(a), lambda a, b: whole(a)[::-1],
        lambda a, b: whole(a)[:, ::-1], lambda a, b: mx.sum(whole(a), 0), lambda a, b: mx.max(whole(a), 1, True),
        lambda a, b: mx.mean(a), lambda a, b: a == b, lambda a, b: whole(a).reshape(columns, rows).T,
        lambda a, b: mx.softmax(whole(a), -1), lambda a, b: mx.concatenate([whole(a)[:1], whole(b)[1:]]),
        lambda a, b: mx.sqrt(mx.abs(a)) - b.astype(mx.float32), lambda a, b: mx.logical_or(a, b),
    ]  # fmt: skip
    for _ in range(count):
        made.append(each(pick.choice(steps)(pick.choice(made[-8:]), pick.choice(made))))
    return made


@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([(4, 6), (1, 1), (5, 700), (130, 33)]),
    keep=st.randoms(use_true_random=False),
)
@settings(max_examples=200)
def test_mixed_graphs_at_once_and_one_by_one(seed, shape, keep):
    expected = mixed_graph(seed, 30, evaluated, *shape)
    made = mixed_graph(seed, 30, lambda x: x, *shape)
    # What is not kept may be dropped, fused away or overwritten.
    kept = sorted(keep.sample(range(len(made)), 8))
    arrays = [made[i] for i in kept]
    del made
    mx.eval(*arrays)
    for i, a in zip(kept, arrays, strict=True):
        assert_same_bits(a, expected[i], f"number {i}")


def test_an_input_repeated_in_another_dtype_is_read_before_its_memory_is_reused():
    """The product reads h as float32; the sum as float16 could take the place of h, which nobody else holds."""
    x = np.arange(1, 25, dtype=np.float32).reshape(4, 6)
    a, h = mx.array(x), mx.full((6,), 2, mx.float16) + 0
    mx.eval(h)
    total = mx.sum(a, 0).astype(mx.float16)
    product = a * h
    del h
    mx.eval(mx.broadcast_to(total, (4, 6)), product)
    assert np.array_equal(np.array(product), x * 2)


def test_a_16_bit_intermediate_is_rounded_in_a_fused_program():
    x = mx.array([0.1, 1.23456, 70000.0])
    got = mx.exp(x - x).astype(mx.float16).astype(mx.float32) + x.astype(mx.bfloat16).astype(mx.float32)
    rounded = mx.contiguous(x.astype(mx.bfloat16))
    mx.eval(rounded)
    assert got.tolist() == (rounded.astype(mx.float32) + 1).tolist()
    assert mx.array([70000]).astype(mx.float16).astype(mx.float32).tolist() == [np.inf]


def test_intermediates_kept_or_dropped():
    x = mx.array(values("float32", (40, 40)))
    y = x * 2 + 1
    z = mx.sin(y)
    w = (z + y).sum(0)
    mx.eval(w)
    again = x * 2 + 1
    assert_same_bits(y, again)
    assert_same_bits(z, mx.sin(again))


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_long_chains(depth):
    x = mx.zeros((3,), mx.int32)
    for _ in range(depth):
        x = x + 1
    assert x.tolist() == [depth] * 3


def test_wide_graphs():
    leaves = [mx.full((5,), i) for i in range(2000)]
    while len(leaves) > 1:
        leaves = [sum(leaves[i : i + 3]) for i in range(0, len(leaves), 3)]
    assert leaves[0].tolist() == [1999 * 1000] * 5


# --- Random graphs


def random_graph(seed, count, streams, each):
    """`count` integer arrays of one shape, each made of earlier ones on one of the streams."""
    pick, pick_stream = random.Random(seed), random.Random(seed)
    made = [mx.array(np.random.default_rng(seed).integers(-50, 50, (4, 6)), mx.int64)]
    for _ in range(count):
        a, b = pick.choice(made), pick.choice(made)
        s = pick_stream.choice(streams)
        kind = pick.randrange(11)
        if kind <= 3:
            out = [mx.add, mx.subtract, mx.multiply, mx.maximum][kind](a, b, stream=s)
        elif kind == 4:
            out = mx.where(mx.less(a, b, stream=s), a, b, stream=s)
        elif kind == 5:
            out = mx.broadcast_to(mx.sum(a, axis=0, keepdims=True, stream=s), a.shape, stream=s) if a.ndim else a
        elif kind == 6:
            out = mx.flip(a, stream=s)
        elif kind == 7:
            out = mx.concatenate([a, b], 0, stream=s)[: a.shape[0]] if a.shape == b.shape else mx.negative(a, stream=s)
        elif kind == 8:
            out = mx.take(a, mx.array([3, 0, 0, 2]), 0, stream=s)
        elif kind == 9:
            out = mx.contiguous(a.T, stream=s).T
        else:
            with mx.stream(s):
                out = a + 0
                out[1] = b[2]
        made.append(each(mx.remainder(out, 1009, stream=s)))
    return made


def sequential(seed, count):
    return [np.array(a) for a in random_graph(seed, count, [mx.default_stream(mx.cpu)], evaluated)]


@given(seed=st.integers(0, 10**6), streams=st.integers(1, 5), order=st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_random_graphs_on_several_streams(seed, streams, order):
    expected = sequential(seed, 30)
    made = random_graph(seed, 30, [mx.new_stream(mx.cpu) for _ in range(streams)], lambda x: x)
    wanted = list(range(len(made)))
    order.shuffle(wanted)
    for i in wanted[:10]:
        kind = order.randrange(3)
        if kind == 0:
            mx.async_eval(made[i])
        elif kind == 1:
            mx.eval(made[i])
        else:
            assert np.array_equal(np.array(made[i]), expected[i])
    for i in wanted:
        assert np.array_equal(np.array(made[i]), expected[i])


def in_threads(count, body):
    """Runs body(i) in `count` threads that begin together; their exceptions are raised here."""
    barrier = threading.Barrier(count)

    def run(i):
        barrier.wait()
        return body(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.parametrize("seed", range(6))
def test_many_threads_evaluate_one_shared_graph(seed):
    expected = sequential(seed, 60)
    streams = [mx.new_stream(mx.cpu) for _ in range(3)]
    made = random_graph(seed, 60, streams, lambda x: x)

    def evaluate(i):
        pick = random.Random(i)
        for j in pick.sample(range(len(made)), len(made)):
            if pick.random() < 0.3:
                mx.async_eval(made[j])
            assert np.array_equal(np.array(made[j]), expected[j])

    in_threads(8, evaluate)


def test_threads_build_and_evaluate_on_shared_streams():
    streams = [mx.new_stream(mx.cpu) for _ in range(2)]

    def build(i):
        for seed in range(i * 5, i * 5 + 5):
            expected = sequential(seed, 25)
            made = random_graph(seed, 25, streams, lambda x: x)
            for a, x in zip(made, expected, strict=True):
                assert np.array_equal(np.array(a), x)

    in_threads(6, build)


def test_threads_read_the_same_lazy_array_at_once():
    for _ in range(30):
        x = mx.random.uniform(shape=(50_000,), key=mx.random.key(1))
        y = mx.exp(x) * 2
        sums = in_threads(6, lambda i, y=y: mx.sum(y).item() if i % 2 else np.array(y).tobytes())
        assert len(set(sums[::2])) == 1
        assert len(set(sums[1::2])) == 1


def test_big_results_do_not_depend_on_the_number_of_streams():
    x = mx.random.normal((513, 700), key=mx.random.key(3))

    def program(s):
        y = mx.softmax(mx.matmul(x, mx.transpose(x, stream=s), stream=s), axis=-1, stream=s)
        return mx.sum(mx.tanh(y, stream=s), axis=0, stream=s)

    expected = program(mx.cpu)
    results = [program(mx.new_stream(mx.cpu)) for _ in range(4)]
    mx.async_eval(*results)
    for r in results:
        assert_same_bits(r, expected)


def test_a_failure_poisons_what_depends_on_it_and_nothing_else():
    streams = [mx.new_stream(mx.cpu) for _ in range(3)]
    good = mx.ones((2, 2), stream=streams[0])
    bad = mx.linalg.inv(mx.zeros((2, 2)), stream=streams[1])
    dependent = [mx.add(good, bad, stream=s) for s in streams]
    healthy = [mx.add(good, 1, stream=s) for s in streams]
    with pytest.raises(RuntimeError, match="singular"):
        mx.eval(*dependent, *healthy)
    for a in healthy:
        assert a.tolist() == [[2, 2], [2, 2]]
    for a in (bad, *dependent):
        for _ in range(2):
            with pytest.raises(RuntimeError, match="singular"):
                np.array(a)

    def read(i):
        with pytest.raises(RuntimeError, match="singular"):
            dependent[i % 3].tolist()
        return healthy[i % 3].sum().item()

    assert in_threads(6, read) == [8.0] * 6


BITS = """
import zlib
import anabranch as mx
import numpy as np

x = mx.random.normal((701, 1003), key=mx.random.key(5))
y = mx.random.uniform(-3, 3, (1003, 250), key=mx.random.key(6))
results = [
    x @ y, x.sum(), x.sum(0), x.mean(1), x.T.sum(0), x.prod(1), mx.softmax(x, -1), mx.softmax(x, 0), x.var(),
    mx.logsumexp(x, 1), mx.tanh(x.T * 2 + 1) * mx.exp(-x.T), x.argmax(0), (x.astype(mx.bfloat16) * 3).sum(1),
    mx.linalg.inv(x[:200, :200]), mx.linalg.solve(x[:150, :150], y[:150]), x[::-3, ::2] + y[0, 0],
    mx.take(x, mx.arange(700), 0),
]
for r in results:
    print(zlib.crc32(bytes(r)))
"""


def test_bits_do_not_depend_on_the_number_of_workers():
    printed = set()
    for workers in ("1", "2", "5"):
        environment = os.environ | {"ANABRANCH_NUM_THREADS": workers}
        done = subprocess.run([sys.executable, "-c", BITS], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed.add(done.stdout)
    assert len(printed) == 1
