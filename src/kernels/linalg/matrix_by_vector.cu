#include "kernels/linalg/matrix_by_vector.h"
#include "kernels/reduce/fold_numbers.cuh"

namespace anabranch::kernels {
namespace {

// A sum whose terms are the elements times those of the vector at their positions.
template <typename T>
struct FoldProducts : FoldFloats<T, Sum> {
  using Accumulator = Computed<T>;

  const T* vector;
  std::int64_t step;
  bool aligned;  // for reading neighbours at once

  ANABRANCH_HOST_DEVICE Accumulator load(T x, std::int64_t at) const {
    return Prod()(load_as_computed(x), load_as_computed(vector[at * step]));
  }
  template <int N>
  __device__ void load_row(const Pack<T, N>& v, std::int64_t at, Accumulator (&values)[N]) const {
    Pack<T, N> by;
    if (aligned) {
      by = load_pack<T, N>(vector + at);
    } else {
#pragma unroll
      for (int i = 0; i < N; ++i) by.elements[i] = vector[(at + i) * step];
    }
#pragma unroll
    for (int i = 0; i < N; ++i) values[i] = Prod()(load_as_computed(v.elements[i]), load_as_computed(by.elements[i]));
  }
};

template <typename T>
void multiply(const DeviceReduction& rows, const void* vector, std::int64_t step, const CudaLaunch& launch) {
  FoldProducts<T> op;
  op.vector = static_cast<const T*>(vector);
  op.step = step;
  op.aligned = step == 1 && reinterpret_cast<std::uintptr_t>(vector) % 16 == 0;
  fold_on_device(op, rows, launch);
}

}  // namespace

bool is_matrix_by_vector(const MatmulProblem& p) { return p.batch.empty() && (p.m == 1 || p.n == 1); }

void multiply_by_vector(const MatmulProblem& p, const CudaLaunch& launch) {
  const bool left = p.m == 1;  // the vector
  const MatrixStack& matrix = left ? p.b : p.a;
  const std::int64_t results = left ? p.n : p.m;
  const Strides strides =
      left ? Strides{matrix.col_stride, matrix.row_stride} : Strides{matrix.row_stride, matrix.col_stride};
  const runtime::View rows{const_cast<void*>(matrix.data), p.dtype, {results, p.k}, strides};
  const runtime::View out{p.out, p.dtype, {results}, {1}};
  const DeviceReduction r(rows, out, 1, true);
  const void* vector = left ? p.a.data : p.b.data;
  const std::int64_t step = left ? p.a.col_stride : p.b.row_stride;
  switch (p.dtype.val) {
    case Dtype::Val::float16: return multiply<float16_t>(r, vector, step, launch);
    case Dtype::Val::bfloat16: return multiply<bfloat16_t>(r, vector, step, launch);
    case Dtype::Val::float32: return multiply<float>(r, vector, step, launch);
    case Dtype::Val::float64: return multiply<double>(r, vector, step, launch);
    case Dtype::Val::complex64: return multiply<complex64_t>(r, vector, step, launch);
    default: throw NotSupported("[matmul] No GPU kernel for " + std::string(dtype_name(p.dtype)) + ".");
  }
}

}  // namespace anabranch::kernels
