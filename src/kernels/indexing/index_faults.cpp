#include "kernels/indexing/index_faults.h"

#include <stdexcept>
#include <string>

namespace anabranch::kernels {

std::exception_ptr explained_fault(std::uint64_t packed, const char* function, const IndexedAxes& axes) {
  const IndexedAxis& at = axes[packed >> 1 & 7];
  const std::int64_t index = static_cast<std::int64_t>(packed) >> 4;
  std::string text = std::string("[") + function + "] ";
  text += index == beyond ? "an index" : "index " + std::to_string(index);
  text += " is out of bounds for axis " + std::to_string(at.axis) + " with size " + std::to_string(at.extent) + ".";
  return std::make_exception_ptr(std::out_of_range(text));
}

}  // namespace anabranch::kernels
