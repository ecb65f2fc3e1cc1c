// Linear algebra, over the last two axes; the others are a batch. LAPACK's, in float32 and float64.
//
// A matrix that is singular or not positive definite fails when the operation runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "anabranch/ops.h"

namespace anabranch::linalg {

// Vector norm over one axis, matrix norm over two. Without `ord` the 2-norm over the given axes (all, if none).
// Orders: of vectors any number; of matrices 1, -1, infinity, -infinity, "fro".
array norm(const array& a, double ord, const std::optional<std::vector<int>>& axis = std::nullopt,
           bool keepdims = false, const StreamOrDevice& s = {});
inline array norm(const array& a, double ord, int axis, bool keepdims = false, const StreamOrDevice& s = {}) {
  return norm(a, ord, std::vector<int>{axis}, keepdims, s);
}
array norm(const array& a, const std::string& ord, const std::optional<std::vector<int>>& axis = std::nullopt,
           bool keepdims = false, const StreamOrDevice& s = {});
inline array norm(const array& a, const std::string& ord, int axis, bool keepdims = false,
                  const StreamOrDevice& s = {}) {
  return norm(a, ord, std::vector<int>{axis}, keepdims, s);
}
array norm(const array& a, const std::optional<std::vector<int>>& axis = std::nullopt, bool keepdims = false,
           const StreamOrDevice& s = {});
inline array norm(const array& a, int axis, bool keepdims = false, const StreamOrDevice& s = {}) {
  return norm(a, std::vector<int>{axis}, keepdims, s);
}

// Inverse of square matrices.
array inv(const array& a, const StreamOrDevice& s = {});
// Inverse of triangular ones; the other triangle is not read.
array tri_inv(const array& a, bool upper = false, const StreamOrDevice& s = {});
// L with L L^T = a (or U with U^T U = a, if `upper`).
array cholesky(const array& a, bool upper = false, const StreamOrDevice& s = {});
// Inverse of the matrix whose cholesky() is `a`.
array cholesky_inv(const array& a, bool upper = false, const StreamOrDevice& s = {});
// x with a x = b; b holds columns, or is one vector if it has one axis. Batches are broadcast.
array solve(const array& a, const array& b, const StreamOrDevice& s = {});
// The same for triangular `a`; the other triangle is not read.
array solve_triangular(const array& a, const array& b, bool upper = false, const StreamOrDevice& s = {});
// Cross product of vectors of 2 or 3 along `axis`.
array cross(const array& a, const array& b, int axis = -1, const StreamOrDevice& s = {});

}  // namespace anabranch::linalg
