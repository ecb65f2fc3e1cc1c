// A small random number generator whose every number follows from its seed, on any machine.
#pragma once

#include <cstdint>

namespace anabranch::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // Steele, Lea and Flood's SplitMix64.
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 to n - 1.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>((next() >> 32) * n >> 32); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  // One of the arguments.
  template <typename T, typename... Ts>
  T pick(T first, Ts... rest) {
    const T all[] = {first, static_cast<T>(rest)...};
    return all[below(1 + sizeof...(rest))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace anabranch::simulation
