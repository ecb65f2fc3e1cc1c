// What of the CUDA runtime is used here, on a GPU that the host plays: queues.h says how. Stricter than the real one
// where that forgives, or leaves open what happens.
#pragma once

#include <cstddef>
#include <tuple>

#include "grid.h"

#define CUDART_VERSION 13000

// Names and numbers as CUDA has them.
#define EMULATED_CUDA_ERRORS(X)                                                                                    \
  X(cudaSuccess, 0) X(cudaErrorInvalidValue, 1) X(cudaErrorMemoryAllocation, 2) X(cudaErrorInitializationError, 3)  \
  X(cudaErrorCudartUnloading, 4) X(cudaErrorNoDevice, 100) X(cudaErrorInvalidDevice, 101)                           \
  X(cudaErrorDeviceUninitialized, 201) X(cudaErrorECCUncorrectable, 214) X(cudaErrorNvlinkUncorrectable, 220)       \
  X(cudaErrorInvalidResourceHandle, 400) X(cudaErrorNotReady, 600) X(cudaErrorIllegalAddress, 700)                  \
  X(cudaErrorLaunchTimeout, 702) X(cudaErrorPeerAccessAlreadyEnabled, 704) X(cudaErrorContextIsDestroyed, 709)      \
  X(cudaErrorAssert, 710) X(cudaErrorHostMemoryAlreadyRegistered, 712) X(cudaErrorHostMemoryNotRegistered, 713)     \
  X(cudaErrorHardwareStackError, 714) X(cudaErrorIllegalInstruction, 715) X(cudaErrorMisalignedAddress, 716)        \
  X(cudaErrorInvalidAddressSpace, 717) X(cudaErrorInvalidPc, 718) X(cudaErrorLaunchFailure, 719)                    \
  X(cudaErrorTensorMemoryLeak, 721) X(cudaErrorNotSupported, 801) X(cudaErrorContained, 911) X(cudaErrorUnknown, 999)
enum cudaError_t {
#define EMULATED_CUDA_ERROR(name, number) name = number,
  EMULATED_CUDA_ERRORS(EMULATED_CUDA_ERROR)
#undef EMULATED_CUDA_ERROR
};

using cudaStream_t = struct CUstream_st*;
using cudaEvent_t = struct CUevent_st*;
using cudaKernel_t = struct CUkern_st*;
using cudaLibrary_t = struct CUlib_st*;

extern "C" {  // as the real ones: other libraries of the process call them by these names

const char* cudaGetErrorString(cudaError_t);
const char* cudaGetErrorName(cudaError_t);
cudaError_t cudaGetLastError();

// Devices.
struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor, multiProcessorCount, l2CacheSize;
};
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76
};
cudaError_t cudaDriverGetVersion(int*);
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaGetDevice(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaDeviceGetAttribute(int*, cudaDeviceAttr, int);
cudaError_t cudaDeviceGetPCIBusId(char*, int, int);
cudaError_t cudaDeviceCanAccessPeer(int*, int, int);
cudaError_t cudaDeviceEnablePeerAccess(int, unsigned);

enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess = 0, cudaDriverEntryPointSymbolNotFound = 1 };
inline constexpr unsigned long long cudaEnableDefault = 0;
cudaError_t cudaGetDriverEntryPointByVersion(const char*, void**, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult*);

// Streams and events.
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2;
#define cudaStreamLegacy ((cudaStream_t)0x1)
#define cudaStreamPerThread ((cudaStream_t)0x2)
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t*, unsigned, int priority);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamQuery(cudaStream_t);
cudaError_t cudaStreamGetDevice(cudaStream_t, int*);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t);

// Memory.
enum cudaMemoryType {
  cudaMemoryTypeUnregistered = 0,
  cudaMemoryTypeHost = 1,
  cudaMemoryTypeDevice = 2,
  cudaMemoryTypeManaged = 3
};
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
inline constexpr unsigned cudaHostRegisterPortable = 1, cudaHostRegisterMapped = 2, cudaHostAllocPortable = 1;
cudaError_t cudaMalloc(void**, std::size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaHostAlloc(void**, std::size_t, unsigned);
cudaError_t cudaFreeHost(void*);
cudaError_t cudaHostRegister(void*, std::size_t, unsigned);
cudaError_t cudaHostUnregister(void*);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes*, const void*);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t);

// Kernels that a compiler made at run time: there is none.
struct cudaFuncAttributes {};
cudaError_t cudaLibraryLoadData(cudaLibrary_t*, const void*, void*, void*, unsigned, void*, void*, unsigned);
cudaError_t cudaLibraryGetKernel(cudaKernel_t*, cudaLibrary_t, const char*);
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*);
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, std::size_t, cudaStream_t);

}  // extern "C"

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
};

namespace emulated {

// Adds a command to a stream of the calling thread's device. Without a stream it is done at once: that is for tests of
// kernels alone.
cudaError_t enqueue(cudaStream_t, std::function<void()> run);
// The same for a grid of threads of a kernel.
cudaError_t launch(const cudaLaunchConfig_t&, const void* kernel, std::function<void()> thread);
cudaError_t allow_shared(const void* kernel, int bytes);

}  // namespace emulated

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
template <typename Kernel>
cudaError_t cudaFuncSetAttribute(Kernel* kernel, cudaFuncAttribute, int value) {
  return emulated::allow_shared(reinterpret_cast<const void*>(kernel), value);
}

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               const Arguments&... arguments) {
  static_assert((0 + ... + sizeof(Parameters)) <= 32764, "more than a kernel can be given");
  return emulated::launch(*config, reinterpret_cast<const void*>(kernel),
                          [kernel, given = std::tuple<Parameters...>(arguments...)] { std::apply(kernel, given); });
}
