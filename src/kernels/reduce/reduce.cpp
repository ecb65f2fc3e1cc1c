#include <algorithm>
#include <limits>
#include <vector>

#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/indexing/index_reader.h"
#include "kernels/reduce/arithmetic.h"

namespace anabranch::kernels {
namespace {

template <typename To, typename From>
To to(From x) {
  if constexpr (std::is_same_v<To, From>) return x;
  else if constexpr (is_complex<From> && is_complex<To>) return x;
  else if constexpr (is_complex<From>) return to<To>(x.real());
  else if constexpr (is_half<From>) return to<To>(float(x));
  else if constexpr (is_half<To>) return To(static_cast<float>(x));
  else if constexpr (is_complex<To>) return To(static_cast<float>(x));
  else return static_cast<To>(x);
}

template <typename T>
using Accumulator = std::conditional_t<is_half<T>, float, T>;

template <typename In, typename Out>
void reduce(graph::ReduceKind kind, const runtime::View& in, const runtime::View& out, int reduced, runtime::Launch& launch) {
  const std::size_t kept = in.shape.size() - static_cast<std::size_t>(reduced);
  Shape kept_shape(in.shape.begin(), in.shape.begin() + kept), shape(in.shape.begin() + kept, in.shape.end());
  Strides kept_strides(in.strides.begin(), in.strides.begin() + kept), strides(in.strides.begin() + kept, in.strides.end());
  const std::int64_t rows = element_count(kept_shape), n = element_count(shape);
  const In* data = in.as<In>();
  Out* result = out.as<Out>();
  launch.parallel(static_cast<std::size_t>(rows), static_cast<double>(n), [=](std::size_t row) {
    std::int64_t base = 0;
    add_positions(kept_shape, kept_strides, static_cast<std::int64_t>(row), 1, 1, &base);
    using A = Accumulator<Out>;
    const auto fold = [&](auto f, A acc, bool use_first) {
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t at = base;
        add_positions(shape, strides, i, 1, 1, &at);
        const A x = to<A>(data[at]);
        acc = use_first && i == 0 ? x : f(acc, x);
      }
      result[row] = to<Out>(acc);
    };
    const auto truth = [&](bool all) {
      bool acc = all;
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t at = base;
        add_positions(shape, strides, i, 1, 1, &at);
        const bool x = data[at] != In(0);
        acc = all ? acc && x : acc || x;
      }
      result[row] = to<Out>(acc);
    };
    switch (kind) {
      case graph::ReduceKind::Sum: return fold(Sum(), A(0), false);
      case graph::ReduceKind::Prod: return fold(Prod(), A(1), false);
      case graph::ReduceKind::Max: return fold(Max(), A(0), true);
      case graph::ReduceKind::Min: return fold(Min(), A(0), true);
      case graph::ReduceKind::Any: return truth(false);
      case graph::ReduceKind::All: return truth(true);
    }
  });
}

}  // namespace

void reduce_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const auto& attrs = call.attrs<graph::ReduceAttrs>();
  dispatch_dtype(call.in[0].dtype, [&](auto* in) {
    dispatch_dtype(call.out[0].dtype, [&](auto* out) {
      reduce<std::remove_pointer_t<decltype(in)>, std::remove_pointer_t<decltype(out)>>(attrs.kind, call.in[0], call.out[0],
                                                                                       attrs.reduced, launch);
    });
  });
}

}  // namespace anabranch::kernels
