// Transposition of a rectangle of elements in registers and L1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace anabranch::kernels {

// dst[j][i] = src[i][j] for i < rows, j < columns and elements of `itemsize` 1, 2, 4 or 8 bytes: src[i] begins at
// src + i * src_step and is dense, dst[j] at dst + j * dst_step (steps in bytes). `stream`: stores go around the
// caches.
void transpose(char* dst, std::ptrdiff_t dst_step, const char* src, std::ptrdiff_t src_step, std::int64_t rows,
               std::int64_t columns, std::size_t itemsize, bool stream);

}  // namespace anabranch::kernels
