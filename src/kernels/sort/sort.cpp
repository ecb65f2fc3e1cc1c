// Sorting along the last axis. The keys are sorted by Highway's vectorised quicksort (Blacher et al., 2022), long rows
// in blocks that are then merged.
#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/cpu_kernels.h"
#include "kernels/sort/merge.h"
#include "kernels/sort/order.h"
#include "kernels/sort/short_rows.h"

namespace anabranch::kernels {
namespace {

using runtime::Launch;

// Rows longer than this are cut into blocks of at least half as much, always the same ones.
constexpr std::int64_t longest_block = 256 * 1024;
// Elements that one chunk merges.
constexpr std::int64_t merged_piece = 128 * 1024;

template <typename T>
void vector_sort(T* keys, std::size_t n) {
  thread_local const hwy::Sorter sorter;  // owns the buffer that a sort works in
  sorter(keys, n, hwy::SortAscending());
}

template <std::size_t bytes>
using Bits =
    std::conditional_t<bytes == 2, std::uint16_t, std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>;

// What is sorted in place of a T, in the same memory: floats as unsigned integers of the same order, NaN last and -0
// before 0.
template <typename T>
struct Keys {
  using Key = std::conditional_t<is_real_float<T>, Bits<sizeof(T) == 1 ? 2 : sizeof(T)>, T>;
  static constexpr int top = sizeof(Key) * 8 - 1;

