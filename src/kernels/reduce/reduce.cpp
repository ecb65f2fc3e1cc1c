#include <utility>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/reduce/problem.h"

namespace anabranch::kernels {
namespace {

using graph::ReduceKind;

bool is_logical(ReduceKind kind) { return kind == ReduceKind::Any || kind == ReduceKind::All; }

FoldOp fold_op(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::Sum: return FoldOp::Sum;
    case ReduceKind::Prod: return FoldOp::Prod;
    case ReduceKind::Max:
    case ReduceKind::Any: return FoldOp::Max;
    case ReduceKind::Min:
    case ReduceKind::All: break;
  }
  return FoldOp::Min;
}

// What elements are converted to when they are read.
Dtype loaded_dtype(ReduceKind kind, Dtype out) {
  if (is_logical(kind)) return bool_;
  if ((kind == ReduceKind::Sum || kind == ReduceKind::Prod) && (out == bool_ || issubdtype(out, integer)))
    return out.size() == 8 ? uint64 : uint32;
  return computing_dtype(out);
}

// The fastest axis last; one along which nothing moves is not fast, since its elements make no dense run.
bool slower(const Reduction::Axis& a, const Reduction::Axis& b) {
  const auto step = [](const Reduction::Axis& x) { return x.in == 0 ? INT64_MAX : std::abs(x.in); };
  return step(a) > step(b);
}

Reduction::Axes simplified(const Reduction::Axes& axes) {
  Reduction::Axes sorted;
  for (const auto& a : axes) {
    if (a.extent == 1) continue;
    sorted.push_back(a);
    for (std::size_t i = sorted.size() - 1; i > 0 && slower(sorted[i], sorted[i - 1]); --i)
      std::swap(sorted[i], sorted[i - 1]);
  }
  std::size_t joined = 0;
  for (const auto& a : sorted) {
    Reduction::Axis* before = joined > 0 ? &sorted[joined - 1] : nullptr;
    if (before && before->in == a.in * a.extent && before->out == a.out * a.extent) {
      *before = {before->extent * a.extent, a.in, a.out};
    } else {
      sorted[joined++] = a;
    }
  }
  if (joined == 0) return {{1, 0, 0}};
  sorted.resize(joined);
  return sorted;
}

void fill_empty(ReduceKind kind, const runtime::View& out) {
  const std::int64_t n = element_count(out.shape);
  dispatch_dtype(out.dtype, [&](auto* p) {
    using T = std::remove_pointer_t<decltype(p)>;
    std::fill_n(out.as<T>(), n, T(kind == ReduceKind::Prod || kind == ReduceKind::All ? 1.0f : 0.0f));
  });
}

}  // namespace

Dtype computing_dtype(Dtype d) { return d == float16 || d == bfloat16 ? float32 : d; }

Reduction::Reduction(FoldOp op, Dtype load_dtype, int reduced_axes, const runtime::View& from, const runtime::View& to,
                     bool ordered)
    : fold_dtype(load_dtype == bool_ ? uint8 : load_dtype),
      kernel(&fold_kernel(op, fold_dtype)),
      loader(from.dtype, load_dtype),
      storer(fold_dtype, to.dtype),
      size(fold_dtype.size()),
      in(from.as<char>()),
      out(to.as<char>()) {
  const std::size_t first_reduced = from.shape.size() - static_cast<std::size_t>(reduced_axes);
  const Strides out_strides = contiguous_strides(to.shape);
  Axes k, r;
  for (std::size_t i = 0; i < from.shape.size(); ++i) {
    std::int64_t step = from.strides[i] * from.dtype.size();
    if (i < first_reduced) {
      k.push_back({from.shape[i], step, out_strides[i] * to.dtype.size()});
      continue;
    }
    if (step < 0 && !ordered) {
      in += (from.shape[i] - 1) * step;
      step = -step;
    }
    r.push_back({from.shape[i], step, 0});
  }
  kept_count = reduced_count = 1;
  for (const Axis& a : k) kept_count *= a.extent;
  for (const Axis& a : r) reduced_count *= a.extent;
  kept = simplified(k);
  reduced = simplified(r);
}

bool Reduction::by_columns() const {
  const Axis& column = kept.back();
  const Axis& row = reduced.back();
  // A line of few elements costs more than it saves.
  return reduced_count > 1 && column.extent >= 4 && column.extent * reduced_count >= 64 && column.in != 0 &&
         (row.in == 0 || std::abs(column.in) < std::abs(row.in));
}

void reduce_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::ReduceAttrs>();
  const auto r = std::make_shared<const Reduction>(fold_op(attrs.kind), loaded_dtype(attrs.kind, call.out[0].dtype),
                                                   attrs.reduced, call.in[0], call.out[0]);
  if (r->kept_count == 0) return;
  if (r->reduced_count == 0) {
    fill_empty(attrs.kind, call.out[0]);
  } else if (r->by_columns()) {
    reduce_columns(r, launch);
  } else {
    reduce_rows(r, launch);
  }
}

}  // namespace anabranch::kernels
