#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/indexing/copy.h"
#include "kernels/indexing/index_reader.h"
#include "kernels/indexing/stream_store.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t bytes_per_chunk = 256 << 10;
constexpr std::int64_t bytes_at_once = 16 << 10;
constexpr std::int64_t bytes_worth_streaming = 8 << 20;
constexpr std::int64_t block = 512;

// Items of a size known to the compiler, or of `size` bytes. Those of some lines are asked for before they are needed:
// no processor guesses which comes next.
template <std::size_t Size>
void gather_items(char* to, const char* source, const std::int64_t* offsets, std::int64_t n, std::size_t size,
                  bool stream) {
  constexpr std::int64_t ahead = 8;
  constexpr std::size_t line = 64;
  const std::size_t bytes = Size ? Size : size;
  for (std::int64_t i = 0; i < n; ++i, to += bytes) {
    if constexpr (Size == 0 || Size >= line) {
      if (i + ahead < n) {
        const char* next = source + offsets[i + ahead];
        for (std::size_t k = 0; k < std::min<std::size_t>(bytes, 8 * line); k += line) __builtin_prefetch(next + k);
      }
      if (stream) {
        stream_bytes(to, source + offsets[i], bytes);
        continue;
      }
    }
    std::memcpy(to, source + offsets[i], bytes);
  }
}
using GatherItems = void (*)(char*, const char*, const std::int64_t*, std::int64_t, std::size_t, bool);

GatherItems gather_items_of(std::int64_t bytes) {
  switch (bytes) {
    case 1: return gather_items<1>;
    case 2: return gather_items<2>;
    case 4: return gather_items<4>;
    case 8: return gather_items<8>;
    case 16: return gather_items<16>;
    case 32: return gather_items<32>;
    case 64: return gather_items<64>;
    case 128: return gather_items<128>;
    case 256: return gather_items<256>;
    default: return gather_items<0>;
  }
}

struct Gather {
  IndexReader reader;
  CopyPlan slice;  // from the source's first element to the result's
  char* out;
  const char* source;
  std::int64_t slice_bytes;
  GatherItems items;  // null where a slice is not dense in the source
  bool stream;

  void run(std::int64_t begin, std::int64_t end) const {
    std::int64_t offsets[block];
    for (std::int64_t i = begin; i < end; i += block) {
      const std::int64_t n = std::min(block, end - i);
      reader.offsets(i, n, offsets);
      if (items) {
        items(out + i * slice_bytes, source, offsets, n, static_cast<std::size_t>(slice_bytes), stream);
      } else {
        for (std::int64_t k = 0; k < n; ++k) slice.run_all((i + k) * slice_bytes, offsets[k]);
      }
    }
    if (stream) stream_fence();
  }
};

// Slices that are a column each, as when rows are indexed along their last axis: elements that follow each other in a
// slice lie `step` bytes apart in the source. Some rows at a time, which stay in the cache, through a dense tile.
struct GatherColumns {
  static constexpr std::int64_t rows_per_chunk = 64, indices_per_chunk = 8 << 10;

  IndexReader reader;
  char* out;
  const char* source;
  std::int64_t rows, step;

  // Rows from `begin` on, of the slices [first, last).
  template <typename T>
  void run_items(std::int64_t begin, std::int64_t first, std::int64_t last) const {
    constexpr std::int64_t width = 64, size = sizeof(T);
    T tile[width * rows_per_chunk];
    std::int64_t offsets[block];
    const std::int64_t height = std::min(rows_per_chunk, rows - begin);
    for (std::int64_t i = first; i < last; i += block) {
      const std::int64_t n = std::min(block, last - i);
      reader.offsets(i, n, offsets);
      for (std::int64_t j = 0; j < n; j += width) {
        const std::int64_t m = std::min(width, n - j);
        for (std::int64_t r = 0; r < height; ++r) {
          const char* row = source + (begin + r) * step;
          for (std::int64_t k = 0; k < m; ++k) std::memcpy(tile + k * height + r, row + offsets[j + k], sizeof(T));
        }
        char* to = out + ((i + j) * rows + begin) * size;
        for (std::int64_t k = 0; k < m; ++k, to += rows * size) {
          std::memcpy(to, tile + k * height, static_cast<std::size_t>(height * size));
        }
      }
    }
  }

