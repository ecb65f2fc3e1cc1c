"""Products of matrices, inverse, linear systems and Cholesky, against NumPy."""

import anabranch as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import FLOATS, LAYOUTS, dtype, is_float, name_of, on_cuda, stored, to_mlx, to_numpy, wide

# A GPU multiplies float32 in TF32, whose factors have 10 bits after the point.
FLOAT32_TOLERANCE = 1e-3 if on_cuda() else 1e-5
TOLERANCE = {
    "float16": 2e-3,
    "bfloat16": 1.6e-2,
    "float32": FLOAT32_TOLERANCE,
    "float64": 1e-12,
    "complex64": 1e-5,
}
INEXACT = [*FLOATS, "complex64"]


def random(name, shape, seed=0):
    """Our array and NumPy's values of it, which are of order one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    if name == "complex64":
        x = x + 1j * rng.normal(size=shape)
    a = to_mlx(x.astype(np.complex64 if name == "complex64" else np.float64), name)
    return a, to_numpy(a)


def in_layout(layout, name, shape, seed=0):
    n = len(shape)
    if layout == "transposed" and n >= 2:
        a, x = random(name, (*shape[:-2], shape[-1], shape[-2]), seed)
        return a.swapaxes(-1, -2), np.swapaxes(x, -1, -2)
    if layout == "reversed":
        a, x = random(name, shape, seed)
        key = (slice(None, None, -1),) * n
        return a[key], x[key]
    if layout == "stepped":
        a, x = random(name, tuple(2 * extent for extent in shape), seed)
        key = (slice(None, None, 2),) * n
        return a[key], x[key]
    if layout == "broadcast":
        a, x = random(name, (1, *shape[1:]), seed)
        return mx.broadcast_to(a, shape), np.broadcast_to(x, shape)
    return random(name, shape, seed)


def check_product(a, x, b, y, name, what=""):
    got = mx.matmul(a, b)
    assert name_of(got.dtype) == name
    p, q = x.astype(wide(name)), y.astype(wide(name))
    expected = np.matmul(p, q)
    assert got.shape == expected.shape, what
    size = np.matmul(np.abs(p), np.abs(q)) + 1e-30
    if got.size:
        off = np.max(np.abs(to_numpy(got) - expected) / size)
        assert off <= TOLERANCE[name], (what, off)


SHAPES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (7, 3, 4)), ((1, 1), (1, 1)), ((17, 33), (33, 19)), ((1, 70), (70, 65)), ((65, 70), (70, 1)),
    ((4, 3), (6, 3, 2)), ((2, 1, 3), (1, 3, 2)), ((64, 1), (1, 64)), ((3,), (2, 3, 4)), ((2, 4, 3), (3,)),
]  # fmt: skip


@pytest.mark.parametrize("name", INEXACT)
@pytest.mark.parametrize(("shape_a", "shape_b"), SHAPES)
def test_matmul(shape_a, shape_b, name):
    for layout_a in LAYOUTS:
        for layout_b in ("dense", "transposed", layout_a):
            (a, x), (b, y) = in_layout(layout_a, name, shape_a, 1), in_layout(layout_b, name, shape_b, 2)
            check_product(a, x, b, y, name, f"{layout_a} {layout_b}")


@pytest.mark.parametrize("name", INEXACT)
@pytest.mark.parametrize("extents", [(129, 257, 131), (1, 1000, 300), (300, 1000, 1), (400, 7, 5), (5, 2000, 6)])
def test_matmul_of_larger_matrices(name, extents):
    m, k, n = extents
    (a, x), (b, y) = random(name, (m, k), 1), random(name, (k, n), 2)
    check_product(a, x, b, y, name)
    check_product(a.T.swapaxes(0, 1), x, b, y, name)
    (bt, yt), (at, xt) = random(name, (n, k), 3), random(name, (k, m), 4)
    check_product(at.T, xt.T, bt.T, yt.T, name)


@pytest.mark.parametrize(
    ("shape_a", "shape_b"), [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((0,), (0,))]
)
def test_matmul_of_empty_matrices(shape_a, shape_b):
    got = mx.matmul(mx.ones(shape_a), mx.ones(shape_b))
    assert np.array_equal(np.array(got), np.matmul(np.ones(shape_a), np.ones(shape_b)))


def test_matmul_of_nan_and_infinity():
    a = mx.array([[np.inf, 1.0], [np.nan, 0.0]])
    got = np.array(a @ mx.array([[1.0], [0.0]])).ravel()
    assert got[0] == np.inf
    assert np.isnan(got[1])


@given(
    batch=st.lists(st.sampled_from([1, 2, 3]), max_size=2),
    m=st.integers(1, 20), k=st.integers(1, 40), n=st.integers(1, 20),
    name=st.sampled_from(["float32", "bfloat16", "float64"]), seed=st.integers(0, 9),
)  # fmt: skip
def test_matmul_of_any_shape(batch, m, k, n, name, seed):
    (a, x), (b, y) = random(name, (*batch, m, k), seed), random(name, (*[1] * len(batch), k, n), seed + 1)
    check_product(a, x, b, y, name)


def test_matmul_promotes_and_refuses():
    a = mx.ones((2, 2), mx.float16)
    assert mx.matmul(a, mx.ones((2, 2), mx.bfloat16)).dtype == mx.float32
    assert (a @ mx.ones((2, 2), mx.complex64)).dtype == mx.complex64
    for b in (mx.ones((3, 2)), mx.ones((3,)), mx.ones((3, 3, 2))):
        with pytest.raises(ValueError, match="matmul"):
            mx.matmul(a, b)
    with pytest.raises(ValueError, match="matmul"):
        mx.matmul(a, mx.array(1.0))
    with pytest.raises(ValueError, match="matmul"):
        mx.matmul(mx.ones((2, 2), mx.int32), mx.ones((2, 2), mx.int32))
    with pytest.raises(TypeError):
        mx.matmul(a, 2)


def test_other_products():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4)).astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32)
    c = rng.normal(size=(5,)).astype(np.float32)
    a, b = mx.array(x), mx.array(y)
    close = dict(rtol=FLOAT32_TOLERANCE, atol=FLOAT32_TOLERANCE)
    np.testing.assert_allclose(np.array(mx.addmm(mx.array(c), a, b, 2, 0.5)), 0.5 * c + 2 * (x @ y), **close)
    np.testing.assert_allclose(np.array(mx.inner(a, b.T)), x @ y, **close)
    np.testing.assert_allclose(np.array(mx.outer(a, c)), np.outer(x, c), rtol=1e-6)
    np.testing.assert_allclose(np.array(mx.kron(a, b)), np.kron(x, y), rtol=1e-6)
    np.testing.assert_allclose(np.array(mx.tensordot(a, b, 1)), np.tensordot(x, y, 1), **close)
    z = rng.normal(size=(4, 3, 2)).astype(np.float32)
    got = mx.tensordot(a, mx.array(z), [[0, 1], [1, 0]])
    np.testing.assert_allclose(np.array(got), np.tensordot(x, z, [[0, 1], [1, 0]]), **close)


# --- LAPACK


def regular(name, shape, seed=0):
    """Well-conditioned square matrices."""
    a, x = random(name, shape, seed)
    eye = np.eye(shape[-1]) * shape[-1]
    return a + to_mlx(eye, name), x + eye.astype(x.dtype)


SQUARES = [(1, 1), (2, 2), (5, 5), (33, 33), (4, 3, 3), (2, 3, 6, 6), (130, 130)]


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("shape", SQUARES)
def test_inverse(name, shape):
    a, x = regular(name, shape)
    tolerance = 1e-9 if name == "float64" else 1e-4
    for at in (a, a.swapaxes(-1, -2)):
        xt = x if at is a else np.swapaxes(x, -1, -2)
        got = mx.linalg.inv(at)
        assert got.dtype == dtype(name)
        np.testing.assert_allclose(np.array(got), np.linalg.inv(xt.astype(np.float64)), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("shape", SQUARES)
def test_solve(name, shape):
    a, x = regular(name, shape)
    tolerance = 1e-9 if name == "float64" else 1e-4
    b, y = random(name, (*shape[:-1], 3), 7)
    got = mx.linalg.solve(a, b)
    assert got.dtype == dtype(name)
    np.testing.assert_allclose(np.array(got), np.linalg.solve(x.astype(np.float64), y), rtol=tolerance, atol=tolerance)
    v, w = random(name, (shape[-1],), 8)
    if len(shape) == 2:
        np.testing.assert_allclose(
            np.array(mx.linalg.solve(a, v)), np.linalg.solve(x.astype(np.float64), w), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("shape", SQUARES)
def test_cholesky(name, shape):
    _, x = random(name, shape)
    x = x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1], dtype=x.dtype) * shape[-1]
    a = to_mlx(x, name)
    tolerance = 1e-9 if name == "float64" else 1e-3
    lower = np.array(mx.linalg.cholesky(a))
    np.testing.assert_allclose(lower, np.linalg.cholesky(x.astype(np.float64)), rtol=tolerance, atol=tolerance)
    upper = np.array(mx.linalg.cholesky(a, upper=True))
    np.testing.assert_allclose(upper, np.swapaxes(lower, -1, -2), rtol=tolerance, atol=tolerance)
    assert not np.triu(lower, 1).any()


def test_triangular():
    a, x = regular("float32", (5, 5))
    b, y = random("float32", (5, 2), 3)
    for upper in (False, True):
        t = (np.triu if upper else np.tril)(x).astype(np.float64)
        np.testing.assert_allclose(np.array(mx.linalg.tri_inv(a, upper)), np.linalg.inv(t), rtol=1e-4, atol=1e-5)
        got = mx.linalg.solve_triangular(a, b, upper=upper)
        np.testing.assert_allclose(np.array(got), np.linalg.solve(t, y), rtol=1e-4, atol=1e-5)


def test_failures_come_when_the_operation_runs():
    singular = mx.ones((3, 3))
    bad = mx.linalg.inv(singular)
    after = bad + 1
    beside = singular * 2
    assert beside.sum().item() == 18
    for a in (bad, after, bad.T, mx.sum(after)):
        for _ in range(2):
            with pytest.raises(RuntimeError, match="inv"):
                a.tolist()
    with pytest.raises(RuntimeError, match="solve"):
        mx.eval(mx.linalg.solve(mx.zeros((2, 2)), mx.ones((2,))))
    with pytest.raises(RuntimeError, match="cholesky"):
        mx.eval(mx.linalg.cholesky(mx.array([[1.0, 2.0], [2.0, 1.0]])))
    one_of_many = mx.stack([mx.eye(2), mx.zeros((2, 2)), mx.eye(2)])
    with pytest.raises(RuntimeError, match="inv"):
        mx.eval(mx.linalg.inv(one_of_many))


@pytest.mark.parametrize("f", ["inv", "cholesky"])
def test_bad_matrices(f):
    f = getattr(mx.linalg, f)
    for bad in (mx.ones((2, 3)), mx.ones((3,)), mx.array(1.0), mx.ones((2, 2), mx.int32), mx.ones((2, 2), mx.float16)):
        with pytest.raises(ValueError, match="linalg"):
            f(bad)
    for bad in (3, None, [[1.0]]):
        with pytest.raises(TypeError):
            f(bad)


def test_bad_systems():
    a = mx.eye(3)
    for b in (mx.ones((2,)), mx.ones((2, 3)), mx.array(1.0)):
        with pytest.raises(ValueError, match="linalg"):
            mx.linalg.solve(a, b)
    with pytest.raises(ValueError, match="linalg"):
        mx.linalg.solve(mx.ones((2, 3)), mx.ones((2,)))


def test_norm():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    a = mx.array(x)
    assert mx.linalg.norm(a).item() == pytest.approx(np.linalg.norm(x), rel=1e-6)
    for order in (1, 2, 3, np.inf, -np.inf, 0):
        np.testing.assert_allclose(np.array(mx.linalg.norm(a, order, 1)), np.linalg.norm(x, order, 1), rtol=1e-5)
    for order in ("fro", 1, -1, np.inf, -np.inf):
        got = mx.linalg.norm(a, order, [0, 1], keepdims=True)
        np.testing.assert_allclose(np.array(got), np.linalg.norm(x, order, (0, 1), True), rtol=1e-5)


def test_cross():
    x, y = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[0.5, -1, 2], [3, 1, 1]])
    np.testing.assert_allclose(np.array(mx.linalg.cross(mx.array(x), mx.array(y))), np.cross(x, y), rtol=1e-6)


def test_every_real_float_multiplies():
    for name in FLOATS:
        assert is_float(name)
        a = to_mlx(np.eye(3, dtype=stored(name)), name)
        assert (a @ a).tolist() == np.eye(3).tolist()
