// Products of bfloat16 by AMX, the matrix unit of recent Intel processors (x86-64 only): tiles of 16 rows of 32 steps
// times tiles of 32 steps of 16 columns, with sums in float32.
#pragma once

#include <cstdint>

#include "kernels/linalg/packed_gemm.h"

namespace anabranch::kernels {

// A panel is two tiles wide. For each 32 steps of k it holds its two tiles, one after another: of the left operand
// [row][step], of the right one [pair of steps][column][step of the pair].
inline constexpr PanelFormat amx_format{PanelFormat::Kind::Tiles, 32, 32, 256, 32};

// Whether the processor has AMX and the system lets this process use it.
bool amx_usable();

// As pack_panels and multiply_panels, for this format.
void pack_tiles(const std::uint16_t* from, std::int64_t across, std::int64_t along, std::int64_t count,
                std::int64_t depth, bool left, std::uint16_t* to);
void multiply_tiles(const void* a, const void* b, std::int64_t rows, std::int64_t cols, std::int64_t depth,
                    bool accumulate, float* c, std::int64_t ldc);

}  // namespace anabranch::kernels
