// Sorting along the last axis: elements become unsigned keys of their order (NaN last), by the width of the dtype.
// Short rows are sorted by a block in shared memory. Longer ones all at once by a radix sort of the whole device, the
// row above the key; a few very long ones by one each.
#include <bit>

#include "kernels/cuda_kernels.h"
#include "kernels/cuda_types.h"
#include "kernels/index_map.h"
#include "kernels/indexing/cuda_copy.h"
#include "kernels/reduce/ordered_key.h"
#include "kernels/sort/radix_sort.h"

namespace anabranch::kernels {
namespace {

constexpr int threads = 256;
constexpr std::int64_t longest_short_row = 2048, block_items = 1024;
constexpr std::int64_t very_long_row = 1 << 20, few_rows = 4;
constexpr std::uint32_t beyond = ~std::uint32_t{0};  // the index of what fills up a short row

// Keys of elements of one width that are no complex numbers.
template <typename T>
struct SortKeys {
  using Element = T;
  using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  static constexpr int bits = 8 * sizeof(T);
  static constexpr bool reversible = true;

  OrderedKeys<T, Key> keys;
  bool zeros_are_equal;  // as in an argsort, where equal elements keep their order

  ANABRANCH_HOST_DEVICE Key key(T x) const { return zeros_are_equal ? keys.equal_key(x) : keys.key(x); }
  ANABRANCH_HOST_DEVICE T element(Key key) const { return keys.element(key); }
};

// By the real part, then the imaginary one; last what has a NaN in either. The sign of a zero real part is lost.
struct SortComplexKeys {
  using Element = complex64_t;
  using Key = std::uint64_t;
  static constexpr int bits = 64;
  static constexpr bool reversible = false;

  OrderedKeys<std::uint32_t> keys;

  ANABRANCH_HOST_DEVICE Key key(complex64_t x) const {
    if (is_nan(x)) return ~Key{0};
    return (Key{part(x.real())} << 32) | part(x.imag());
  }

 private:
  ANABRANCH_HOST_DEVICE std::uint32_t part(float x) const {
    std::uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return keys.equal_key(bits);
  }
};

enum class Result { Elements, Indices };

// What is made of sorted keys, or of the indices that go with them.
template <typename Keys>
__device__ void store_sorted(const Keys& keys, const typename Keys::Element* row, void* out, std::int64_t at,
                             typename Keys::Key key, std::int64_t index, Result result) {
  if (result == Result::Indices) static_cast<std::uint32_t*>(out)[at] = static_cast<std::uint32_t>(index);
  else if constexpr (Keys::reversible) static_cast<typename Keys::Element*>(out)[at] = keys.element(key);
  else static_cast<typename Keys::Element*>(out)[at] = row[index];
}

// A bitonic sorting network over as many rows as fit, each filled up to `padded` elements, a power of two (Batcher,
// "Sorting networks and their applications", 1968). Keys and indices together are distinct, so it is stable.
template <typename Keys>
__global__ void __launch_bounds__(threads)
    sort_short_rows_kernel(const __grid_constant__ Keys keys, const typename Keys::Element* in, void* out,
                           std::int64_t rows, int n, int padded, int rows_each, Result result) {
  using Key = typename Keys::Key;
  __shared__ Key key[longest_short_row];
  __shared__ std::uint32_t index[longest_short_row];
  const int thread = static_cast<int>(threadIdx.x), items = rows_each * padded;
  const std::int64_t first = std::int64_t{blockIdx.x} * rows_each;
  for (int i = thread; i < items; i += threads) {
    const std::int64_t row = first + i / padded;
    const int column = i % padded;
    const bool there = row < rows && column < n;
    key[i] = there ? keys.key(in[row * n + column]) : static_cast<Key>(~Key{0});
    index[i] = there ? static_cast<std::uint32_t>(column) : beyond;
  }
  for (int size = 2; size <= padded; size *= 2) {
    for (int apart = size / 2; apart > 0; apart /= 2) {
      __syncthreads();
      for (int pair = thread; pair < items / 2; pair += threads) {
        const int a = 2 * pair - (pair & (apart - 1)), b = a + apart;
        const bool descending = (a & (padded - 1) & size) != 0;
        const bool wrong = key[b] < key[a] || (key[b] == key[a] && index[b] < index[a]);
        if (wrong == descending) continue;
        const Key k = key[a];
        key[a] = key[b];
        key[b] = k;
        const std::uint32_t x = index[a];
        index[a] = index[b];
        index[b] = x;
      }
    }
  }
  __syncthreads();
  for (int i = thread; i < items; i += threads) {
    const std::int64_t row = first + i / padded;
    const int column = i % padded;
    if (row < rows && column < n) store_sorted(keys, in + row * n, out, row * n + column, key[i], index[i], result);
  }
}

// Rows of dense elements, in the order that a radix sort takes them.
struct LongRows {
  std::int64_t count;  // of elements
  Divisor n;
  int key_bits;
};

// `Word` holds a key and, above it, its row; or a key alone.
template <typename Keys, typename Word>
__global__ void __launch_bounds__(threads)
    make_words_kernel(const __grid_constant__ Keys keys, const typename Keys::Element* in, Word* words, Word* positions,
                      const __grid_constant__ LongRows p) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < p.count; i += step) {
    Word word = static_cast<Word>(keys.key(in[i]));
    if (p.key_bits < static_cast<int>(8 * sizeof(Word))) word |= static_cast<Word>(p.n.quotient(i)) << p.key_bits;
    words[i] = word;
    if (positions) positions[i] = static_cast<Word>(i);
  }
}

