#include "kernels/elementwise/layout.h"

#include <algorithm>
#include <cstring>

#include "kernels/elementwise/transpose.h"

namespace anabranch::kernels {

namespace {

bool is_uniform(const Shape& shape, const Strides& strides) {
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] != 1 && strides[k] != 0) return false;
  }
  return true;
}

bool is_dense(const Shape& shape, const Strides& strides) {
  std::int64_t expected = 1;
  for (std::size_t k = shape.size(); k-- > 0;) {
    if (shape[k] == 1) continue;
    if (strides[k] != expected) return false;
    expected *= shape[k];
  }
  return true;
}

// Merges the axes of `shape` for the strided operands of `layout`, whose strides come in over `shape`.
void merge_axes(const Shape& shape, Layout& layout) {
  layout.shape.clear();
  Shape last_axis;  // of each merged axis, the innermost it consists of
  std::size_t previous = shape.size();
  for (std::size_t k = 0; k < shape.size(); ++k) {
    if (shape[k] == 1) continue;
    const bool merges = previous < shape.size() && std::all_of(
                                                       layout.in.begin(), layout.in.end(),
                                                       [&](const Operand& in) {
                                                         return in.kind != Operand::Kind::strided ||
                                                                in.strides[previous] == in.strides[k] * shape[k];
                                                       });
    if (merges) {
      layout.shape.back() *= shape[k];
      last_axis.back() = static_cast<ShapeElem>(k);
    } else {
      layout.shape.push_back(shape[k]);
      last_axis.push_back(static_cast<ShapeElem>(k));
    }
    previous = k;
  }
  for (Operand& in : layout.in) {
    if (in.kind != Operand::Kind::strided) continue;
    for (std::size_t j = 0; j < last_axis.size(); ++j)
      in.strides[j] = in.strides[static_cast<std::size_t>(last_axis[j])];
    while (in.strides.size() > last_axis.size()) in.strides.pop_back();
  }
}

// Tiles pay where an operand's neighbours along the last axis are far apart, those along another one close.
void find_tiles(Layout& layout) {
  const int last = static_cast<int>(layout.shape.size()) - 1;
  if (last < 1 || layout.shape[last] < 8) return;
  for (const Operand& in : layout.in) {
    if (in.kind != Operand::Kind::strided || std::abs(in.strides[last]) * in.dtype.size() < 64) continue;
    for (int k = 0; k < last; ++k) {
      const std::int64_t stride = std::abs(in.strides[k]);
      if (stride == 0 || stride * in.dtype.size() >= 64 || layout.shape[k] < 8) continue;
      layout.tile_axis = k;
      layout.tile_rows = std::max<std::size_t>(16, 64u / in.dtype.size());
      return;
    }
  }
}

// From here on blocks end where rows do, so that rows are read in place.
constexpr std::int64_t long_row = 256;

template <typename T>
void copy_run(const T* from, std::int64_t stride, std::size_t n, T* to) {
  constexpr std::size_t call_pays = 16;
  if (stride == 1 && n > call_pays) {
    std::memcpy(to, from, n * sizeof(T));
  } else if (stride == 0) {
    const T value = *from;
    for (std::size_t i = 0; i < n; ++i) to[i] = value;
  } else {
    for (std::size_t i = 0; i < n; ++i) to[i] = from[static_cast<std::int64_t>(i) * stride];
  }
}

// The first `period` elements at `to`, again and again up to `n` of them.
template <typename T>
void repeat(T* to, std::size_t period, std::size_t n) {
  for (std::size_t done = period; done < n;) {
    const std::size_t more = std::min(done, n - done);
    std::memcpy(to + done, to, more * sizeof(T));
    done += more;
  }
}

template <typename T>
void copy_rows(const T* from, std::int64_t down, std::int64_t across, std::size_t rows, std::size_t columns, T* to) {
  if (down == 0) {
    copy_run(from, across, columns, to);
    repeat(to, columns, rows * columns);
    return;
  }
  for (std::size_t r = 0; r < rows; ++r, from += down, to += columns) copy_run(from, across, columns, to);
}

