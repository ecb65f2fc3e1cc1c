// Running kernels on each instruction set that this machine has.
#pragma once

#include <cstdint>

#include "hwy/targets.h"

namespace anabranch::testing {

inline constexpr std::int64_t every_target = HWY_SCALAR | HWY_EMU128 | HWY_SSE4 | HWY_SSSE3 | HWY_AVX2 | HWY_AVX3;

// Calls f(target) for each of `targets` of which the kernels have code and the machine the instructions.
template <typename F>
void on_each_target(std::int64_t targets, F f) {
  const auto choose = [](std::int64_t only) {
    hwy::SetSupportedTargetsForTest(only);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  };
  choose(0);
  const std::int64_t supported = hwy::SupportedTargets();
  for (int i = 0; i < 63; ++i) {
    const std::int64_t bit = std::int64_t{1} << i;
    if (!(bit & targets & supported)) continue;
    choose(bit);
    f(bit);
  }
  choose(0);
}

}  // namespace anabranch::testing
