// cuBLASLt, opened when it is first needed.
#pragma once

#include <cublasLt.h>

#include "kernels/cuda_launch.h"

namespace anabranch::kernels {

// Its functions that are called here.
struct CublasLt {
#define ANABRANCH_CUBLASLT(X)                                                                                     \
  X(Create) X(GetStatusString) X(MatmulDescCreate) X(MatmulDescSetAttribute) X(MatrixLayoutCreate)                  \
  X(MatrixLayoutSetAttribute) X(MatmulPreferenceCreate) X(MatmulPreferenceSetAttribute) X(MatmulPreferenceDestroy) \
  X(MatmulDescDestroy) X(MatrixLayoutDestroy) X(MatmulAlgoGetHeuristic) X(Matmul)
#define ANABRANCH_DECLARE(name) decltype(&cublasLt##name) name;
  ANABRANCH_CUBLASLT(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

  void check(cublasStatus_t status, const char* what) const;
};

// Throws NotSupported where it is not installed.
const CublasLt& cublaslt();

// That of the calling thread's current device, whose number is `device`.
cublasLtHandle_t cublaslt_handle(int device);

}  // namespace anabranch::kernels
