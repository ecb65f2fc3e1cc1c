// What of the CUDA driver's interface is used here.
#pragma once

#include <cstdint>

enum CUresult { CUDA_SUCCESS = 0 };  // otherwise the numbers of cudaError_t
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUcontext = struct CUctx_st*;
using CUdeviceptr = unsigned long long;
using cuuint64_t = std::uint64_t;

inline constexpr unsigned CU_STREAM_WRITE_VALUE_DEFAULT = 0, CU_STREAM_WAIT_VALUE_GEQ = 0;
extern "C" CUresult cuStreamWriteValue64(CUstream, CUdeviceptr, cuuint64_t, unsigned);
extern "C" CUresult cuStreamWaitValue64(CUstream, CUdeviceptr, cuuint64_t, unsigned);
extern "C" CUresult cuCtxGetCurrent(CUcontext*);
extern "C" CUresult cuCtxRecordEvent(CUcontext, CUevent);
