// Shapes and strides, and the index arithmetic that every layer shares.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "anabranch/small_vector.h"

namespace anabranch {

using ShapeElem = std::int64_t;
// Extents, outermost first. An empty shape is a scalar of one element.
using Shape = SmallVector<ShapeElem, 4>;
// Elements (not bytes) between neighbours along each axis; 0 along a broadcast axis, negative along a reversed one.
using Strides = SmallVector<std::int64_t, 4>;

// The product of the extents. Throws std::overflow_error from 2^60 on.
std::int64_t element_count(const Shape& shape);

// Strides of a dense row-major array.
Strides contiguous_strides(const Shape& shape);

// Whether the elements lie densely in row-major order (extents of 1 may have any stride).
bool is_row_contiguous(const Shape& shape, const Strides& strides);

// NumPy's broadcasting of two shapes. Throws std::invalid_argument naming both where they do not fit.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* function = "broadcast_shapes");

// The strides with which an array of `shape` and `strides` reads as one of the (wider) shape `to`.
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to);

// `axis` in [0, ndim), counted from the end where negative. Throws std::out_of_range naming function and axis.
int normalize_axis(std::int64_t axis, int ndim, const char* function);
// All of them, sorted; duplicates throw std::invalid_argument.
std::vector<int> normalize_axes(const std::vector<int>& axes, int ndim, const char* function);

// "(2,3)", "(2)", "()", as MLX writes shapes.
std::string to_string(const Shape& shape);

}  // namespace anabranch
