#include "kernels/linalg/factorization.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace anabranch::kernels {

blas_int* info_scratch(std::int64_t matrices, runtime::Launch& launch) {
  auto* info = static_cast<blas_int*>(launch.scratch(static_cast<std::size_t>(matrices) * sizeof(blas_int)));
  std::fill_n(info, matrices, 0);
  return info;
}

void require_success(Factorization kind, const blas_int* info, std::int64_t matrices) {
  const blas_int* failed = std::find_if(info, info + matrices, [](blas_int i) { return i != 0; });
  if (failed == info + matrices) return;
  std::ostringstream message;
  message << (kind == Factorization::Cholesky    ? "[linalg::cholesky] "
              : kind == Factorization::InverseLU ? "[linalg::inv] "
                                                 : "[linalg::solve] ");
  if (matrices == 1) {
    message << "The matrix";
  } else {
    message << "Matrix " << failed - info << " of the batch";
  }
  if (kind == Factorization::Cholesky) {
    message << " is not positive definite (the leading minor of order " << *failed << " is not positive).";
  } else {
    message << " is singular (pivot " << *failed - 1 << " of its LU factorization is zero).";
  }
  throw std::runtime_error(message.str());
}

}  // namespace anabranch::kernels
