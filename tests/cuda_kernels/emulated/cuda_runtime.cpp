#include "cuda_runtime.h"

#include <cstdio>
#include <utility>

#include "cuda.h"
#include "queues.h"

using emulated::Gpus;
using emulated::noted;

namespace {

thread_local cudaError_t last_error = cudaSuccess;

// Does `f` unless no call may be made.
template <typename F>
cudaError_t with_device(F&& f) {
  const cudaError_t refused = Gpus::get().enter();
  return noted(refused ? refused : f());
}
template <typename F>
cudaError_t without_device(F&& f) {
  const cudaError_t refused = Gpus::get().enter(false);
  return noted(refused ? refused : f());
}

bool exists(int device) { return device >= 0 && static_cast<std::size_t>(device) < Gpus::get().devices.size(); }

// As CUDA's streams of before: nothing else is under way.
cudaError_t at_once(const std::function<void()>& run) {
  static std::mutex& one_at_a_time = *new std::mutex;
  const std::lock_guard lock(one_at_a_time);
  run();
  return cudaSuccess;
}

}  // namespace

cudaError_t emulated::noted(cudaError_t error) {
  if (error) last_error = error;
  return error;
}

cudaError_t emulated::enqueue(cudaStream_t stream, std::function<void()> run) {
  if (!stream) return at_once(run);
  return with_device([&] { return Gpus::get().add(stream, nullptr, std::move(run)); });
}

namespace {

std::mutex shared_mutex;
auto& allowed_shared = *new std::map<const void*, std::size_t>;  // bytes, of kernels that asked for more than usual

std::size_t most_shared(const void* kernel) {
  const std::lock_guard lock(shared_mutex);
  const auto at = allowed_shared.find(kernel);
  return at == allowed_shared.end() ? 48 << 10 : at->second;
}

}  // namespace

cudaError_t emulated::allow_shared(const void* kernel, int bytes) {
  if (bytes < 0 || bytes > 227 << 10) return noted(cudaErrorInvalidValue);
  const std::lock_guard lock(shared_mutex);
  allowed_shared[kernel] = static_cast<std::size_t>(bytes);
  return cudaSuccess;
}

cudaError_t emulated::launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread) {
  const dim3 g = config.gridDim, b = config.blockDim;
  if (g.x == 0 || g.y == 0 || g.z == 0 || g.x > 0x7fffffffu || g.y > 65535 || g.z > 65535 || b.x * b.y * b.z == 0 ||
      b.x * b.y * b.z > 1024 || b.z > 64 || config.dynamicSmemBytes > most_shared(kernel))
    return noted(cudaErrorInvalidValue);
  const std::size_t shared = config.dynamicSmemBytes;
  if (!config.stream) return at_once([&] { run_grid(g, b, thread, shared); });
  Gpus& gpus = Gpus::get();
  bool breaks;
  {
    const std::lock_guard lock(gpus.mutex);
    breaks = ++gpus.launches == gpus.broken_launch;
  }
  return enqueue(config.stream, [=, &gpus, device = gpus.current(), thread = std::move(thread)] {
    if (breaks) gpus.break_device(device, cudaErrorIllegalAddress, "as it was asked to");
    else run_grid(g, b, thread, shared);
  });
}

// For tests: what the stream is given from here on waits until *open is not 0.
extern "C" cudaError_t emulated_cuda_gate(cudaStream_t stream, const int* open) {
  return with_device([&] {
    return Gpus::get().add(stream, [open] { return __atomic_load_n(open, __ATOMIC_ACQUIRE) != 0; }, [] {}, true);
  });
}

// For tests: as if a kernel had done something that it may not.
extern "C" void emulated_cuda_break(int device) {
  Gpus::get().break_device(device, cudaErrorIllegalAddress, "a test wants it");
}

const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define EMULATED_CUDA_ERROR(name, number) \
  case name: return #name;
    EMULATED_CUDA_ERRORS(EMULATED_CUDA_ERROR)
#undef EMULATED_CUDA_ERROR
  }
  return "an unknown error";
}

cudaError_t cudaGetLastError() {
  const cudaError_t last = std::exchange(last_error, cudaSuccess);
  const cudaError_t lasting = Gpus::get().enter();
  return lasting ? lasting : last;
}

