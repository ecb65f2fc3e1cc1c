#include "runtime/launch.h"

#include "runtime/memory.h"

namespace anabranch::runtime {

void* Launch::scratch(std::size_t bytes) {
  scratch_.push_back(allocate(bytes));
  return scratch_.back()->data;
}

void Launch::clear() {
  phases_.clear();
  scratch_.clear();
}

}  // namespace anabranch::runtime
