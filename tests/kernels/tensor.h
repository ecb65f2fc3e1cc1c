// Arrays with memory of their own, views of them in any layout, and their elements as wide numbers: what a naive
// reference needs.
#pragma once

#include <complex>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu_kernels.h"
#include "kernels/run_launch.h"

namespace anabranch::testing {

using runtime::View;
using Wide = std::complex<long double>;  // holds every element of every dtype exactly

inline constexpr Dtype all_dtypes[] = {bool_, uint8, uint16,  uint32,  uint64,  int8,     int16,
                                       int32, int64, float16, float32, float64, bfloat16, complex64};

template <typename T>
Wide widen(T x) {
  if constexpr (std::is_same_v<T, complex64_t>) return {x.real(), x.imag()};
  else if constexpr (std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>) return static_cast<float>(x);
  else return static_cast<long double>(x);
}
template <typename T>
T narrow(Wide x) {
  if constexpr (std::is_same_v<T, complex64_t>) return {static_cast<float>(x.real()), static_cast<float>(x.imag())};
  else if constexpr (std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>)
    return T(static_cast<float>(x.real()));
  else if constexpr (std::is_same_v<T, bool>) return x.real() != 0;
  else return static_cast<T>(x.real());
}

// Memory as a stream's buffers have it.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t(64)); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};
using Bytes = std::vector<std::uint8_t, AlignedAllocator<std::uint8_t>>;

// A dense array. Its memory ends where the last element does, for a sanitizer to see what reads beyond.
class Tensor {
 public:
  Tensor(Dtype dtype, Shape shape)
      : dtype_(dtype), shape_(shape), bytes_(static_cast<std::size_t>(element_count(shape)) * dtype.size(), 0xAB) {}

  static Tensor random(Dtype dtype, Shape shape, unsigned seed, int low = -9, int high = 9) {
    Tensor t(dtype, shape);
    std::mt19937 engine(seed);
    std::uniform_int_distribution<int> integers(kindof(dtype) == Dtype::Kind::u || dtype == bool_ ? 0 : low, high);
    std::uniform_real_distribution<double> reals(low, high);
    const bool whole = issubdtype(dtype, integer) || dtype == bool_;
    const auto one = [&] { return whole ? static_cast<double>(integers(engine)) : reals(engine); };
    for (std::int64_t i = 0; i < t.size(); ++i) {
      const double re = one();
      t.set(i, dtype == complex64 ? Wide(re, one()) : Wide(dtype == bool_ ? re > (low + high) / 2.0 : re));
    }
    return t;
  }
  template <typename T>
  static Tensor of(Shape shape, const std::vector<T>& values) {
    Tensor t(TypeToDtype<T>::value, shape);
    for (std::size_t i = 0; i < values.size(); ++i) t.set(static_cast<std::int64_t>(i), widen(T(values[i])));
    return t;
  }

  std::int64_t size() const { return element_count(shape_); }
  const Shape& shape() const { return shape_; }
  Dtype dtype() const { return dtype_; }
  View view() { return {bytes_.data(), dtype_, shape_, contiguous_strides(shape_)}; }
  const Bytes& bytes() const { return bytes_; }

  Wide get(std::int64_t i) const {
    return dispatch_dtype(dtype_, [&](auto* p) {
      std::remove_pointer_t<decltype(p)> x;
      std::memcpy(&x, &bytes_[static_cast<std::size_t>(i) * sizeof(x)], sizeof(x));
      return widen(x);
    });
  }
  void set(std::int64_t i, Wide value) {
    dispatch_dtype(dtype_, [&](auto* p) {
      const auto x = narrow<std::remove_pointer_t<decltype(p)>>(value);
      std::memcpy(&bytes_[static_cast<std::size_t>(i) * sizeof(x)], &x, sizeof(x));
    });
  }

 private:
  Dtype dtype_;
  Shape shape_;
  Bytes bytes_;
};

inline View permuted(const View& v, const std::vector<int>& axes) {
  View r = v;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    r.shape[i] = v.shape[static_cast<std::size_t>(axes[i])];
    r.strides[i] = v.strides[static_cast<std::size_t>(axes[i])];
  }
  return r;
}
inline View sliced(const View& v, std::size_t axis, std::int64_t start, std::int64_t n, std::int64_t step) {
  View r = v;
  r.data = v.as<char>() + start * v.strides[axis] * v.dtype.size();
  r.shape[axis] = n;
  r.strides[axis] *= step;
  return r;
}
inline View broadcast(const View& v, const Shape& shape) {
  View r = v;
  r.strides = broadcast_strides(v.shape, v.strides, shape);
  r.shape = shape;
  return r;
}

// The elements of a view in row-major order.
inline std::vector<Wide> elements(const View& v) {
  std::vector<Wide> all;
  const std::int64_t n = element_count(v.shape);
  all.reserve(static_cast<std::size_t>(n));
  dispatch_dtype(v.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t rest = i, offset = 0;
      for (std::size_t axis = v.shape.size(); axis-- > 0;) {
        offset += rest % v.shape[axis] * v.strides[axis];
        rest /= v.shape[axis];
      }
      all.push_back(widen(v.as<T>()[offset]));
    }
  });
  return all;
}

// Calls a kernel; with a seed, its chunks run in another order.
template <typename A>
void run_kernel(runtime::CpuKernel kernel, std::vector<View> in, View out, const A& attributes, unsigned seed = 0) {
  runtime::Launch launch;
  kernel({in, {&out, 1}, &attributes}, launch);
  run_launch(launch, seed);
}
struct NoAttributes {};

// Layouts of a tensor of `shape`: dense, its axes reversed in memory, every second element backwards, and a view out of
// the middle of a larger one. `memory` receives the tensor that holds it.
enum class Layout { Dense, Transposed, Backwards, Padded };
inline constexpr Layout all_layouts[] = {Layout::Dense, Layout::Transposed, Layout::Backwards, Layout::Padded};

inline View laid_out(Layout layout, Dtype dtype, const Shape& shape, unsigned seed, Tensor& memory, int low = -9,
                     int high = 9) {
  Shape held = shape;
  if (layout == Layout::Transposed) std::reverse(held.begin(), held.end());
  if (layout == Layout::Backwards)
    for (auto& n : held) n *= 2;
  if (layout == Layout::Padded)
    for (auto& n : held) n += 3;
  memory = Tensor::random(dtype, held, seed, low, high);
  View v = memory.view();
  if (layout == Layout::Transposed) {
    std::vector<int> axes;
    for (std::size_t i = shape.size(); i-- > 0;) axes.push_back(static_cast<int>(i));
    return permuted(v, axes);
  }
  for (std::size_t i = 0; i < shape.size() && element_count(shape) > 0; ++i) {
    if (layout == Layout::Backwards) v = sliced(v, i, held[i] - 1, shape[i], -2);
    if (layout == Layout::Padded) v = sliced(v, i, 2, shape[i], 1);
  }
  v.shape = shape;
  return v;
}

}  // namespace anabranch::testing