// --- devices ------------------------------------------------------------------------------------------------------

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(Gpus::get().driver_version);
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  return without_device([&] {
    *count = static_cast<int>(Gpus::get().devices.size());
    return *count ? cudaSuccess : cudaErrorNoDevice;
  });
}
cudaError_t cudaGetDevice(int* device) {
  return without_device([&] {
    *device = Gpus::get().current();
    return cudaSuccess;
  });
}
cudaError_t cudaSetDevice(int device) {
  return without_device([&] { return Gpus::get().set_current(device); });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  return without_device([&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    *p = {"", Gpus::get().memory, 9, 0, 4, 1 << 20};
    std::snprintf(p->name, sizeof(p->name), "emulated GPU %d", device);
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device)) return error;
  *value = which == cudaDevAttrMultiProcessorCount      ? p.multiProcessorCount
           : which == cudaDevAttrComputeCapabilityMajor ? p.major
                                                        : p.minor;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* text, int bytes, int device) {
  std::snprintf(text, static_cast<std::size_t>(bytes), "0000:%02x:00.0", device);
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  return without_device([&] {
    *can = device != peer;
    return exists(device) && exists(peer) ? cudaSuccess : cudaErrorInvalidDevice;
  });
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return with_device(
      [&] { return exists(peer) && peer != Gpus::get().current() ? cudaSuccess : cudaErrorInvalidDevice; });
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** address, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  const std::string wanted = name;
  *address = wanted == "cuStreamWriteValue64"  ? reinterpret_cast<void*>(&cuStreamWriteValue64)
             : wanted == "cuStreamWaitValue64" ? reinterpret_cast<void*>(&cuStreamWaitValue64)
             : wanted == "cuCtxGetCurrent"     ? reinterpret_cast<void*>(&cuCtxGetCurrent)
             : wanted == "cuCtxRecordEvent"    ? reinterpret_cast<void*>(&cuCtxRecordEvent)
                                               : nullptr;
  *found = *address ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

// --- streams and events -------------------------------------------------------------------------------------------

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = emulated::most_urgent;
  return with_device([] { return cudaSuccess; });
}
// Which of two streams comes first stays open: to CUDA a priority is a hint.
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  if (flags != cudaStreamNonBlocking) emulated::die("a stream that waits for others unasked");
  if (priority < emulated::most_urgent || priority > 0) emulated::die("a priority that there is not");
  return with_device([&] { return Gpus::get().open(stream); });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return with_device([&] { return Gpus::get().close(stream); });
}
cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  return with_device([&] {
    *device = Gpus::get().resolve(stream)->progress->device;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const cudaError_t refused = Gpus::get().enter(false);
  return refused ? refused : Gpus::get().query(stream);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return with_device([&] {
    *event = new CUevent_st{Gpus::get().current(), !(flags & cudaEventDisableTiming), nullptr};
    return cudaSuccess;
  });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return with_device([&] {
    delete event;
    return cudaSuccess;
  });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return with_device([&] {
    if (event->device != Gpus::get().resolve(stream)->progress->device) return cudaErrorInvalidResourceHandle;
    auto moment = std::make_shared<emulated::Moment>();
    const cudaError_t error =
        Gpus::get().add(stream, nullptr, [moment] { moment->come = true, moment->ns = emulated::now_ns(); }, true);
    if (!error) event->moment = std::move(moment);
    return error;
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return with_device([&] {
    if (!event->moment) return cudaSuccess;
    return Gpus::get().wait(event->device, [&] { return event->moment->has_come(); }, "an event");
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return with_device([&] {
    if (!event->moment) return cudaSuccess;
    return Gpus::get().add(stream, [moment = event->moment] { return moment->has_come(); }, [] {}, true);
  });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  return static_cast<CUresult>(with_device([&] {
    *context = reinterpret_cast<CUcontext>(static_cast<std::uintptr_t>(Gpus::get().current()) + 1);
    return cudaSuccess;
  }));
}
CUresult cuCtxRecordEvent(CUcontext context, CUevent event) {
  return static_cast<CUresult>(with_device([&] {
    Gpus& gpus = Gpus::get();
    const auto device = static_cast<int>(reinterpret_cast<std::uintptr_t>(context)) - 1;
    if (!exists(device) || event->device != device) return cudaErrorInvalidResourceHandle;
    auto moment = std::make_shared<emulated::Moment>();
    const std::lock_guard lock(gpus.mutex);
    moment->ends = gpus.given(device);
    moment->come = moment->ends.empty();
    event->moment = std::move(moment);
    return cudaSuccess;
  }));
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  return with_device([&] {
    for (cudaEvent_t e : {begin, end})
      if (!e->timed || !e->moment || e->device != begin->device) return cudaErrorInvalidResourceHandle;
    const std::lock_guard lock(Gpus::get().mutex);
    if (!begin->moment->come || !end->moment->come) return cudaErrorNotReady;
    *ms = static_cast<float>(end->moment->ns - begin->moment->ns) * 1e-6f * static_cast<float>(Gpus::get().clock_rate);
    return cudaSuccess;
  });
}

CUresult cuStreamWriteValue64(CUstream stream, CUdeviceptr word, cuuint64_t value, unsigned) {
  Gpus& gpus = Gpus::get();
  cudaError_t error = gpus.enter(false);
  const emulated::Block* block = error ? nullptr : gpus.find(reinterpret_cast<const void*>(word), 8);
  if (!error && !block) error = cudaErrorInvalidValue;
  if (!error)
    error = gpus.add(
        stream, nullptr, [=] { __atomic_store_n(reinterpret_cast<cuuint64_t*>(word), value, __ATOMIC_RELEASE); }, true);
  if (!error) {
    const std::lock_guard lock(gpus.mutex);
    cuuint64_t& asked = gpus.asked[word];
    if (value <= asked) emulated::die("a counter does not grow");
    asked = value;
  }
  return static_cast<CUresult>(error);
}

CUresult cuStreamWaitValue64(CUstream stream, CUdeviceptr word, cuuint64_t value, unsigned) {
  Gpus& gpus = Gpus::get();
  cudaError_t error = gpus.enter(false);
  const emulated::Block* block = error ? nullptr : gpus.find(reinterpret_cast<const void*>(word), 8);
  if (!error && !block) error = cudaErrorInvalidValue;
  if (error) return static_cast<CUresult>(error);
  {
    // Streams share channels, so a wait that is in the channel before what it waits for would never end.
    const std::lock_guard lock(gpus.mutex);
    if (gpus.asked[word] < value) emulated::die("a stream waits for what no stream was asked to write yet");
  }
  return static_cast<CUresult>(gpus.add(
      stream, [=] { return __atomic_load_n(reinterpret_cast<const cuuint64_t*>(word), __ATOMIC_ACQUIRE) >= value; },
      [] {}, true));
}

// --- memory -------------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  return with_device([&] { return Gpus::get().allocate(p, bytes); });
}
cudaError_t cudaFree(void* p) {
  return with_device([&] { return Gpus::get().remove(p, cudaMemoryTypeDevice, true); });
}
cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned) {
  return with_device([&] { return Gpus::get().allocate_host(p, bytes); });
}
cudaError_t cudaFreeHost(void* p) {
  return with_device([&] { return Gpus::get().remove(p, cudaMemoryTypeHost, true); });
}
cudaError_t cudaHostRegister(void* p, std::size_t bytes, unsigned) {
  return with_device([&] { return Gpus::get().add_host(p, bytes); });
}
cudaError_t cudaHostUnregister(void* p) {
  return with_device([&] { return Gpus::get().remove(p, cudaMemoryTypeHost, false); });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* found, const void* p) {
  return with_device([&] {
    const emulated::Block* block = Gpus::get().find(p, 1);
    *found = block ? cudaPointerAttributes{block->type, block->device}
                   : cudaPointerAttributes{cudaMemoryTypeUnregistered, -1};
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (!stream) return at_once([&] { std::memcpy(to, from, bytes); });
  return with_device([&] {
    Gpus& gpus = Gpus::get();
    bool over_from = false, over_to = false;
    const emulated::Block *source = gpus.find(from, bytes, &over_from), *target = gpus.find(to, bytes, &over_to);
    const auto on_device = [](const emulated::Block* b) { return b && b->type == cudaMemoryTypeDevice; };
    const bool up = kind == cudaMemcpyHostToDevice, across = kind == cudaMemcpyDeviceToDevice;
    if (over_from || over_to || ((up || across) && !on_device(target)) || (across && !on_device(source)) ||
        (up && on_device(source)))
      return cudaErrorInvalidValue;
    if (!target) emulated::die("a copy to pageable memory, for which the host has to wait");
    const int device = gpus.current();
    if (!source) {  // read before the call returns
      auto staged =
          std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
      return gpus.add(stream, nullptr, [=, &gpus] {
        if (gpus.may_use(device, to, bytes)) std::memcpy(to, staged->data(), bytes);
      });
    }
    return gpus.add(stream, nullptr, [=, &gpus] {
      if (gpus.may_use(device, from, bytes) && gpus.may_use(device, to, bytes)) std::memmove(to, from, bytes);
    });
  });
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (!stream) return at_once([&] { std::memset(to, value, bytes); });
  return with_device([&] {
    Gpus& gpus = Gpus::get();
    return gpus.add(stream, nullptr, [=, &gpus, device = gpus.current()] {
      if (gpus.may_use(device, to, bytes)) std::memset(to, value, bytes);
    });
  });
}

// --- kernels that were compiled at run time -----------------------------------------------------------------------

cudaError_t cudaLibraryLoadData(cudaLibrary_t*, const void*, void*, void*, unsigned, void*, void*, unsigned) {
  return noted(cudaErrorNotSupported);
}
cudaError_t cudaLibraryGetKernel(cudaKernel_t*, cudaLibrary_t, const char*) { return noted(cudaErrorNotSupported); }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) { return noted(cudaErrorNotSupported); }
cudaError_t cudaLaunchKernel(const void*, dim3, dim3, void**, std::size_t, cudaStream_t) {
  return noted(cudaErrorNotSupported);
}