// A range in row-major order: the rest of a row, rows of the last two axes as long as they go, the beginning of a row.
template <typename T>
void gather_range(const Layout& layout, const Operand& operand, const Block& block, T* to) {
  const int last = static_cast<int>(layout.shape.size()) - 1;
  const std::int64_t columns = layout.shape[last], across = operand.strides[last];
  const std::int64_t rows = last ? layout.shape[last - 1] : 1, down = last ? operand.strides[last - 1] : 0;
  std::int64_t at = block.first, left = static_cast<std::int64_t>(block.count);
  while (left > 0) {
    std::int64_t rest = at / columns;
    const std::int64_t column = at - rest * columns;
    const std::int64_t row = rest % rows;
    std::int64_t offset = column * across + row * down;
    rest /= rows;
    for (int k = last - 2; k >= 0; --k) {
      offset += rest % layout.shape[k] * operand.strides[k];
      rest /= layout.shape[k];
    }
    const T* from = reinterpret_cast<const T*>(operand.data) + offset;
    std::int64_t n;
    if (column != 0 || left < columns) {
      n = std::min(left, columns - column);
      copy_run(from, across, static_cast<std::size_t>(n), to);
    } else {
      const std::int64_t whole = std::min(left / columns, rows - row);
      n = whole * columns;
      copy_rows(from, down, across, static_cast<std::size_t>(whole), static_cast<std::size_t>(columns), to);
    }
    to += n;
    at += n;
    left -= n;
  }
}

std::int64_t tile_offset(const Operand& operand, const Block& block) {
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < block.outer.size(); ++k) offset += block.outer[k] * operand.strides[k];
  return offset;
}

template <typename T>
void gather_tile(const Layout& layout, const Operand& operand, const Block& block, T* to) {
  const std::int64_t down = operand.strides[layout.tile_axis], across = operand.strides[layout.shape.size() - 1];
  const T* from = reinterpret_cast<const T*>(operand.data) + tile_offset(operand, block);
  if (down != 1 || std::abs(across) <= 1) {
    copy_rows(from, down, across, block.rows, block.columns, to);
    return;
  }
  constexpr std::size_t side = transposed_side<T>;
  const std::size_t whole_rows = block.rows / side * side, whole_columns = block.columns / side * side;
  for (std::size_t c = 0; c < whole_columns; c += side) {
    const T* x = from + static_cast<std::int64_t>(c) * across;
    for (std::size_t r = 0; r < whole_rows; r += side)
      transpose_block(x + r, across, to + r * block.columns + c, block.columns);
  }
  for (std::size_t r = 0; r < block.rows; ++r) {
    const std::size_t begin = r < whole_rows ? whole_columns : 0;
    copy_run(from + r + static_cast<std::int64_t>(begin) * across, across, block.columns - begin,
             to + r * block.columns + begin);
  }
}

// Calls f with a null pointer of the unsigned type of `size` bytes.
template <typename F>
void by_size(std::size_t size, F&& f) {
  switch (size) {
    case 1: return f(static_cast<std::uint8_t*>(nullptr));
    case 2: return f(static_cast<std::uint16_t*>(nullptr));
    case 4: return f(static_cast<std::uint32_t*>(nullptr));
    default: return f(static_cast<std::uint64_t*>(nullptr));
  }
}

}  // namespace

void lay_out(const Shape& shape, std::span<const runtime::View> in, std::span<const runtime::View> out,
             Layout& result) {
  result.count = 1;
  for (const ShapeElem extent : shape) result.count *= extent;
  result.shape.clear();
  result.tile_axis = -1;
  result.row = 0;
  result.in.resize(in.size());
  result.out.resize(out.size());
  result.in_bytes = result.out_bytes = 0;
  bool strided = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    Operand& operand = result.in[i];
    operand.data = static_cast<std::byte*>(in[i].data);
    operand.dtype = in[i].dtype;
    operand.strides.clear();
    if (result.count == 1 || is_dense(shape, in[i].strides)) {
      operand.kind = Operand::Kind::dense;
    } else if (is_uniform(shape, in[i].strides)) {
      operand.kind = Operand::Kind::uniform;
      continue;
    } else {
      operand.kind = Operand::Kind::strided;
      operand.strides = in[i].strides;
      strided = true;
    }
    result.in_bytes += operand.dtype.size();
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    result.out[o].data = static_cast<std::byte*>(out[o].data);
    result.out[o].dtype = out[o].dtype;
    result.out[o].strides.clear();
    result.out_bytes += out[o].dtype.size();
  }
  if (!strided) return;
  merge_axes(shape, result);
  for (const Operand& operand : result.in) {
    const bool runs =
        operand.kind == Operand::Kind::strided && (operand.strides.back() == 1 || operand.strides.back() == 0);
    if (runs && result.shape.back() >= long_row) result.row = result.shape.back();
  }
  find_tiles(result);
  if (!result.tiled()) return;
  result.row = 0;
  const Strides dense = contiguous_strides(result.shape);
  for (Operand& operand : result.in) {
    if (operand.kind == Operand::Kind::dense) operand.strides = dense;
  }
  for (Operand& operand : result.out) operand.strides = dense;
}

