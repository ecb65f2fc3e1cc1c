#include "kernels/linalg/factorization.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace anabranch::kernels {

blas_int* info_scratch(std::int64_t matrices, runtime::Launch& launch) {
  auto* info = static_cast<blas_int*>(launch.scratch(static_cast<std::size_t>(matrices) * sizeof(blas_int)));
  std::fill_n(info, matrices, 0);
  return info;
}

void require_success(Factorization kind, const blas_int* info, std::int64_t matrices) {
  const blas_int* failed = std::find_if(info, info + matrices, [](blas_int i) { return i != 0; });
  if (failed == info + matrices) return;
  const std::string which =
      matrices == 1 ? "The matrix" : "Matrix " + std::to_string(failed - info) + " of the batch";
  if (kind == Factorization::Cholesky) {
    throw std::runtime_error("[linalg.cholesky] " + which + " is not positive definite (the leading minor of order " +
                             std::to_string(*failed) + " is not positive).");
  }
  const std::string at = std::to_string(*failed - 1);
  throw std::runtime_error(std::string(kind == Factorization::InverseLU ? "[linalg.inv] " : "[linalg.solve] ") + which +
                           " is singular (pivot " + at + " of its LU factorization is zero).");
}

}  // namespace anabranch::kernels
