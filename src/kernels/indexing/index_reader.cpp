#include "kernels/indexing/index_reader.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace anabranch::kernels {
namespace {

constexpr std::int64_t block = 512;

// An index as int64; what lies beyond is out of range of any array, and stays so.
template <typename T>
std::int64_t widened(T x) {
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(x, std::numeric_limits<std::int64_t>::max()));
  } else {
    return static_cast<std::int64_t>(x);
  }
}

// Adds step * index to `to` for n indices at data[at[i]], or at data[i] where `at` is null. Returns the place of the
// first index outside [-extent, limit), or n.
template <typename T, bool Dense>
std::int64_t add_indices(const T* data, const std::int64_t* at, std::int64_t n, std::int64_t extent, std::int64_t limit,
                         std::int64_t step, std::int64_t* to) {
  const auto get = [=](std::int64_t i) {
    const std::int64_t x = widened(Dense ? data[i] : data[at[i]]);
    return std::is_signed_v<T> ? x + (x < 0 ? extent : 0) : x;
  };
  // Without a branch, and an index outside becomes a harmless one.
  bool inside = true;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t x = get(i);
    const bool ok = static_cast<std::uint64_t>(x) < static_cast<std::uint64_t>(limit);
    inside &= ok;
    to[i] += (ok ? x : 0) * step;
  }
  if (inside) return n;
  std::int64_t i = 0;
  while (static_cast<std::uint64_t>(get(i)) < static_cast<std::uint64_t>(limit)) ++i;
  return i;
}

}  // namespace

void add_positions(const Shape& shape, const Strides& strides, std::int64_t begin, std::int64_t n, std::int64_t step,
                   std::int64_t* to) {
  if (shape.empty()) return;
  SmallVector<std::int64_t, 4> at(shape.size());
  std::int64_t offset = 0, rest = begin;
  for (std::size_t i = shape.size(); i-- > 0;) {
    at[i] = rest % shape[i];
    rest /= shape[i];
    offset += at[i] * strides[i];
  }
  const std::size_t last = shape.size() - 1;
  for (std::int64_t done = 0; done < n;) {
    const std::int64_t run = std::min(n - done, shape[last] - at[last]);
    for (std::int64_t i = 0; i < run; ++i) to[done + i] += (offset + i * strides[last]) * step;
    done += run;
    offset -= at[last] * strides[last];
    at[last] = 0;
    for (std::size_t i = last; i-- > 0;) {
      offset += strides[i];
      if (++at[i] < shape[i]) break;
      offset -= shape[i] * strides[i];
      at[i] = 0;
    }
  }
}

IndexReader::IndexReader(const char* function, std::span<const runtime::View> indices, const SmallVector<int, 4>& axes,
                         const Shape& shape, const Strides& strides, const Shape& windows, std::size_t itemsize)
    : function_(function) {
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const auto axis = static_cast<std::size_t>(axes[k]);
    indexed_.push_back({indices[k], axes[k], shape[axis], std::max<std::int64_t>(0, shape[axis] - windows[axis] + 1),
                        strides[axis] * static_cast<std::int64_t>(itemsize),
                        is_row_contiguous(indices[k].shape, indices[k].strides)});
  }
  if (!indices.empty()) shape_ = indices[0].shape;
  count_ = element_count(shape_);
}

void IndexReader::offsets(std::int64_t begin, std::int64_t n, std::int64_t* to) const {
  std::int64_t at[block];
  for (std::int64_t done = 0; done < n; done += block) {
    const std::int64_t part = std::min(block, n - done);
    std::fill_n(to + done, part, 0);
    for (const Indexed& x : indexed_) {
      if (!x.dense) {
        std::fill_n(at, part, 0);
        add_positions(shape_, x.indices.strides, begin + done, part, 1, at);
      }
      dispatch_dtype(x.indices.dtype, [&](auto* p) {
        using T = std::remove_pointer_t<decltype(p)>;
        if constexpr (std::is_integral_v<T>) {
          const T* data = x.indices.as<T>() + (x.dense ? begin + done : 0);
          const auto add = x.dense ? add_indices<T, true> : add_indices<T, false>;
          const std::int64_t bad = add(data, at, part, x.extent, x.limit, x.step, to + done);
          if (bad == part) return;
          throw std::out_of_range(std::string("[") + function_ + "] index " +
                                  std::to_string(data[x.dense ? bad : at[bad]]) + " is out of bounds for axis " +
                                  std::to_string(x.axis) + " with size " + std::to_string(x.extent) + ".");
        } else {
          throw std::invalid_argument(std::string("[") + function_ + "] indices must be integers, not " +
                                      std::string(dtype_name(x.indices.dtype)) + ".");
        }
      });
    }
  }
}

}  // namespace anabranch::kernels