  std::int64_t index_parts() const { return (reader.count() + indices_per_chunk - 1) / indices_per_chunk; }
  std::int64_t chunks() const { return (rows + rows_per_chunk - 1) / rows_per_chunk * index_parts(); }
  void run(std::int64_t chunk, std::size_t itemsize) const {
    const std::int64_t begin = chunk / index_parts() * rows_per_chunk;
    const std::int64_t first = chunk % index_parts() * indices_per_chunk;
    const std::int64_t last = std::min(reader.count(), first + indices_per_chunk);
    switch (itemsize) {
      case 1: return run_items<std::uint8_t>(begin, first, last);
      case 2: return run_items<std::uint16_t>(begin, first, last);
      case 4: return run_items<std::uint32_t>(begin, first, last);
      default: return run_items<std::uint64_t>(begin, first, last);
    }
  }
};

void add_columns(GatherColumns columns, std::size_t itemsize, runtime::Launch& launch) {
  const auto work = std::make_shared<const GatherColumns>(std::move(columns));
  const std::int64_t elements = std::min(work->rows, GatherColumns::rows_per_chunk) *
                                std::min(work->reader.count(), GatherColumns::indices_per_chunk);
  launch.parallel(static_cast<std::size_t>(work->chunks()), static_cast<double>(elements),
                  [work, itemsize](std::size_t chunk) { work->run(static_cast<std::int64_t>(chunk), itemsize); });
}

}  // namespace

void gather_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::GatherAttrs>();
  const runtime::View& source = call.in[0];
  const runtime::View& out = call.out[0];
  if (element_count(out.shape) == 0) return;
  const std::size_t itemsize = source.dtype.size();
  const bool dense = is_row_contiguous(attrs.slice_sizes, source.strides);
  const std::int64_t slice_bytes = element_count(attrs.slice_sizes) * static_cast<std::int64_t>(itemsize);
  IndexReader reader("gather", call.in.subspan(1), attrs.axes, source.shape, source.strides, attrs.slice_sizes,
                     itemsize);
  std::size_t long_axes = 0, long_axis = 0;
  for (std::size_t i = 0; i < attrs.slice_sizes.size(); ++i) {
    if (attrs.slice_sizes[i] == 1) continue;
    ++long_axes;
    long_axis = i;
  }
  if (!dense && long_axes == 1 && reader.count() >= 16 && reader.count() * slice_bytes > bytes_at_once) {
    const std::int64_t step = source.strides[long_axis] * static_cast<std::int64_t>(itemsize);
    add_columns({std::move(reader), out.as<char>(), source.as<char>(), attrs.slice_sizes[long_axis], step}, itemsize,
                launch);
    return;
  }
  auto work = std::make_shared<Gather>(Gather{std::move(reader),
                                              CopyPlan(out.data, contiguous_strides(attrs.slice_sizes), source.data,
                                                       source.strides, attrs.slice_sizes, itemsize),
                                              out.as<char>(), source.as<char>(), slice_bytes,
                                              dense ? gather_items_of(slice_bytes) : nullptr, false});
  const std::int64_t count = work->reader.count();
  work->stream = slice_bytes % 64 == 0 && count * slice_bytes >= bytes_worth_streaming &&
                 reinterpret_cast<std::uintptr_t>(out.data) % 16 == 0;
  if (count * slice_bytes <= bytes_at_once) {
    work->run(0, count);
  } else if (slice_bytes < bytes_per_chunk) {
    const std::int64_t per_chunk = std::max<std::int64_t>(1, bytes_per_chunk / slice_bytes);
    launch.parallel(static_cast<std::size_t>((count + per_chunk - 1) / per_chunk), 0.2 * bytes_per_chunk,
                    [work, per_chunk, count](std::size_t chunk) {
                      const std::int64_t begin = static_cast<std::int64_t>(chunk) * per_chunk;
                      work->run(begin, std::min(count, begin + per_chunk));
                    });
  } else {
    const std::size_t pieces = work->slice.pieces();
    launch.parallel(static_cast<std::size_t>(count) * pieces, 0.1 * bytes_per_chunk, [work, pieces](std::size_t chunk) {
      const auto i = static_cast<std::int64_t>(chunk / pieces);
      std::int64_t offset;
      work->reader.offsets(i, 1, &offset);
      work->slice.run(chunk % pieces, i * work->slice_bytes, offset);
    });
  }
}

}  // namespace anabranch::kernels
