// Products of a matrix and a vector on a GPU, which take as long as reading the matrix does: a reduction of its rows.
#pragma once

#include "kernels/cuda_launch.h"
#include "kernels/linalg/matmul_problem.h"

namespace anabranch::kernels {

// Whether one of the factors is a vector, and there is one product.
bool is_matrix_by_vector(const MatmulProblem& p);
void multiply_by_vector(const MatmulProblem& p, const CudaLaunch& launch);

}  // namespace anabranch::kernels
