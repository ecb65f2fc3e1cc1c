// Where the operands of a fused program lie, and how blocks of them move between memory and registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/launch.h"

namespace anabranch::kernels {

struct Operand {
  enum class Kind : std::uint8_t { dense, uniform, strided, generated };
  std::byte* data = nullptr;
  Dtype dtype = float32;
  Kind kind = Kind::dense;
  // Over Layout::shape; empty for a dense operand of a layout without tiles, and for a uniform one. A generated one's:
  // from the first word of its key, where `data` is, to the second.
  Strides strides;
};

// The domain with neighbouring axes merged where every operand allows it. A block is a range of it in row-major order
// or, where an operand is contiguous along another axis than the last (it is transposed), a tile of these two axes.
struct Layout {
  std::int64_t count = 0;
  Shape shape;  // empty where all operands are dense or uniform
  int tile_axis = -1;
  std::size_t tile_rows = 0;
  std::int64_t row = 0;                     // the last axis' extent, where blocks end with rows: these are long, and a
                                            // strided operand is contiguous along them, or the same
  std::vector<Operand> in, out;             // out: dense
  std::size_t in_bytes = 0, out_bytes = 0;  // that one element reads and writes, of dense and strided operands

  bool tiled() const { return tile_axis >= 0; }
};

void lay_out(const Shape& shape, std::span<const runtime::View> in, std::span<const runtime::View> out, Layout& result);

// A range of the domain, or a tile of rows (along tile_axis) and columns (along the last axis).
struct Block {
  std::int64_t first = 0;             // range: number of the first element
  std::size_t count = 0;              // elements
  Shape outer;                        // tile: the index of its first element
  std::size_t rows = 0, columns = 0;  // tile
};

// The first element of a block of a layout without tiles, for an operand that is not uniform.
std::byte* first_element(const Layout& layout, const Operand& operand, const Block& block);
// The block's memory where it is one contiguous run of it, else null.
std::byte* contiguous_run(const Layout& layout, const Operand& operand, const Block& block);
// Copies the block to consecutive elements at `to`.
void gather(const Layout& layout, const Operand& operand, const Block& block, void* to);
// Copies consecutive elements at `from` to the block.
void scatter(const Layout& layout, const Operand& operand, const Block& block, const void* from);

// Asks for the cache lines of a tile that comes later.
void prefetch_tile(const Layout& layout, const Operand& operand, const Block& tile);

// Columns of a tile; as many rows (Layout::tile_rows) as a cache line along the tile axis has elements.
inline constexpr std::size_t tile_columns = 64;

}  // namespace anabranch::kernels
