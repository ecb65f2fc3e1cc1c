// Runs what a kernel asked for on the calling thread: its phases in order, the chunks of each in order too or, with a
// seed other than 0, shuffled.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "runtime/launch.h"

inline void run_launch(anabranch::runtime::Launch& launch, unsigned seed = 0) {
  std::mt19937 random(seed);
  for (auto& phase : launch.phases()) {
    std::vector<std::size_t> order(phase.chunks);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (seed) std::shuffle(order.begin(), order.end(), random);
    for (std::size_t chunk : order) phase.run(chunk);
  }
  launch.clear();
}
