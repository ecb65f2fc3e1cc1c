// What of the CUDA driver's interface is used here.
#pragma once

#include <cstdint>

enum CUresult { CUDA_SUCCESS = 0 };  // otherwise the numbers of cudaError_t
using CUstream = struct CUstream_st*;
using CUdeviceptr = unsigned long long;
using cuuint64_t = std::uint64_t;

inline constexpr unsigned CU_STREAM_WRITE_VALUE_DEFAULT = 0, CU_STREAM_WAIT_VALUE_GEQ = 0;
CUresult cuStreamWriteValue64(CUstream, CUdeviceptr, cuuint64_t, unsigned);
CUresult cuStreamWaitValue64(CUstream, CUdeviceptr, cuuint64_t, unsigned);
