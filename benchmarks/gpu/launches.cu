// What a chain of small kernels costs by a stream, and as a CUDA graph with explicit nodes: built and launched once, as
// an evaluation would, or launched again. Checks that each way has run every kernel.
//
//   nvcc -O2 -std=c++20 -arch=sm_90 -o launches benchmarks/gpu/launches.cu && ./launches
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

void check(cudaError_t code, int line) {
  if (code == cudaSuccess) return;
  std::printf("line %d: %s\n", line, cudaGetErrorString(code));
  std::exit(1);
}
#define CHECK(call) check(call, __LINE__)

// About as long as a kernel over some ten thousand elements.
__global__ void step(float* x, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) x[i] += 1;
}

constexpr int count = 16 * 1024, threads = 256, blocks = count / threads;

double microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Chain {
  float* x = nullptr;
  int length;
  cudaStream_t stream = nullptr;
  int done = 0;

  void by_stream() {
    for (int i = 0; i < length; ++i) step<<<blocks, threads, 0, stream>>>(x, count);
    CHECK(cudaGetLastError());
    done += length;
  }
  cudaGraphExec_t build() {
    cudaGraph_t graph;
    CHECK(cudaGraphCreate(&graph, 0));
    int n = count;
    void* arguments[] = {&x, &n};
    cudaKernelNodeParams parameters{};
    parameters.func = reinterpret_cast<void*>(step);
    parameters.gridDim = dim3(blocks);
    parameters.blockDim = dim3(threads);
    parameters.kernelParams = arguments;
    cudaGraphNode_t last = nullptr;
    for (int i = 0; i < length; ++i) {
      cudaGraphNode_t node;
      CHECK(cudaGraphAddKernelNode(&node, graph, i ? &last : nullptr, i ? 1 : 0, &parameters));
      last = node;
    }
    cudaGraphExec_t executable;
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
    CHECK(cudaGraphDestroy(graph));
    return executable;
  }
  void launch(cudaGraphExec_t graph) {
    CHECK(cudaGraphLaunch(graph, stream));
    done += length;
  }
};

template <typename F>
double least(Chain& chain, F&& run) {
  double best = 1e18;
  for (int turn = 0; turn < 30; ++turn) {
    const double begin = microseconds();
    run();
    CHECK(cudaStreamSynchronize(chain.stream));
    best = std::min(best, microseconds() - begin);
  }
  return best / chain.length;
}

}  // namespace

int main() {
  std::printf("microseconds for each kernel, all counted\n%8s %10s %16s %16s\n", "kernels", "stream", "graph, anew",
              "graph, again");
  for (const int length : {1, 4, 16, 64, 256, 1024}) {
    Chain chain{.length = length};
    CHECK(cudaMalloc(&chain.x, count * sizeof(float)));
    CHECK(cudaMemset(chain.x, 0, count * sizeof(float)));
    CHECK(cudaStreamCreateWithFlags(&chain.stream, cudaStreamNonBlocking));
    const double by_stream = least(chain, [&] { chain.by_stream(); });
    const double anew = least(chain, [&] {
      const cudaGraphExec_t graph = chain.build();
      chain.launch(graph);
      CHECK(cudaStreamSynchronize(chain.stream));
      CHECK(cudaGraphExecDestroy(graph));
    });
    const cudaGraphExec_t kept = chain.build();
    const double again = least(chain, [&] { chain.launch(kept); });
    std::vector<float> result(count);
    CHECK(cudaMemcpy(result.data(), chain.x, count * sizeof(float), cudaMemcpyDeviceToHost));
    for (const float value : result)
      if (value != static_cast<float>(chain.done)) return std::printf("wrong: %f\n", value), 1;
    std::printf("%8d %10.2f %16.2f %16.2f\n", length, by_stream, anew, again);
  }
}
