// Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace anabranch {

inline constexpr std::array<std::array<int, 4>, 2> threefry_rotation = {{{13, 15, 26, 6}, {17, 29, 16, 24}}};
inline constexpr std::uint32_t threefry_parity = 0x1BD11BDA;

// The two words that counter (c0, c1) becomes under key (key0, key1).
constexpr std::pair<std::uint32_t, std::uint32_t> threefry2x32(std::uint32_t key0, std::uint32_t key1, std::uint32_t c0,
                                                               std::uint32_t c1) {
  const std::uint32_t key[3] = {key0, key1, key0 ^ key1 ^ threefry_parity};
  c0 += key[0];
  c1 += key[1];
  constexpr auto rotation = threefry_rotation;  // here, since code for a GPU knows no variables of the host
  for (int block = 0; block < 5; ++block) {
    for (int r : rotation[block % 2]) {
      c0 += c1;
      c1 = std::rotl(c1, r) ^ c0;
    }
    c0 += key[(block + 1) % 3];
    c1 += key[(block + 2) % 3] + static_cast<std::uint32_t>(block) + 1;
  }
  return {c0, c1};
}

}  // namespace anabranch
