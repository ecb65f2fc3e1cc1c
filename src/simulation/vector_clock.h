// What a fiber knows of the others: of each, up to which of its own epochs everything has happened before now.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace anabranch::simulation {

class VectorClock {
 public:
  static constexpr std::size_t width = 32;  // fibers alive at once

  std::uint32_t& operator[](std::size_t fiber) { return epochs_[fiber]; }
  std::uint32_t operator[](std::size_t fiber) const { return epochs_[fiber]; }
  void join(const VectorClock& other) {
    for (std::size_t i = 0; i < width; ++i) epochs_[i] = std::max(epochs_[i], other.epochs_[i]);
  }

 private:
  std::array<std::uint32_t, width> epochs_{};
};

}  // namespace anabranch::simulation
