#include <algorithm>
#include <cmath>

#include "ops/common.h"

namespace anabranch {
namespace {

using graph::Op;
using graph::ReduceKind;

std::vector<int> all_axes(const array& a) {
  std::vector<int> axes(static_cast<std::size_t>(a.ndim()));
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int>(i);
  return axes;
}

// The axes that stay and those that go, both in order.
struct Axes {
  SmallVector<int, 4> order;  // kept, then reduced
  int reduced = 0;
  Shape kept, kept_as_ones;
  std::int64_t count = 1;  // elements that become one

  Axes(const array& a, const std::vector<int>& axes, const char* function) {
    SmallVector<bool, 8> goes(a.shape().size(), false);
    for (int axis : axes) {
      const auto i = static_cast<std::size_t>(normalize_axis(axis, a.ndim(), function));
      if (goes[i]) ops::refuse(function, "Duplicate axis " + std::to_string(axis) + ".");
      goes[i] = true;
    }
    for (bool reduce : {false, true}) {
      for (std::size_t i = 0; i < goes.size(); ++i) {
        if (goes[i] == reduce) order.push_back(static_cast<int>(i));
      }
    }
    for (std::size_t i = 0; i < goes.size(); ++i) {
      if (goes[i]) {
        ++reduced;
        count *= a.shape()[i];
      } else {
        kept.push_back(a.shape()[i]);
      }
      kept_as_ones.push_back(goes[i] ? 1 : a.shape()[i]);
    }
  }
};

// `result`, of shape axes.kept.
array finish(const array& result, const Axes& axes, bool keepdims) {
  return keepdims ? graph::view(result, axes.kept_as_ones, contiguous_strides(axes.kept_as_ones)) : result;
}

array reduce(ReduceKind kind, const array& a, const Axes& axes, Dtype dtype, bool keepdims, const StreamOrDevice& s) {
  const array in = ops::permute(a, axes.order);
  return finish(graph::operation(Op::Reduce, axes.kept, dtype, ops::operands(in), to_stream(s),
                                 graph::ReduceAttrs{kind, axes.reduced}),
                axes, keepdims);
}

Dtype sum_dtype(Dtype d) {
  switch (d.val) {
    case Dtype::Val::bool_:
    case Dtype::Val::int8:
    case Dtype::Val::int16: return int32;
    case Dtype::Val::uint8:
    case Dtype::Val::uint16: return uint32;
    default: return d;
  }
}

array extremum(ReduceKind kind, const char* function, const array& a, const std::vector<int>& axes, bool keepdims,
               const StreamOrDevice& s) {
  const Axes split(a, axes, function);
  for (int i = a.ndim() - split.reduced; i < a.ndim(); ++i) {
    const int axis = split.order[static_cast<std::size_t>(i)];
    if (a.shape(axis) == 0) {
      ops::refuse(function,
                  "Cannot " + std::string(function) + " reduce over axis " + std::to_string(axis) + " with size 0.");
    }
  }
  return axes.empty() ? a : reduce(kind, a, split, a.dtype(), keepdims, s);
}

array arg_reduce(bool maximum, const char* function, const array& a, int axis, bool keepdims, const StreamOrDevice& s) {
  const Axes axes(a, {axis}, function);
  if (a.size() == 0) ops::refuse(function, "Cannot " + std::string(function) + " reduce zero size array.");
  const array in = ops::permute(a, axes.order);
  return finish(graph::operation(Op::ArgReduce, axes.kept, uint32, ops::operands(in), to_stream(s),
                                 graph::ArgReduceAttrs{maximum}),
                axes, keepdims);
}

array arg_reduce_all(bool maximum, const char* function, const array& a, bool keepdims, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const array out = arg_reduce(maximum, function, flatten(a, on), 0, false, on);
  return keepdims ? reshape(out, Shape(a.shape().size(), 1), on) : out;
}

// `a` with the reduced axes as a single last one.
array rows(const array& a, const Axes& axes, const StreamOrDevice& s) {
  Shape shape = axes.kept;
  shape.push_back(axes.count);
  return reshape(ops::permute(a, axes.order), shape, s);
}

}  // namespace

array sum(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  if (axes.empty()) return a;
  return reduce(ReduceKind::Sum, a, Axes(a, axes, "sum"), sum_dtype(a.dtype()), keepdims, s);
}
array prod(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  if (axes.empty()) return a;
  return reduce(ReduceKind::Prod, a, Axes(a, axes, "prod"), sum_dtype(a.dtype()), keepdims, s);
}
array any(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  if (axes.empty()) return astype(a, bool_, s);
  return reduce(ReduceKind::Any, a, Axes(a, axes, "any"), bool_, keepdims, s);
}
array all(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  if (axes.empty()) return astype(a, bool_, s);
  return reduce(ReduceKind::All, a, Axes(a, axes, "all"), bool_, keepdims, s);
}
array max(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  return extremum(ReduceKind::Max, "max", a, axes, keepdims, s);
}
array min(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  return extremum(ReduceKind::Min, "min", a, axes, keepdims, s);
}

array mean(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const Axes split(a, axes, "mean");
  const Dtype d = ops::at_least_float(a.dtype());
  // 16-bit floats are summed, and divided, in float32: their own range is soon left.
  const Dtype wide = d.size() == 2 ? float32 : d;
  const array total = reduce(ReduceKind::Sum, a, split, wide, keepdims, on);
  return astype(multiply(total, ops::constant(1.0 / static_cast<double>(split.count), wide, on), on), d, on);
}

array logsumexp(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const Axes split(a, axes, "logsumexp");
  if (a.size() == 0) ops::refuse("logsumexp", "Received empty array.");
  const array in = rows(astype(a, ops::at_least_float(a.dtype()), on), split, on);
  return finish(graph::operation(Op::LogSumExp, split.kept, in.dtype(), ops::operands(in), to_stream(on),
                                 graph::SoftmaxAttrs{true}),
                split, keepdims);
}

array count_nonzero(const array& a, const std::vector<int>& axes, bool keepdims, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const array counted = astype(a, bool_, on);
  return reduce(ReduceKind::Sum, counted, Axes(a, axes, "count_nonzero"), int32, keepdims, on);
}

#define ANABRANCH_DEFINE(function, summary)                                                       \
  array function(const array& a, int axis, bool keepdims, const StreamOrDevice& s) {              \
    return function(a, std::vector<int>{axis}, keepdims, s);                                      \
  }                                                                                               \
  array function(const array& a, bool keepdims, const StreamOrDevice& s) {                        \
    return function(a, all_axes(a), keepdims, s);                                                 \
  }
ANABRANCH_REDUCTIONS(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE

array var(const array& a, const std::vector<int>& axes, bool keepdims, int ddof, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const Axes split(a, axes, "var");
  const Dtype d = ops::at_least_float(a.dtype());
  const array x = astype(a, d.size() == 2 ? float32 : d, on);
  const array distance = abs(subtract(x, mean(x, axes, true, on), on), on);
  const array total = reduce(ReduceKind::Sum, square(distance, on), split, distance.dtype(), keepdims, on);
  const double divisor = static_cast<double>(std::max<std::int64_t>(split.count - ddof, 0));
  return astype(divide(total, ops::constant(divisor, total.dtype(), on), on), d == complex64 ? float32 : d, on);
}
array std(const array& a, const std::vector<int>& axes, bool keepdims, int ddof, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return sqrt(var(a, axes, keepdims, ddof, on), on);
}

#define ANABRANCH_DEFINE(function)                                                                  \
  array function(const array& a, int axis, bool keepdims, int ddof, const StreamOrDevice& s) {      \
    return function(a, std::vector<int>{axis}, keepdims, ddof, s);                                  \
  }                                                                                                 \
  array function(const array& a, bool keepdims, int ddof, const StreamOrDevice& s) {                \
    return function(a, all_axes(a), keepdims, ddof, s);                                             \
  }
ANABRANCH_MOMENTS(ANABRANCH_DEFINE)
#undef ANABRANCH_DEFINE

array argmax(const array& a, int axis, bool keepdims, const StreamOrDevice& s) {
  return arg_reduce(true, "argmax", a, axis, keepdims, s);
}
array argmax(const array& a, bool keepdims, const StreamOrDevice& s) {
  return arg_reduce_all(true, "argmax", a, keepdims, s);
}
array argmin(const array& a, int axis, bool keepdims, const StreamOrDevice& s) {
  return arg_reduce(false, "argmin", a, axis, keepdims, s);
}
array argmin(const array& a, bool keepdims, const StreamOrDevice& s) {
  return arg_reduce_all(false, "argmin", a, keepdims, s);
}

array softmax(const array& a, const std::vector<int>& axes, bool precise, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const Axes split(a, axes, "softmax");
  const array x = astype(a, ops::at_least_float(a.dtype()), on);
  if (a.size() == 0) return x;
  if (axes.empty()) return exp(subtract(x, x, on), on);  // 1, or NaN
  const array in = rows(x, split, on);
  const array out = graph::operation(Op::Softmax, in.shape(), x.dtype(), ops::operands(in), to_stream(on),
                                     graph::SoftmaxAttrs{precise});
  SmallVector<int, 4> back(split.order.size());
  Shape permuted;
  for (std::size_t i = 0; i < back.size(); ++i) {
    back[static_cast<std::size_t>(split.order[i])] = static_cast<int>(i);
    permuted.push_back(a.shape()[static_cast<std::size_t>(split.order[i])]);
  }
  return ops::permute(reshape(out, permuted, on), back);
}
array softmax(const array& a, int axis, bool precise, const StreamOrDevice& s) {
  return softmax(a, std::vector<int>{axis}, precise, s);
}
array softmax(const array& a, bool precise, const StreamOrDevice& s) { return softmax(a, all_axes(a), precise, s); }

array number_of_elements(const array& a, const std::vector<int>& axes, bool inverted, Dtype dtype,
                         const StreamOrDevice& s) {
  const double count = static_cast<double>(Axes(a, axes, "number_of_elements").count);
  return ops::constant(inverted ? 1 / count : count, dtype, s);
}

}  // namespace anabranch
