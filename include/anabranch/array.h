// array: a handle on a value that is computed when somebody needs it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "anabranch/dtype.h"
#include "anabranch/ref.h"
#include "anabranch/shape.h"
#include "anabranch/stream.h"

namespace anabranch {

namespace graph {
struct Node;
void retain(Node* n) noexcept;
void release(Node* n) noexcept;
using NodeRef = Ref<Node>;
}  // namespace graph

// Immutable once built; copying copies the handle. Any thread may use any array.
class array {
 public:
  // A scalar. Without a dtype: that of T.
  template <typename T>
    requires requires { TypeToDtype<T>::value; }
  explicit array(T value) : array(&value, Shape{}, TypeToDtype<T>::value) {}
  template <typename T>
  array(T value, Dtype dtype) : array(array(value), dtype) {}
  // One dimension.
  template <typename T>
  array(std::initializer_list<T> values)
      : array(values.begin(), Shape{static_cast<ShapeElem>(values.size())}, TypeToDtype<T>::value) {}
  template <typename T>
  explicit array(const std::vector<T>& values, Shape shape) : array(values.data(), shape, TypeToDtype<T>::value) {}
  // A copy of `element_count(shape)` elements of `dtype`, dense and row-major, at `data`.
  array(const void* data, const Shape& shape, Dtype dtype);
  // The memory at `data` itself, given back through `deleter` (called once, from any thread) when nothing uses it.
  array(void* data, const Shape& shape, Dtype dtype, std::function<void(void*)> deleter);
  array(const array& other, Dtype dtype);
  explicit array(graph::NodeRef node) : node_(std::move(node)) {}

  const Shape& shape() const;
  ShapeElem shape(int axis) const { return shape()[static_cast<std::size_t>(normalize_axis(axis, ndim(), "shape"))]; }
  int ndim() const { return static_cast<int>(shape().size()); }
  std::size_t size() const;
  Dtype dtype() const;
  std::size_t itemsize() const { return dtype().size(); }
  std::size_t nbytes() const { return size() * itemsize(); }
  // In elements; known before the array is evaluated.
  Strides strides() const;
  bool is_row_contiguous() const;

  // Computes the value. Raises the failure of what it depends on, each time. Does nothing where it is there.
  void eval() const;
  // Whether the value is there (or has failed): data() would not wait.
  bool is_available() const;
  // Whether it is computed or its computation has been handed to a stream.
  bool is_scheduled() const;
  // When the value is there: an event of the stream that computes it (one that has happened for data given from
  // outside). Only for a scheduled array; throws std::invalid_argument for a lazy one.
  Event event() const;

  // The only element, converted. Evaluates. Throws std::invalid_argument where there is not exactly one.
  template <typename T>
  T item() const;
  // The first element of the value in host memory, with strides(). Evaluates. Good as long as the array; of memory on a
  // device that others were given to write to, until the next call.
  const void* data_ptr() const;
  template <typename T>
  const T* data() const {
    return static_cast<const T*>(data_ptr());
  }

  const graph::NodeRef& node() const { return node_; }

 private:
  graph::NodeRef node_;
};

// Computes the arrays, together, and waits for them.
void eval(const std::vector<array>& arrays);
template <typename... Arrays>
void eval(const array& a, const Arrays&... rest) {
  eval(std::vector<array>{a, rest...});
}
// Plans and queues their computation and returns. Where one of their streams has tens of thousands of submissions in
// its queue from before, waits until it has worked off some.
void async_eval(const std::vector<array>& arrays);

// As Python prints it: array([1, 2, 3], dtype=int32).
std::ostream& operator<<(std::ostream& out, const array& a);

}  // namespace anabranch
