#include <algorithm>
#include <cstring>
#include <memory>

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

}  // namespace

void gather_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::GatherAttrs>();
  const runtime::View& source = call.in[0];
  const runtime::View& out = call.out[0];
  if (element_count(out.shape) == 0) return;
  const std::size_t itemsize = source.dtype.size();
  const bool dense = is_row_contiguous(attrs.slice_sizes, source.strides);
  const std::int64_t slice_bytes = element_count(attrs.slice_sizes) * static_cast<std::int64_t>(itemsize);
  auto work = std::make_shared<Gather>(Gather{
      IndexReader("gather", call.in.subspan(1), attrs.axes, source.shape, source.strides, attrs.slice_sizes, itemsize),
      CopyPlan(out.data, contiguous_strides(attrs.slice_sizes), source.data, source.strides, attrs.slice_sizes,
               itemsize),
      out.as<char>(), source.as<char>(), slice_bytes, dense ? gather_items_of(slice_bytes) : nullptr, false});
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
