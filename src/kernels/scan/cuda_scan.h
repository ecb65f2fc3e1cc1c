// The scans of a GPU, by what they do: each is a source file, for the time that compiling them takes.
#pragma once

#include "graph/attributes.h"
#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// Dense rows; `in` and `out` may be the same.
struct DenseRows {
  const void* in;
  void* out;
  std::int64_t rows, n;
  Dtype dtype;
};

void scan_sums(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch);
void scan_products(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch);
void scan_extremes(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch);
void scan_log_sums(const DenseRows& rows, const graph::ScanAttrs& attrs, const CudaLaunch& launch);

}  // namespace anabranch::kernels
