// Sorting along the last axis. The keys are sorted by Highway's vectorised quicksort (Blacher et al., 2022), long rows
// in blocks that are then merged.
#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu_kernels.h"
#include "kernels/sort/order.h"

namespace anabranch::kernels {
namespace {

using runtime::Launch;

// Rows longer than this are cut into blocks of at least half as much, always the same ones.
constexpr std::int64_t longest_block = 256 * 1024;

template <typename T>
void vector_sort(T* keys, std::size_t n) {
  thread_local const hwy::Sorter sorter;  // owns the buffer that a sort works in
  sorter(keys, n, hwy::SortAscending());
}

template <std::size_t bytes>
using Bits =
    std::conditional_t<bytes == 2, std::uint16_t, std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>;

// Floats as unsigned integers of the same order, and back: infinities need no care then, and -0 comes before 0.
template <typename U>
void flip(U* keys, std::size_t n) {
  constexpr int top = sizeof(U) * 8 - 1;
  for (std::size_t i = 0; i < n; ++i) keys[i] ^= static_cast<U>(static_cast<U>(-(keys[i] >> top)) | U{1} << top);
}
template <typename U>
void flip_back(U* keys, std::size_t n) {
  constexpr int top = sizeof(U) * 8 - 1;
  for (std::size_t i = 0; i < n; ++i) keys[i] ^= static_cast<U>(static_cast<U>((keys[i] >> top) - 1) | U{1} << top);
}

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

template <typename T>
void sort_block(T* keys, std::size_t n) {
  if constexpr (sizeof(T) == 1) {
    count_sort(reinterpret_cast<std::uint8_t*>(keys), n, std::is_signed_v<T>);
  } else if constexpr (std::is_same_v<T, complex64_t>) {
    std::sort(keys, keys + n, sorts_before<T>);
  } else if constexpr (is_real_float<T>) {
    n = static_cast<std::size_t>(std::partition(keys, keys + n, [](T x) { return x == x; }) - keys);  // NaN last
    auto* bits = reinterpret_cast<Bits<sizeof(T)>*>(keys);
    flip(bits, n);
    vector_sort(bits, n);
    flip_back(bits, n);
  } else {
    vector_sort(keys, n);
  }
}

// Where a merge of a[0, n) and b[0, m) is after `k` elements: how many of them come from a.
template <typename T>
std::int64_t split_merge(const T* a, std::int64_t n, const T* b, std::int64_t m, std::int64_t k) {
  std::int64_t low = std::max<std::int64_t>(0, k - m), high = std::min(k, n);
  while (low < high) {
    const std::int64_t i = (low + high) / 2;
    if (sorts_before(b[k - i - 1], a[i])) high = i;
    else low = i + 1;
  }
  return low;
}

// Adds the phases that merge sorted blocks of `block` elements, back and forth between `data` and `spare`, until the
// row is one block; the sorted row ends in `data`.
template <typename T>
void merge_blocks(T* data, T* spare, std::int64_t n, std::int64_t block, Launch& launch) {
  T* from = data;
  T* to = spare;
  for (; block < n; block *= 2, std::swap(from, to)) {
    const std::int64_t pieces = (n + longest_block - 1) / longest_block;
    launch.parallel(static_cast<std::size_t>(pieces), 2.0 * longest_block, [=](std::size_t piece) {
      // The piece [first, last) of the result, pair of blocks after pair.
      std::int64_t first = static_cast<std::int64_t>(piece) * longest_block;
      const std::int64_t last = std::min(n, first + longest_block);
      while (first < last) {
        const std::int64_t begin = first / (2 * block) * (2 * block), middle = std::min(n, begin + block),
                           end = std::min(n, begin + 2 * block), stop = std::min(last, end);
        const T *a = from + begin, *b = from + middle;
        const std::int64_t i = split_merge(a, middle - begin, b, end - middle, first - begin);
        const std::int64_t j = split_merge(a, middle - begin, b, end - middle, stop - begin);
        std::merge(a + i, a + j, b + (first - begin - i), b + (stop - begin - j), to + first, sorts_before<T>);
        first = stop;
      }
    });
  }
  if (from != data) {
    launch.then(0.1 * static_cast<double>(n) * sizeof(T),
                [=](std::size_t) { std::memcpy(data, from, static_cast<std::size_t>(n) * sizeof(T)); });
  }
}

template <typename T>
void sort_rows(T* data, std::int64_t rows, std::int64_t n, Launch& launch) {
  const double ns_per_element = sizeof(T) == 1 ? 1 : std::is_same_v<T, complex64_t> ? 80 : 8;
  if (n > longest_block) {
    std::int64_t block = n;
    while (block > longest_block) block = (block + 1) / 2;
    const std::int64_t blocks = (n + block - 1) / block;
    T* spare = static_cast<T*>(launch.scratch(static_cast<std::size_t>(n) * sizeof(T)));
    launch.parallel(static_cast<std::size_t>(rows * blocks), ns_per_element * static_cast<double>(block),
                    [=](std::size_t i) {
                      const std::int64_t row = static_cast<std::int64_t>(i) / blocks,
                                         first = static_cast<std::int64_t>(i) % blocks * block;
                      sort_block(data + row * n + first, static_cast<std::size_t>(std::min(block, n - first)));
                    });
    for (std::int64_t row = 0; row < rows; ++row) merge_blocks(data + row * n, spare, n, block, launch);
    return;
  }
  const std::int64_t rows_per_chunk =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(100'000 / (ns_per_element * static_cast<double>(n))));
  const std::int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  launch.parallel(static_cast<std::size_t>(chunks), ns_per_element * static_cast<double>(n * rows_per_chunk),
                  [=](std::size_t chunk) {
                    const std::int64_t first = static_cast<std::int64_t>(chunk) * rows_per_chunk;
                    for (std::int64_t row = first; row < std::min(rows, first + rows_per_chunk); ++row)
                      sort_block(data + row * n, static_cast<std::size_t>(n));
                  });
}

}  // namespace

void sort_cpu(const runtime::KernelCall& call, Launch& launch) {
  copy_cpu(call, launch);
  const runtime::View out = call.out[0];
  const std::int64_t n = out.shape.back(), rows = element_count(out.shape) / n;
  dispatch_dtype(out.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    sort_rows(out.as<T>(), rows, n, launch);
  });
}

}  // namespace anabranch::kernels
