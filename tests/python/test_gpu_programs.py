"""Fused programs on a real GPU: the bits at first sight, interpreted, are those of the kernel compiled later, and the
CPU's where arithmetic has one answer."""

import time

import anabranch as mx
import numpy as np
import pytest


def programs():
    """What became of programs, or None where there is no GPU that compiles them."""
    if not mx.is_available(mx.gpu):
        return None
    info = mx.device_info(mx.gpu)
    if str(info["device_name"]).startswith("emulated"):
        return None
    return {k: v for k, v in info.items() if k.startswith("programs_")} or None


pytestmark = pytest.mark.skipif(programs() is None, reason="no GPU that compiles programs")


def bits(a):
    """The elements' bits, all NaNs alike."""
    host = np.array(a.astype(mx.float32) if a.dtype == mx.bfloat16 else a)
    host[host != host] = np.nan if host.dtype.kind == "f" else 0
    return host.view(f"u{host.itemsize}")


def run(f, device, inputs):
    with mx.default_device(device):
        results = f(*inputs)
        mx.eval(*results)
        return [bits(r) for r in results]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def wait_for_compiler():
    deadline = time.monotonic() + 60
    while programs()["programs_compiling"]:
        assert time.monotonic() < deadline, programs()
        time.sleep(0.01)


def check(f, *inputs, exact=True):
    first = run(f, mx.gpu, inputs)
    run(f, mx.gpu, inputs)
    wait_for_compiler()
    before = programs()
    compiled = run(f, mx.gpu, inputs)
    assert before["programs_compiled"] > 0, before["programs_error"]
    assert before["programs_error"] == "", before["programs_error"]
    assert same(first, compiled)
    if exact:
        assert same(run(f, mx.cpu, inputs), compiled)


FLOATS = [mx.float32, mx.float16, mx.bfloat16, mx.float64]
INTEGERS = [mx.int8, mx.uint8, mx.int16, mx.uint16, mx.int32, mx.uint32, mx.int64, mx.uint64]


def numbers(shape, dtype, seed):
    """All sizes that the dtype has, 0 and negative ones included."""
    rng = np.random.default_rng(seed)
    with mx.default_device(mx.cpu):
        if dtype in INTEGERS:
            return mx.array(rng.integers(-120, 120, shape)).astype(dtype)
        scale = 10.0 ** rng.integers(-6, 4, shape)
        return mx.array(rng.standard_normal(shape) * scale).astype(dtype)


def arithmetic(a, b, c):
    return [a * b + c, mx.maximum(a - b, c) * a, mx.abs(-a) < b]


def conversions(a, b, c):
    return [(a + b).astype(mx.float32), (a * c).astype(mx.bfloat16), (b - c).astype(mx.int32), (a != b).astype(mx.int8)]


@pytest.mark.parametrize("f", [arithmetic, conversions])
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_arithmetic(dtype, f):
    check(f, *(numbers((5000,), dtype, seed) for seed in range(3)))


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_16_bit_floats_at_the_ends_of_their_range(dtype):
    """Sums and products are computed by instructions of their own: subnormal and infinite ones, too."""
    rng = np.random.default_rng(1)
    with mx.default_device(mx.cpu):

        def every_float():
            places = rng.permutation(np.arange(1 << 16, dtype=np.uint32))
            if dtype == mx.float16:
                return mx.array(places.astype(np.uint16).view(np.float16))
            return mx.array((places << 16).view(np.float32)).astype(dtype)

        a, b = every_float(), every_float()
    check(lambda a, b: [a + b, a - b, a * b, a * a, a * b + b], a, b)


UNARY = (
    "exp log log2 log10 log1p expm1 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh "
    "sigmoid erf erfinv sqrt rsqrt"
)


@pytest.mark.parametrize("name", UNARY.split())
def test_functions(name):
    for dtype in FLOATS:
        check(lambda x: [getattr(mx, name)(x) + x], numbers((3000,), dtype, 1), exact=False)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "arcsin", "arccosh", "sqrt"])
def test_complex_functions(name):
    x = np.random.default_rng(2).standard_normal((2, 2000)).astype(np.float32)
    check(
        lambda re, im: [mx.real(getattr(mx, name)(re + im * 1j)), mx.imag(getattr(mx, name)(re + im * 1j))],
        mx.array(x[0]),
        mx.array(x[1]),
        exact=False,
    )


@pytest.mark.parametrize("name", ["power", "arctan2", "logaddexp", "divide", "floor_divide", "remainder"])
def test_functions_of_two(name):
    exact = name in ("divide", "floor_divide", "remainder")
    for dtype in FLOATS + INTEGERS:
        if name in ("arctan2", "logaddexp", "divide") and dtype in INTEGERS:
            continue
        check(
            lambda a, b: [getattr(mx, name)(a, b)], numbers((3000,), dtype, 1), numbers((3000,), dtype, 2), exact=exact
        )


LAYOUTS = {
    "dense": lambda a: (a, a[::-1], a),
    "one element": lambda a: (a, a[5, 7], a),
    "one row": lambda a: (a, a[3], a[:, :1]),
    "not aligned": lambda a: (a[:, 1:], a[:, :-1], a[:, 1:]),
    "every other": lambda a: (a[:, ::2], a[:, 1::2], a[:, ::2]),
    "transposed": lambda a: (a[:190], a[:, :190].T[:, :200], a[:190]),
    "short rows": lambda a: (a.reshape(-1, 4)[:, :3], a[0, :3], a[:, :50].reshape(-1, 1)),
    "four axes": lambda a: (a.reshape(4, 50, 20, 10), a.reshape(4, 50, 20, 10)[:, :1], a[:4, :20].reshape(4, 1, 20, 1)),
}


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16, mx.uint8, mx.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, dtype):
    # Views are made before the program, which then reads through them.
    check(lambda x: arithmetic(*LAYOUTS[layout](x)), numbers((200, 200), dtype, 3))
    check(lambda x: arithmetic(*LAYOUTS[layout](x)), numbers((200, 200), dtype, 4))


@pytest.mark.parametrize("count", [1, 3, 255, 4097, 1 << 20, (1 << 22) + 5])
def test_sizes(count):
    check(arithmetic, *(numbers((count,), mx.float32, seed) for seed in range(3)))


def test_long_programs():
    def f(x):
        for i in range(100):
            x = x * 0.5 + (mx.sin(x) if i % 3 else -x)
        return [x]

    check(f, numbers((10000,), mx.float32, 1), exact=False)


def test_results_take_the_place_of_what_is_gone():
    def f(x):
        y = x + 1
        mx.eval(y)
        return [y * y + y]

    check(f, numbers((100000,), mx.float32, 1))
