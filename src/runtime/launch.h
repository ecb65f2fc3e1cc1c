// What a kernel sees: raw views, and a Launch that takes the work it wants done. Kernels know no array and no graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "anabranch/dtype.h"
#include "anabranch/shape.h"
#include "runtime/buffer_ref.h"

namespace anabranch {
class Event;
}

namespace anabranch::runtime {

// Memory seen as an array: the first element and the strides (in elements). Does not own.
struct View {
  void* data = nullptr;
  Dtype dtype = float32;
  Shape shape;
  Strides strides;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// The work of one submission on a CPU: phases in order, each a number of independent chunks that any number of threads
// may share. How work is cut into chunks must depend on shapes alone, never on how many threads there are: results have
// the same bits on any machine width. A chunk should take 20 us to 1 ms; a phase of one chunk runs where the submission
// runs. A chunk may throw; the first exception becomes the operation's failure.
//
// On a device with a queue of its own there are no phases: kernels add their commands to the queue.
class Queue;
class StreamState;

class Launch {
 public:
  Launch() = default;
  explicit Launch(const StreamState* stream) : stream_(stream) {}

  using Chunk = std::function<void(std::size_t)>;
  struct Phase {
    std::size_t chunks;
    double ns_per_chunk;  // estimate, for deciding whom to wake
    Chunk run;
  };

  // Adds a phase of `chunks` calls run(0) ... run(chunks - 1).
  void parallel(std::size_t chunks, double ns_per_chunk, Chunk run) {
    if (chunks) phases_.push_back({chunks, ns_per_chunk, std::move(run)});
  }
  // Adds a phase of a single call: after the phases before it, before those after it.
  void then(double ns, Chunk run) { parallel(1, ns, std::move(run)); }
  // Uninitialised memory, 64-byte aligned, of the stream's device, until the submission has finished. Throws
  // MemoryError.
  void* scratch(std::size_t bytes);
  // Memory of the stream's device for results.
  BufferRef allocate(std::size_t bytes);
  // The stream's queue; only where it has one.
  Queue& queue() const;

  std::vector<Phase>& phases() { return phases_; }
  // Tells the arenas that the device may use the scratch memory until `use`.
  void note_uses(const Event& use);
  // After a try that was refused memory.
  void undo();
  void clear();

 private:
  const StreamState* stream_ = nullptr;  // null: the host's memory
  std::vector<Phase> phases_;
  std::vector<BufferRef> scratch_;
};

// One call of a kernel. `out` is dense row-major unless the operation's definition says otherwise. Where the operation
// may update its first operand in place, out[0].data can equal in[0].data.
struct KernelCall {
  std::span<const View> in;
  std::span<const View> out;
  const void* attributes = nullptr;  // the struct in graph/attributes.h that belongs to the operation, or null

  template <typename A>
  const A& attrs() const {
    return *static_cast<const A*>(attributes);
  }
};

// Adds to `launch` what computes `call`. The views are gone when it returns: copy what the phases need. Small work may
// be done at once, without a phase.
using CpuKernel = void (*)(const KernelCall& call, Launch& launch);

}  // namespace anabranch::runtime
