"""Arrays print as MLX prints them."""

import anabranch as mx
import pytest


@pytest.fixture(autouse=True)
def default_options():
    yield
    mx.set_printoptions()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: mx.array(3), "array(3, dtype=int32)"),
        (lambda: mx.array(True), "array(True, dtype=bool)"),
        (lambda: mx.array([1.0, 2.5, 1e10, 1e-10, 1 / 3, 123456789]),
         "array([1, 2.5, 1e+10, 1e-10, 0.333333, 1.23457e+08], dtype=float32)"),
        (lambda: mx.array([float("nan"), float("inf"), -float("inf"), -0.0]),
         "array([nan, inf, -inf, -0], dtype=float32)"),
        (lambda: mx.array([1.1, 2.2], mx.float16), "array([1.09961, 2.19922], dtype=float16)"),
        (lambda: mx.array([1.1, 2.2], mx.bfloat16), "array([1.10156, 2.20312], dtype=bfloat16)"),
        (lambda: mx.array([1 + 2j, -1.5 - 0.25j, complex("nan+infj")]),
         "array([1+2j, -1.5-0.25j, nan+infj], dtype=complex64)"),
        (lambda: mx.array([2**63 - 1, -(2**63)]), "array([9223372036854775807, -9223372036854775808], dtype=int64)"),
        (lambda: mx.zeros((0,)), "array([], dtype=float32)"),
        (lambda: mx.zeros((2, 0, 3)), "array([[],\n       []], dtype=float32)"),
        (lambda: mx.arange(6), "array([0, 1, 2, 3, 4, 5], dtype=int32)"),
        (lambda: mx.arange(7), "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)"),
        (lambda: mx.arange(6).reshape(2, 3).T, "array([[0, 3],\n       [1, 4],\n       [2, 5]], dtype=int32)"),
        (lambda: mx.arange(8).reshape(2, 2, 2),
         "array([[[0, 1],\n        [2, 3]],\n       [[4, 5],\n        [6, 7]]], dtype=int32)"),
        (lambda: mx.arange(14).reshape(7, 2),
         "array([[0, 1],\n       [2, 3],\n       [4, 5],\n       ...,\n       [8, 9],\n       [10, 11],\n"
         "       [12, 13]], dtype=int32)"),
    ],
)  # fmt: skip
def test_repr_and_str(make, text):
    a = make()
    assert repr(a) == text
    assert str(a) == text


def test_precision():
    a = mx.array([1 / 3, 2.0])
    with mx.printoptions(precision=2):
        assert repr(a) == "array([0.33, 2.00], dtype=float32)"
        with mx.printoptions(precision=0):
            assert repr(a) == "array([0, 2], dtype=float32)"
        assert repr(a) == "array([0.33, 2.00], dtype=float32)"
    assert repr(a) == "array([0.333333, 2], dtype=float32)"
    mx.set_printoptions(precision=3)
    assert mx.get_printoptions().precision == 3
    assert repr(mx.array([1 / 3 + 2j])) == "array([0.333+2.000j], dtype=complex64)"
    assert repr(mx.array([1])) == "array([1], dtype=int32)"
    with pytest.raises(ValueError):
        mx.set_printoptions(precision=-2)


def test_the_largest_numbers_fit():
    mx.set_printoptions(precision=100)
    assert "e" not in repr(mx.array([-1.7e308], mx.float64)).split("dtype")[0]


def test_printing_a_failed_array_raises():
    bad = mx.linalg.inv(mx.zeros((2, 2)), stream=mx.cpu)
    for _ in range(2):
        with pytest.raises(Exception, match="inv"):
            repr(bad)