// The rows of positions, which have been sorted by keys that leave no room for rows.
template <typename Word>
__global__ void __launch_bounds__(threads)
    rows_of_kernel(const Word* positions, Word* rows, const __grid_constant__ LongRows p) {
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < p.count; i += step)
    rows[i] = static_cast<Word>(p.n.quotient(static_cast<std::int64_t>(positions[i])));
}

// Without `words`, keys are made anew from the elements at the positions.
template <typename Keys, typename Word>
__global__ void __launch_bounds__(threads)
    store_words_kernel(const __grid_constant__ Keys keys, const typename Keys::Element* in, const Word* words,
                       const Word* positions, void* out, const __grid_constant__ LongRows p, Result result) {
  using Key = typename Keys::Key;
  const std::int64_t step = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < p.count; i += step) {
    const std::int64_t position = positions ? static_cast<std::int64_t>(positions[i]) : 0;
    Key key{};
    if (words) {
      const Word mask = p.key_bits < static_cast<int>(8 * sizeof(Word)) ? (Word{1} << p.key_bits) - 1 : ~Word{0};
      key = static_cast<Key>(words[i] & mask);
    } else if (result == Result::Elements) {
      key = keys.key(in[position]);
    }
    const std::int64_t row = positions ? p.n.quotient(position) : 0;
    store_sorted(keys, in + row * p.n.value, out, i, key, position - row * p.n.value, result);
  }
}

template <typename Keys>
struct Sort {
  using Element = typename Keys::Element;
  Keys keys;
  Result result;
  const CudaLaunch& launch;

  // Of elements whose rows and keys, or keys alone, are words of `bits` bits. `rows_apart`: rows are sorted by a pass
  // of their own.
  template <typename Word>
  void sort_words(const Element* in, void* out, const LongRows& p, int bits, int row_bits, bool rows_apart) const {
    const auto n = static_cast<std::size_t>(p.count);
    const bool with_positions = result == Result::Indices || !Keys::reversible || rows_apart;
    const unsigned blocks = grid_of((p.count + threads - 1) / threads);
    Word* words = launch.scratch<Word>(n);
    Word* sorted = launch.scratch<Word>(n);
    Word* positions = with_positions ? launch.scratch<Word>(n) : nullptr;
    Word* sorted_positions = with_positions ? launch.scratch<Word>(n) : nullptr;
    launch.run("sort", make_words_kernel<Keys, Word>, blocks, threads, 0, keys, in, words, positions, p);
    if (with_positions) radix_sort_pairs(words, sorted, positions, sorted_positions, p.count, bits, launch);
    else radix_sort(words, sorted, p.count, bits, launch);
    if (rows_apart) {
      launch.run("sort", rows_of_kernel<Word>, blocks, threads, 0, sorted_positions, words, p);
      radix_sort_pairs(words, sorted, sorted_positions, positions, p.count, row_bits, launch);
      sorted_positions = positions;
      sorted = nullptr;
    }
    launch.run("sort", store_words_kernel<Keys, Word>, blocks, threads, 0, keys, in, sorted, sorted_positions, out, p,
               result);
  }

  void sort_long_rows(const Element* in, void* out, std::int64_t rows, std::int64_t n) const {
    const LongRows p{rows * n, Divisor(n), Keys::bits};
    const int row_bits = std::bit_width(static_cast<std::uint64_t>(rows - 1)), bits = Keys::bits + row_bits;
    if (bits <= 32 && p.count < std::int64_t{1} << 32) sort_words<std::uint32_t>(in, out, p, bits, row_bits, false);
    else if (bits <= 64) sort_words<std::uint64_t>(in, out, p, bits, row_bits, false);
    else sort_words<std::uint64_t>(in, out, p, Keys::bits, row_bits, true);
  }

  void operator()(const Element* in, void* out, std::int64_t rows, std::int64_t n) const {
    if (n <= longest_short_row) {
      const int padded = static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(n)));
      const int rows_each = static_cast<int>(std::max<std::int64_t>(1, block_items / padded));
      launch.run("sort", sort_short_rows_kernel<Keys>, whole_grid((rows + rows_each - 1) / rows_each), threads, 0, keys,
                 in, out, rows, static_cast<int>(n), padded, rows_each, result);
      return;
    }
    if (n < very_long_row || rows > few_rows) return sort_long_rows(in, out, rows, n);
    const std::size_t size = result == Result::Indices ? sizeof(std::uint32_t) : sizeof(Element);
    for (std::int64_t row = 0; row < rows; ++row)
      sort_long_rows(in + row * n, static_cast<char*>(out) + static_cast<std::size_t>(row * n) * size, 1, n);
  }
};

void sort_rows(const runtime::KernelCall& call, Result result, const CudaLaunch& launch) {
  const runtime::View& view = call.in[0];
  void* out = call.out[0].data;
  const std::int64_t count = element_count(view.shape);
  if (count == 0) return;
  const std::int64_t n = view.shape.back(), rows = count / n;
  const void* in = view.data;
  if (!is_row_contiguous(view.shape, view.strides))
    in = dense_or_copied(view, launch.scratch<char>(static_cast<std::size_t>(count) * view.dtype.size()), launch);
  if (view.dtype == complex64) {
    Sort<SortComplexKeys>{{{float32, false}}, result, launch}(static_cast<const complex64_t*>(in), out, rows, n);
    return;
  }
  dispatch_size(view.dtype.size(), [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    Sort<SortKeys<T>>{{{view.dtype, false}, result == Result::Indices}, result, launch}(static_cast<const T*>(in), out,
                                                                                        rows, n);
  });
}

}  // namespace

void sort_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) { sort_rows(call, Result::Elements, launch); }
void argsort_cuda(const runtime::KernelCall& call, const CudaLaunch& launch) {
  sort_rows(call, Result::Indices, launch);
}

}  // namespace anabranch::kernels
