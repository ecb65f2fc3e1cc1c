// The words in which the kernels of a queue tell of indices that are out of range: of pinned memory, one for each
// submission that may be in flight.
#pragma once

#include <exception>

#include "kernels/indexing/index_faults.h"
#include "runtime/sync.h"

namespace anabranch::backends::cuda {

class CudaQueue;

class IndexWords final : public kernels::IndexFaults {
 public:
  explicit IndexWords(const CudaQueue& queue) : queue_(queue) {}
  ~IndexWords() override;
  IndexWords(const IndexWords&) = delete;

  std::uint64_t* expect(const char* function, const kernels::IndexedAxes& axes) override;
  // Once, when the queue has reached `value`: what the submission's kernels have found, or null.
  std::exception_ptr take_fault(std::uint64_t value);

 private:
  struct Table;

  const CudaQueue& queue_;
  runtime::Atomic<Table*> table_{nullptr};  // made by the first kernel that takes indices
};

}  // namespace anabranch::backends::cuda
