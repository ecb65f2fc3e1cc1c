// The operations. Each builds a node of the lazy graph and returns at once; `s` says where it will run.
//
// Operands of different dtypes are promoted (promote_types), and shapes are broadcast as in NumPy. What does not fit
// throws std::invalid_argument, unless it says otherwise here; axes count from the end where negative, and an axis
// that is not there throws std::out_of_range where the name of the argument is `axis`.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "anabranch/array.h"
#include "anabranch/elementwise_table.h"

namespace anabranch {

// --- Creation

// start, start + step, ... below stop. Without a dtype: float32 (int32 from ints). Throws std::invalid_argument for a
// zero or non-finite step and for bool.
array arange(double start, double stop, double step, Dtype dtype, const StreamOrDevice& s = {});
array arange(double start, double stop, double step, const StreamOrDevice& s = {});
array arange(double start, double stop, Dtype dtype, const StreamOrDevice& s = {});
array arange(double start, double stop, const StreamOrDevice& s = {});
array arange(double stop, Dtype dtype, const StreamOrDevice& s = {});
array arange(double stop, const StreamOrDevice& s = {});
array arange(int start, int stop, int step, const StreamOrDevice& s = {});
array arange(int start, int stop, const StreamOrDevice& s = {});
array arange(int stop, const StreamOrDevice& s = {});

// `num` values from start to stop, stop included if `endpoint`.
array linspace(double start, double stop, int num, bool endpoint, Dtype dtype = float32, const StreamOrDevice& s = {});
inline array linspace(double start, double stop, int num = 50, Dtype dtype = float32, const StreamOrDevice& s = {}) {
  return linspace(start, stop, num, true, dtype, s);
}

// `vals` broadcast to `shape`.
array full(const Shape& shape, const array& vals, Dtype dtype, const StreamOrDevice& s = {});
array full(const Shape& shape, const array& vals, const StreamOrDevice& s = {});
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array full(const Shape& shape, T value, Dtype dtype, const StreamOrDevice& s = {}) {
  return full(shape, array(value), dtype, s);
}
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array full(const Shape& shape, T value, const StreamOrDevice& s = {}) {
  return full(shape, array(value), s);
}
array full_like(const array& a, const array& vals, Dtype dtype, const StreamOrDevice& s = {});
array full_like(const array& a, const array& vals, const StreamOrDevice& s = {});
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array full_like(const array& a, T value, Dtype dtype, const StreamOrDevice& s = {}) {
  return full_like(a, array(value), dtype, s);
}
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array full_like(const array& a, T value, const StreamOrDevice& s = {}) {
  return full_like(a, array(value), a.dtype(), s);
}
array zeros(const Shape& shape, Dtype dtype, const StreamOrDevice& s = {});
array zeros(const Shape& shape, const StreamOrDevice& s = {});
array zeros_like(const array& a, Dtype dtype, const StreamOrDevice& s = {});
array zeros_like(const array& a, const StreamOrDevice& s = {});
array ones(const Shape& shape, Dtype dtype, const StreamOrDevice& s = {});
array ones(const Shape& shape, const StreamOrDevice& s = {});
array ones_like(const array& a, Dtype dtype, const StreamOrDevice& s = {});
array ones_like(const array& a, const StreamOrDevice& s = {});

// n by m zeros with ones on the k-th diagonal (positive: above the main one).
array eye(int n, int m, int k, Dtype dtype, const StreamOrDevice& s = {});
inline array eye(int n, Dtype dtype, const StreamOrDevice& s = {}) { return eye(n, n, 0, dtype, s); }
inline array eye(int n, int m, const StreamOrDevice& s = {}) { return eye(n, m, 0, float32, s); }
inline array eye(int n, int m, int k, const StreamOrDevice& s = {}) { return eye(n, m, k, float32, s); }
inline array eye(int n, const StreamOrDevice& s = {}) { return eye(n, n, 0, float32, s); }
array identity(int n, Dtype dtype, const StreamOrDevice& s = {});
inline array identity(int n, const StreamOrDevice& s = {}) { return identity(n, float32, s); }
// n by m: ones on and below the k-th diagonal, zeros above.
array tri(int n, int m, int k, Dtype dtype, const StreamOrDevice& s = {});
inline array tri(int n, Dtype dtype, const StreamOrDevice& s = {}) { return tri(n, n, 0, dtype, s); }
// The last two axes with zeros above (tril) or below (triu) the k-th diagonal.
array tril(const array& x, int k = 0, const StreamOrDevice& s = {});
array triu(const array& x, int k = 0, const StreamOrDevice& s = {});
// The diagonal over two axes, as the last axis of a view.
array diagonal(const array& a, int offset = 0, int axis1 = 0, int axis2 = 1, const StreamOrDevice& s = {});
// Of a matrix its k-th diagonal; of a vector the matrix that has it as its k-th diagonal.
array diag(const array& a, int k = 0, const StreamOrDevice& s = {});
array trace(const array& a, int offset, int axis1, int axis2, Dtype dtype, const StreamOrDevice& s = {});
array trace(const array& a, int offset, int axis1, int axis2, const StreamOrDevice& s = {});
array trace(const array& a, const StreamOrDevice& s = {});
// The grid of coordinates that vectors span. `indexing`: "xy" or "ij".
std::vector<array> meshgrid(const std::vector<array>& arrays, bool sparse = false, const std::string& indexing = "xy",
                            const StreamOrDevice& s = {});

// --- Elementwise: the rows of elementwise_table.h

#define ANABRANCH_DECLARE(Opcode, function, ...) array function(const array& a, const StreamOrDevice& s = {});
ANABRANCH_UNARY_OPS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE
#define ANABRANCH_DECLARE(Opcode, function, ...) \
  array function(const array& a, const array& b, const StreamOrDevice& s = {});
ANABRANCH_BINARY_OPS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// The elements converted. Floats to integers truncate; complex to real drops the imaginary part.
array astype(const array& a, Dtype dtype, const StreamOrDevice& s = {});
// x where the condition is true, else y.
array where(const array& condition, const array& x, const array& y, const StreamOrDevice& s = {});
// Rounded to `decimals` places, ties to even.
array round(const array& a, int decimals, const StreamOrDevice& s = {});
array positive(const array& a, const StreamOrDevice& s = {});
array logical_xor(const array& a, const array& b, const StreamOrDevice& s = {});
array isposinf(const array& a, const StreamOrDevice& s = {});
array isneginf(const array& a, const StreamOrDevice& s = {});
array degrees(const array& a, const StreamOrDevice& s = {});
array radians(const array& a, const StreamOrDevice& s = {});
// Limited to [a_min, a_max]; at least one of them must be given.
array clip(const array& a, const std::optional<array>& a_min = std::nullopt,
           const std::optional<array>& a_max = std::nullopt, const StreamOrDevice& s = {});
// NaN and the infinities replaced (the latter, without a value, by the dtype's largest and smallest number).
array nan_to_num(const array& a, float nan = 0.0f, std::optional<float> posinf = std::nullopt,
                 std::optional<float> neginf = std::nullopt, const StreamOrDevice& s = {});
// {floor_divide(a, b), remainder(a, b)}
std::vector<array> divmod(const array& a, const array& b, const StreamOrDevice& s = {});
// The value itself: gradients end here.
array stop_gradient(const array& a, const StreamOrDevice& s = {});
// |a - b| <= atol + rtol * |b|, elementwise and for all.
array isclose(const array& a, const array& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false,
              const StreamOrDevice& s = {});
array allclose(const array& a, const array& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false,
               const StreamOrDevice& s = {});
// Whether shapes and all elements are equal: a bool scalar.
array array_equal(const array& a, const array& b, bool equal_nan, const StreamOrDevice& s = {});
inline array array_equal(const array& a, const array& b, const StreamOrDevice& s = {}) {
  return array_equal(a, b, false, s);
}

#define ANABRANCH_OPERATOR(sign, function)                                                \
  inline array operator sign(const array& a, const array& b) { return function(a, b); }   \
  template <typename T>                                                                   \
    requires requires { TypeToDtype<T>::value; }                                          \
  array operator sign(T a, const array& b) {                                              \
    return function(array(a), b);                                                         \
  }                                                                                       \
  template <typename T>                                                                   \
    requires requires { TypeToDtype<T>::value; }                                          \
  array operator sign(const array& a, T b) {                                              \
    return function(a, array(b));                                                         \
  }
ANABRANCH_OPERATOR(+, add)
ANABRANCH_OPERATOR(-, subtract)
ANABRANCH_OPERATOR(*, multiply)
ANABRANCH_OPERATOR(/, divide)
ANABRANCH_OPERATOR(%, remainder)
ANABRANCH_OPERATOR(==, equal)
ANABRANCH_OPERATOR(!=, not_equal)
ANABRANCH_OPERATOR(<, less)
ANABRANCH_OPERATOR(<=, less_equal)
ANABRANCH_OPERATOR(>, greater)
ANABRANCH_OPERATOR(>=, greater_equal)
#undef ANABRANCH_OPERATOR
inline array operator-(const array& a) { return negative(a); }
inline array operator~(const array& a) { return bitwise_invert(a); }
inline array operator&(const array& a, const array& b) { return bitwise_and(a, b); }
inline array operator|(const array& a, const array& b) { return bitwise_or(a, b); }
inline array operator^(const array& a, const array& b) { return bitwise_xor(a, b); }
inline array operator<<(const array& a, const array& b) { return left_shift(a, b); }
inline array operator>>(const array& a, const array& b) { return right_shift(a, b); }
inline array operator&&(const array& a, const array& b) { return logical_and(a, b); }
inline array operator||(const array& a, const array& b) { return logical_or(a, b); }

// --- Reductions: over all axes, some, or one; `keepdims` leaves extents of 1 in their place

#define ANABRANCH_REDUCTIONS(X)                                                            \
  X(sum, "Sum; bool and integers below 32 bits are summed in 32 bits.")                    \
  X(prod, "Product; dtypes as for sum.")                                                   \
  X(max, "Largest element; NaN if there is one. Throws where there is no element.")        \
  X(min, "Smallest element; NaN if there is one. Throws where there is no element.")       \
  X(any, "Whether any element is true.")                                                   \
  X(all, "Whether all elements are true.")                                                 \
  X(mean, "Mean; integers as float32.")                                                    \
  X(logsumexp, "log(sum(exp(a))), without overflow.")                                      \
  X(count_nonzero, "How many elements are not zero (int32).")
#define ANABRANCH_DECLARE(function, summary)                                                                     \
  array function(const array& a, const std::vector<int>& axes, bool keepdims = false, const StreamOrDevice& s = {}); \
  array function(const array& a, int axis, bool keepdims = false, const StreamOrDevice& s = {});                 \
  array function(const array& a, bool keepdims, const StreamOrDevice& s = {});                                   \
  inline array function(const array& a, const StreamOrDevice& s = {}) { return function(a, false, s); }
ANABRANCH_REDUCTIONS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// Variance and its root; `ddof` is taken from the number of elements that divides.
#define ANABRANCH_MOMENTS(X) X(var) X(std)
#define ANABRANCH_DECLARE(function)                                                                              \
  array function(const array& a, const std::vector<int>& axes, bool keepdims = false, int ddof = 0,              \
                 const StreamOrDevice& s = {});                                                                  \
  array function(const array& a, int axis, bool keepdims = false, int ddof = 0, const StreamOrDevice& s = {});   \
  array function(const array& a, bool keepdims, int ddof = 0, const StreamOrDevice& s = {});                     \
  inline array function(const array& a, const StreamOrDevice& s = {}) { return function(a, false, 0, s); }
ANABRANCH_MOMENTS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// The index (uint32) of the first largest or smallest element along an axis, or among all of them flattened.
array argmax(const array& a, int axis, bool keepdims = false, const StreamOrDevice& s = {});
array argmax(const array& a, bool keepdims, const StreamOrDevice& s = {});
inline array argmax(const array& a, const StreamOrDevice& s = {}) { return argmax(a, false, s); }
array argmin(const array& a, int axis, bool keepdims = false, const StreamOrDevice& s = {});
array argmin(const array& a, bool keepdims, const StreamOrDevice& s = {});
inline array argmin(const array& a, const StreamOrDevice& s = {}) { return argmin(a, false, s); }

// exp(a - max) / sum(exp(a - max)) over the axes together; 16-bit floats are always accumulated in float32.
array softmax(const array& a, const std::vector<int>& axes, bool precise = false, const StreamOrDevice& s = {});
array softmax(const array& a, int axis, bool precise = false, const StreamOrDevice& s = {});
array softmax(const array& a, bool precise = false, const StreamOrDevice& s = {});

// Cumulative along an axis, or over all elements flattened; from the end if `reverse`. An exclusive one begins with the
// neutral element.
#define ANABRANCH_SCANS(X)                                                                     \
  X(cumsum, "Cumulative sum (int32 for bool).")                                                \
  X(cumprod, "Cumulative product.")                                                            \
  X(cummax, "Cumulative maximum; NaN from the first one on.")                                  \
  X(cummin, "Cumulative minimum; NaN from the first one on.")                                  \
  X(logcumsumexp, "Logarithm of the cumulative sum of exponentials, without overflow.")
#define ANABRANCH_DECLARE(function, summary)                                                                    \
  array function(const array& a, int axis, bool reverse = false, bool inclusive = true,                         \
                 const StreamOrDevice& s = {});                                                                 \
  array function(const array& a, bool reverse, bool inclusive = true, const StreamOrDevice& s = {});
ANABRANCH_SCANS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

// Sorted along an axis, or flattened; NaN last.
array sort(const array& a, int axis, const StreamOrDevice& s = {});
array sort(const array& a, const StreamOrDevice& s = {});
// The indices (uint32) that sort; equal elements keep their order.
array argsort(const array& a, int axis, const StreamOrDevice& s = {});
array argsort(const array& a, const StreamOrDevice& s = {});

// The product of the extents of `axes` (its reciprocal if `inverted`), as a scalar.
array number_of_elements(const array& a, const std::vector<int>& axes, bool inverted, Dtype dtype = int32,
                         const StreamOrDevice& s = {});

// --- Products

// Matrix product over the last two axes, the others broadcast. A vector counts as a row on the left and a column on
// the right, and its axis is dropped. Floats and complex only.
array matmul(const array& a, const array& b, const StreamOrDevice& s = {});
// beta * c + alpha * matmul(a, b)
array addmm(const array& c, const array& a, const array& b, float alpha = 1.0f, float beta = 1.0f,
            const StreamOrDevice& s = {});
// Sum of products over the last axes.
array inner(const array& a, const array& b, const StreamOrDevice& s = {});
// All products of the flattened elements.
array outer(const array& a, const array& b, const StreamOrDevice& s = {});
// Contraction over the last `axis` axes of `a` and the first of `b`, or over the axes given for each.
array tensordot(const array& a, const array& b, int axis = 2, const StreamOrDevice& s = {});
array tensordot(const array& a, const array& b, const std::vector<int>& axes_a, const std::vector<int>& axes_b,
                const StreamOrDevice& s = {});
array kron(const array& a, const array& b, const StreamOrDevice& s = {});

// --- Shape: views of the same memory where strides can say it, a copy where not

// One extent may be -1: what remains.
array reshape(const array& a, const Shape& shape, const StreamOrDevice& s = {});
array unflatten(const array& a, int axis, const Shape& shape, const StreamOrDevice& s = {});
array flatten(const array& a, int start_axis, int end_axis = -1, const StreamOrDevice& s = {});
array flatten(const array& a, const StreamOrDevice& s = {});
array squeeze(const array& a, const std::vector<int>& axes, const StreamOrDevice& s = {});
array squeeze(const array& a, int axis, const StreamOrDevice& s = {});
array squeeze(const array& a, const StreamOrDevice& s = {});
array expand_dims(const array& a, const std::vector<int>& axes, const StreamOrDevice& s = {});
array expand_dims(const array& a, int axis, const StreamOrDevice& s = {});
array transpose(const array& a, const std::vector<int>& axes, const StreamOrDevice& s = {});
array transpose(const array& a, const StreamOrDevice& s = {});
inline array transpose(const array& a, std::initializer_list<int> axes, const StreamOrDevice& s = {}) {
  return transpose(a, std::vector<int>(axes), s);
}
array matrix_transpose(const array& a, const StreamOrDevice& s = {});
array swapaxes(const array& a, int axis1, int axis2, const StreamOrDevice& s = {});
array moveaxis(const array& a, int source, int destination, const StreamOrDevice& s = {});
array flip(const array& a, const std::vector<int>& axes, const StreamOrDevice& s = {});
array flip(const array& a, int axis, const StreamOrDevice& s = {});
array flip(const array& a, const StreamOrDevice& s = {});
array broadcast_to(const array& a, const Shape& shape, const StreamOrDevice& s = {});
std::vector<array> broadcast_arrays(const std::vector<array>& inputs, const StreamOrDevice& s = {});
array atleast_1d(const array& a, const StreamOrDevice& s = {});
array atleast_2d(const array& a, const StreamOrDevice& s = {});
array atleast_3d(const array& a, const StreamOrDevice& s = {});
std::vector<array> atleast_1d(const std::vector<array>& a, const StreamOrDevice& s = {});
std::vector<array> atleast_2d(const std::vector<array>& a, const StreamOrDevice& s = {});
std::vector<array> atleast_3d(const std::vector<array>& a, const StreamOrDevice& s = {});
// The elements of `a` laid out densely (in row-major order), read with these strides from `offset` on. Throws
// std::invalid_argument where they would leave it.
array as_strided(const array& a, const Shape& shape, const Strides& strides, std::size_t offset,
                 const StreamOrDevice& s = {});
// Laid out densely in row-major order (or in column-major order, if allowed and so already).
array contiguous(const array& a, bool allow_col_major = false, const StreamOrDevice& s = {});
// Another array of the same elements, in memory of its own.
array copy(const array& a, const StreamOrDevice& s = {});

// --- Joining and repeating

array concatenate(const std::vector<array>& arrays, int axis, const StreamOrDevice& s = {});
array concatenate(const std::vector<array>& arrays, const StreamOrDevice& s = {});
array stack(const std::vector<array>& arrays, int axis, const StreamOrDevice& s = {});
array stack(const std::vector<array>& arrays, const StreamOrDevice& s = {});
// Views: in `num_splits` equal parts, or at the indices.
std::vector<array> split(const array& a, int num_splits, int axis, const StreamOrDevice& s = {});
std::vector<array> split(const array& a, int num_splits, const StreamOrDevice& s = {});
std::vector<array> split(const array& a, const Shape& indices, int axis, const StreamOrDevice& s = {});
std::vector<array> split(const array& a, const Shape& indices, const StreamOrDevice& s = {});
std::vector<array> unstack(const array& a, int axis = 0, const StreamOrDevice& s = {});
array repeat(const array& a, int repeats, int axis, const StreamOrDevice& s = {});
array repeat(const array& a, int repeats, const StreamOrDevice& s = {});
array tile(const array& a, const std::vector<int>& reps, const StreamOrDevice& s = {});
array roll(const array& a, int shift, const StreamOrDevice& s = {});
array roll(const array& a, const Shape& shift, const StreamOrDevice& s = {});
array roll(const array& a, int shift, int axis, const StreamOrDevice& s = {});
array roll(const array& a, int shift, const std::vector<int>& axes, const StreamOrDevice& s = {});
array roll(const array& a, const Shape& shift, int axis, const StreamOrDevice& s = {});
array roll(const array& a, const Shape& shift, const std::vector<int>& axes, const StreamOrDevice& s = {});
// `mode`: "constant" (pad_value) or "edge".
array pad(const array& a, const std::vector<int>& axes, const Shape& low_pad_size, const Shape& high_pad_size,
          const array& pad_value = array(0), const std::string& mode = "constant", const StreamOrDevice& s = {});
array pad(const array& a, const std::vector<std::pair<int, int>>& pad_width, const array& pad_value = array(0),
          const std::string& mode = "constant", const StreamOrDevice& s = {});
array pad(const array& a, const std::pair<int, int>& pad_width, const array& pad_value = array(0),
          const std::string& mode = "constant", const StreamOrDevice& s = {});
array pad(const array& a, int pad_width, const array& pad_value = array(0), const std::string& mode = "constant",
          const StreamOrDevice& s = {});

// --- Indexing. Indices count from the end where negative; one out of range fails when the operation runs.

// A view of start[i], start[i] + strides[i], ... before stop[i] along each axis; as Python's slices are cut to size.
array slice(const array& a, const Shape& start, const Shape& stop, const Shape& strides, const StreamOrDevice& s = {});
array slice(const array& a, const Shape& start, const Shape& stop, const StreamOrDevice& s = {});
// `slice_size` elements along each axis, from start[k] on along axes[k] and from 0 on along the others.
array slice(const array& a, const array& start, const std::vector<int>& axes, const Shape& slice_size,
            const StreamOrDevice& s = {});
// `src` with that region replaced by (or combined with) `update`, which is broadcast to it and cast to src's dtype.
#define ANABRANCH_SLICE_UPDATES(X) X(slice_update, Assign) X(slice_update_add, Add) X(slice_update_prod, Prod) \
  X(slice_update_max, Max) X(slice_update_min, Min)
#define ANABRANCH_DECLARE(function, kind)                                                                        \
  array function(const array& src, const array& update, const Shape& start, const Shape& stop, const Shape& strides, \
                 const StreamOrDevice& s = {});                                                                  \
  array function(const array& src, const array& update, const Shape& start, const Shape& stop,                   \
                 const StreamOrDevice& s = {});
ANABRANCH_SLICE_UPDATES(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE
array slice_update(const array& src, const array& update, const array& start, const std::vector<int>& axes,
                   const StreamOrDevice& s = {});

// Slices of extents `slice_sizes` at the places that the (broadcast) index arrays give along `axes`. The result has
// the shape of the indices, then slice_sizes.
array gather(const array& a, const std::vector<array>& indices, const std::vector<int>& axes, const Shape& slice_sizes,
             const StreamOrDevice& s = {});
inline array gather(const array& a, const array& indices, int axis, const Shape& slice_sizes,
                    const StreamOrDevice& s = {}) {
  return gather(a, std::vector<array>{indices}, std::vector<int>{axis}, slice_sizes, s);
}
// a[..., indices, ...] along an axis, or of the flattened array.
array take(const array& a, const array& indices, int axis, const StreamOrDevice& s = {});
array take(const array& a, int index, int axis, const StreamOrDevice& s = {});
array take(const array& a, const array& indices, const StreamOrDevice& s = {});
array take(const array& a, int index, const StreamOrDevice& s = {});
array take_along_axis(const array& a, const array& indices, int axis, const StreamOrDevice& s = {});
array put_along_axis(const array& a, const array& indices, const array& values, int axis, const StreamOrDevice& s = {});
array scatter_add_axis(const array& a, const array& indices, const array& values, int axis,
                       const StreamOrDevice& s = {});
// `a` with the updates (of the indices' shape, then an extent for each axis of `a`) applied in order.
#define ANABRANCH_SCATTERS(X) X(scatter, Assign) X(scatter_add, Add) X(scatter_prod, Prod) X(scatter_max, Max) \
  X(scatter_min, Min)
#define ANABRANCH_DECLARE(function, kind)                                                                          \
  array function(const array& a, const std::vector<array>& indices, const array& updates,                          \
                 const std::vector<int>& axes, const StreamOrDevice& s = {});                                      \
  inline array function(const array& a, const array& indices, const array& updates, int axis,                      \
                        const StreamOrDevice& s = {}) {                                                            \
    return function(a, std::vector<array>{indices}, updates, std::vector<int>{axis}, s);                           \
  }
ANABRANCH_SCATTERS(ANABRANCH_DECLARE)
#undef ANABRANCH_DECLARE

}  // namespace anabranch