std::byte* first_element(const Layout& layout, const Operand& operand, const Block& block) {
  const std::size_t last = layout.shape.size() - 1;
  std::int64_t rest = block.first / layout.shape[last];
  std::int64_t offset = block.first % layout.shape[last] * operand.strides[last];
  for (std::size_t k = last; k-- > 0;) {
    offset += rest % layout.shape[k] * operand.strides[k];
    rest /= layout.shape[k];
  }
  return operand.data + offset * static_cast<std::int64_t>(operand.dtype.size());
}

std::byte* contiguous_run(const Layout& layout, const Operand& operand, const Block& block) {
  if (layout.tiled()) return nullptr;
  if (operand.kind == Operand::Kind::dense)
    return operand.data + block.first * static_cast<std::int64_t>(operand.dtype.size());
  const std::size_t last = layout.shape.size() - 1;
  const std::int64_t column = block.first % layout.shape[last];
  if (operand.strides[last] != 1 || column + static_cast<std::int64_t>(block.count) > layout.shape[last])
    return nullptr;
  return first_element(layout, operand, block);
}

void gather(const Layout& layout, const Operand& operand, const Block& block, void* to) {
  if (const std::byte* run = contiguous_run(layout, operand, block)) {
    std::memcpy(to, run, block.count * operand.dtype.size());
    return;
  }
  by_size(operand.dtype.size(), [&]<typename T>(T*) {
    if (layout.tiled()) {
      gather_tile(layout, operand, block, static_cast<T*>(to));
    } else {
      gather_range(layout, operand, block, static_cast<T*>(to));
    }
  });
}

void scatter(const Layout& layout, const Operand& operand, const Block& block, const void* from) {
  const std::size_t size = operand.dtype.size();
  if (std::byte* run = contiguous_run(layout, operand, block)) {
    std::memcpy(run, from, block.count * size);
    return;
  }
  std::byte* to = operand.data + tile_offset(operand, block) * static_cast<std::int64_t>(size);
  const std::byte* source = static_cast<const std::byte*>(from);
  const std::size_t bytes = block.columns * size;
  const std::int64_t down = operand.strides[layout.tile_axis] * static_cast<std::int64_t>(size);
  for (std::size_t r = 0; r < block.rows; ++r, to += down, source += bytes) std::memcpy(to, source, bytes);
}

void prefetch_tile(const Layout& layout, const Operand& operand, const Block& tile) {
  if (operand.kind == Operand::Kind::uniform) return;
  constexpr std::int64_t line = 64;
  const std::int64_t size = operand.dtype.size();
  const std::byte* first = operand.data + tile_offset(operand, tile) * size;
  // Lines lie along the axis of the smaller stride.
  std::int64_t near = operand.strides.back() * size, far = operand.strides[layout.tile_axis] * size;
  std::int64_t along = static_cast<std::int64_t>(tile.columns), lines = static_cast<std::int64_t>(tile.rows);
  if (std::abs(near) > std::abs(far)) {
    std::swap(near, far);
    std::swap(along, lines);
  }
  if (far == 0) lines = 1;
  const std::int64_t bytes = std::abs(near) * (along - 1) + size;
  if (near < 0) first += near * (along - 1);
  for (std::int64_t i = 0; i < lines; ++i, first += far) {
    for (std::int64_t at = 0; at < bytes; at += line) __builtin_prefetch(first + at);
  }
}

}  // namespace anabranch::kernels