  static void make(Key* keys, std::size_t n) {
    if constexpr (is_real_float<T>) {
      const Key infinity = std::bit_cast<Key>(T(std::numeric_limits<float>::infinity()));
      for (std::size_t i = 0; i < n; ++i) {
        const Key sign = static_cast<Key>(-(keys[i] >> top));
        const Key key = static_cast<Key>(keys[i] ^ (sign | Key{1} << top));
        keys[i] = static_cast<Key>(keys[i] & ~(Key{1} << top)) > infinity ? static_cast<Key>(-1) : key;
      }
    }
  }
  static void unmake(Key* keys, std::size_t n) {
    if constexpr (is_real_float<T>) {
      for (std::size_t i = 0; i < n; ++i) {
        const Key sign = static_cast<Key>((keys[i] >> top) - 1);
        keys[i] = static_cast<Key>(keys[i] ^ (sign | Key{1} << top));
      }
    }
  }
};
template <typename T>
using Key = typename Keys<T>::Key;

void count_sort(std::uint8_t* keys, std::size_t n, bool is_signed) {
  std::size_t counts[256] = {};
  for (std::size_t i = 0; i < n; ++i) ++counts[keys[i]];
  std::uint8_t* to = keys;
  for (int i = 0; i < 256; ++i) {
    const std::uint8_t key = static_cast<std::uint8_t>(is_signed ? i ^ 0x80 : i);
    std::memset(to, key, counts[key]);
    to += counts[key];
  }
}

// Makes keys of n elements and sorts them.
template <typename T>
void sort_keys(Key<T>* keys, std::size_t n) {
  if constexpr (sizeof(T) == 1) {
    count_sort(reinterpret_cast<std::uint8_t*>(keys), n, std::is_signed_v<T>);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    std::sort(keys, keys + n, sorts_before<T>);
  } else {
    Keys<T>::make(keys, n);
    vector_sort(keys, n);
  }
}

// Adds the phases that merge sorted blocks of `block` keys, back and forth between `data` and `spare`, until the row is
// one block, and that make elements of them; the sorted row ends in `data`.
template <typename T>
void merge_blocks(Key<T>* data, Key<T>* spare, std::int64_t n, std::int64_t block, Launch& launch) {
  const std::int64_t pieces = (n + merged_piece - 1) / merged_piece;
  Key<T>* from = data;
  Key<T>* to = spare;
  for (; block < n; block *= 2, std::swap(from, to)) {
    const bool finishes = to == data && 2 * block >= n;
    launch.parallel(static_cast<std::size_t>(pieces), 1.0 * merged_piece, [=](std::size_t piece) {
      const std::int64_t first = static_cast<std::int64_t>(piece) * merged_piece;
      const std::int64_t last = std::min(n, first + merged_piece);
      // The piece [first, last) of the result, pair of blocks after pair.
      for (std::int64_t at = first, stop; at < last; at = stop) {
        const std::int64_t begin = at / (2 * block) * (2 * block), middle = std::min(n, begin + block),
                           end = std::min(n, begin + 2 * block);
        stop = std::min(last, end);
        merge_part(from + begin, middle - begin, from + middle, end - middle, at - begin, stop - begin, to + at);
      }
      if (finishes) Keys<T>::unmake(to + first, static_cast<std::size_t>(last - first));
    });
  }
  if (from == data) return;
  launch.parallel(static_cast<std::size_t>(pieces), 0.1 * merged_piece * sizeof(T), [=](std::size_t piece) {
    const std::int64_t first = static_cast<std::int64_t>(piece) * merged_piece;
    const std::size_t count = static_cast<std::size_t>(std::min(n - first, merged_piece));
    std::memcpy(data + first, from + first, count * sizeof(T));
    Keys<T>::unmake(data + first, count);
  });
}

// Rows by themselves; where they are short, several at once.
template <typename T>
void sort_whole_rows(Key<T>* data, std::int64_t rows, std::int64_t n) {
  if constexpr (std::is_arithmetic_v<Key<T>> && sizeof(T) >= 4) {
    const auto at_once = static_cast<std::int64_t>(short_rows<Key<T>>().rows);
    if (n <= static_cast<std::int64_t>(longest_short_row)) {
      for (; rows >= at_once; rows -= at_once, data += at_once * n) {
        Keys<T>::make(data, static_cast<std::size_t>(at_once * n));
        short_rows<Key<T>>().sort(data, static_cast<std::size_t>(n));
        Keys<T>::unmake(data, static_cast<std::size_t>(at_once * n));
      }
    }
  }
  for (; rows > 0; --rows, data += n) {
    sort_keys<T>(data, static_cast<std::size_t>(n));
    Keys<T>::unmake(data, static_cast<std::size_t>(n));
  }
}

template <typename T>
void sort_rows(Key<T>* data, std::int64_t rows, std::int64_t n, Launch& launch) {
  const double ns_per_element = sizeof(T) == 1 ? 1 : std::is_same_v<T, complex64_t> ? 80 : 8;
  if (n > longest_block) {
    std::int64_t block = n;
    while (block > longest_block) block = (block + 1) / 2;
    const std::int64_t blocks = (n + block - 1) / block;
    Key<T>* spare = static_cast<Key<T>*>(launch.scratch(static_cast<std::size_t>(n) * sizeof(T)));
    launch.parallel(static_cast<std::size_t>(rows * blocks), ns_per_element * static_cast<double>(block),
                    [=](std::size_t i) {
                      const std::int64_t row = static_cast<std::int64_t>(i) / blocks,
                                         first = static_cast<std::int64_t>(i) % blocks * block;
                      sort_keys<T>(data + row * n + first, static_cast<std::size_t>(std::min(block, n - first)));
                    });
    for (std::int64_t row = 0; row < rows; ++row) merge_blocks<T>(data + row * n, spare, n, block, launch);
    return;
  }
  const std::int64_t rows_per_chunk =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(100'000 / (ns_per_element * static_cast<double>(n))));
  const std::int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  launch.parallel(static_cast<std::size_t>(chunks), ns_per_element * static_cast<double>(n * rows_per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * rows_per_chunk;
                    sort_whole_rows<T>(data + first * n, std::min(rows - first, rows_per_chunk), n);
                  });
}

}  // namespace

void sort_cpu(const runtime::KernelCall& call, Launch& launch) {
  copy_cpu(call, launch);
  const runtime::View out = call.out[0];
  const std::int64_t n = out.shape.back(), rows = element_count(out.shape) / n;
  dispatch_dtype(out.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    sort_rows<T>(out.as<Key<T>>(), rows, n, launch);
  });
}

}  // namespace anabranch::kernels
