// What stands between the brackets of x[...], read against the shape of x.
#pragma once

#include <optional>
#include <vector>

#include "common.h"

namespace anabranch::python {

// An index picks, along each axis of the source, an element (which drops the axis), a slice, or the elements that an
// integer array names. It is applied in two steps: the slices and elements give a view (the region), in which the
// arrays then choose. The result's dimensions lie as NumPy has them: those of the arrays where the arrays (and, beside
// arrays, the elements) stood if they stood together, else first.
class Index {
 public:
  struct Pick {
    ShapeElem start, step, count;  // a slice of all where nothing was said
    bool dropped = false;          // an element
    bool chosen = false;           // by an array
  };

  // Throws std::out_of_range for an element that is not there, std::invalid_argument for what is no index.
  Index(nb::handle key, const Shape& shape);

  // A boolean array (or bool), which must be the only index; the rest of this class is then of no use.
  const std::optional<array>& mask() const { return mask_; }
  bool has_arrays() const { return !arrays_.empty(); }
  // Whether the region is all of the source.
  bool is_whole() const { return whole_; }
  // Whether nothing is picked.
  bool is_empty() const;

  // The region of `a`: its kept axes in order.
  array region(const array& a) const;
  // a[index].
  array get(const array& a) const;
  // The shape of get().
  Shape result_shape() const;
  // `value`, of a shape that broadcasts to result_shape() (but for leading extents of 1), laid out as updates for a
  // scatter into the region: the arrays' dimensions, then those of the region. Without arrays: the region's new value.
  array scatter_updates(const array& value, const StreamOrDevice& s) const;
  const std::vector<array>& arrays() const { return arrays_; }
  // The region's axes along which the arrays choose.
  const std::vector<int>& array_axes() const { return array_axes_; }
  // `a` with its region replaced.
  array replace_region(const array& a, const array& region, const StreamOrDevice& s) const;

 private:
  // A dimension of the result: one of the region, one of the arrays, or a new one.
  struct Dimension {
    enum class Kind : std::uint8_t { Region, Arrays, New } kind;
    int axis;
  };

  void read(nb::handle key, const Shape& shape);
  void add_element(ShapeElem i, const Shape& shape);
  void add_slice(nb::handle slice, const Shape& shape);
  void add_rest(std::size_t axes, const Shape& shape);
  void add_array(array a);
  void add_new();
  void stand(bool among_arrays);
  void finish(const Shape& shape);
  Strides region_strides(const array& a, std::int64_t& offset) const;
  Shape region_shape() const;

  std::optional<array> mask_;
  std::vector<array> arrays_;
  std::vector<int> array_axes_;
  SmallVector<Pick, 4> picks_;            // one an axis of the source
  SmallVector<Dimension, 6> dimensions_;  // of the result
  Shape region_shape_;                    // of the kept axes
  Shape arrays_shape_;
  bool whole_ = true;
  // Where the arrays' dimensions go, while reading: after how many others; -1 before there is an array or element.
  int arrays_at_ = -1;
  bool together_ = true, last_among_arrays_ = false;
};

}  // namespace anabranch::python
