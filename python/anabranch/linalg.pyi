"""The type stubs of Anabranch, written by python/functions/make_stubs.py."""

from collections.abc import Sequence

from anabranch._core import Dtype, StreamOrDevice, array, float32, int32, scalar

def cholesky(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array:
    """L with L L^T = a (or U with U^T U = a). A matrix that is not positive definite fails when the operation runs."""

def cholesky_inv(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Inverse of the matrix whose cholesky() is `a`."""

def cross(a: array, b: array, axis: int = -1, *, stream: StreamOrDevice = None) -> array:
    """Cross product of vectors of 2 or 3 along `axis`."""

def inv(a: array, *, stream: StreamOrDevice = None) -> array:
    """Inverse of square matrices. A singular one fails when the operation runs."""

def matrix_norm(a: array, /, ord: None | int | float | str = None, axis: None | int | list[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Vector norm over one axis, matrix norm over two; without `ord` the 2-norm over the axes given, or all."""

def norm(a: array, /, ord: None | int | float | str = None, axis: None | int | list[int] = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Vector norm over one axis, matrix norm over two; without `ord` the 2-norm over the axes given, or all."""

def solve(a: array, b: array, *, stream: StreamOrDevice = None) -> array:
    """x with a x = b; b holds columns, or is one vector. A singular matrix fails when the operation runs."""

def solve_triangular(a: array, b: array, *, upper: bool = False, stream: StreamOrDevice = None) -> array:
    """x with a x = b for triangular `a`; the other triangle is not read."""

def tri_inv(a: array, upper: bool = False, *, stream: StreamOrDevice = None) -> array:
    """Inverse of triangular matrices; the other triangle is not read."""
