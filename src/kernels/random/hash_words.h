// Threefry over many counters at once, for the instruction set of this machine.
#pragma once

#include <cstdint>

namespace anabranch::kernels {

// first[i], second[i] = threefry2x32(key, (c + i, d + i)) for i < n.
void hash_words(const std::uint32_t key[2], std::uint32_t c, std::uint32_t d, std::int64_t n, std::uint32_t* first,
                std::uint32_t* second);

}  // namespace anabranch::kernels
