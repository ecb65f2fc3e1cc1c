#include "backends/cuda/index_words.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "backends/cuda/queue.h"

namespace anabranch::backends::cuda {
namespace {

constexpr std::size_t page = 4096;
// More submissions than a stream lets its device be behind, so that none finds another one's word.
constexpr std::size_t count = page / sizeof(std::uint64_t);

// Pages of queues that are gone. Never destroyed.
struct Spare {
  runtime::Mutex mutex;
  std::vector<std::uint64_t*> pages;  // under mutex
};
Spare& spare() {
  static Spare& s = *new Spare;
  return s;
}

// The system's memory, registered, as a timeline's; zeros.
std::uint64_t* take_page() {
  runtime::Lock lock(spare().mutex);
  if (auto& pages = spare().pages; !pages.empty()) {
    std::uint64_t* words = pages.back();
    pages.pop_back();
    return words;
  }
  void* memory = std::aligned_alloc(page, page);
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, page);
  const cudaError_t result = cudaHostRegister(memory, page, cudaHostRegisterPortable | cudaHostRegisterMapped);
  if (result != cudaSuccess) std::free(memory);
  check(result, "cudaHostRegister");
  return static_cast<std::uint64_t*>(memory);
}

}  // namespace

struct IndexWords::Table {
  std::uint64_t* const words = take_page();
  struct {
    std::uint64_t value = 0;  // of the queue
    const char* function = nullptr;
    kernels::IndexedAxes axes;
  } expected[count];
};

IndexWords::~IndexWords() {
  const Table* table = table_.load();
  if (!table || queue_.gpu().is_lost()) return;  // lost: kernels may not have ended, or the lock be in any state
  {
    runtime::Lock lock(spare().mutex);
    spare().pages.push_back(table->words);
  }
  delete table;
}

std::uint64_t* IndexWords::expect(const char* function, const kernels::IndexedAxes& axes) {
  if (!table_.load()) table_.store(new Table);  // one thread at a time adds commands
  Table& table = *table_.load();
  const std::uint64_t value = queue_.next_value();
  table.expected[value % count] = {value, function, axes};
  return &table.words[value % count];
}

std::exception_ptr IndexWords::take_fault(std::uint64_t value) {
  Table* table = table_.load();
  if (!table) return nullptr;
  const auto& expected = table->expected[value % count];
  if (expected.value != value) return nullptr;
  // The GPU has written it before the queue's counter.
  const std::uint64_t found = __atomic_exchange_n(&table->words[value % count], 0, __ATOMIC_RELAXED);
  return found ? kernels::explained_fault(found, expected.function, expected.axes) : nullptr;
}

}  // namespace anabranch::backends::cuda
