// What an element becomes by an update, by kind and dtype.
#pragma once

#include "graph/attributes.h"
#include "kernels/cuda_types.h"

namespace anabranch::kernels {

// Calls f(operation, null pointer to the element type) for any kind but Assign.
template <typename F>
void dispatch_update(graph::ScatterKind kind, Dtype dtype, F&& f) {
  switch (kind) {
    case graph::ScatterKind::Assign: break;
    case graph::ScatterKind::Add: return dispatch_wrapping(dtype, [&](auto* p) { f(Sum{}, p); });
    case graph::ScatterKind::Prod: return dispatch_wrapping(dtype, [&](auto* p) { f(Prod{}, p); });
    case graph::ScatterKind::Max: return dispatch_dtype(dtype, [&](auto* p) { f(Max{}, p); });
    case graph::ScatterKind::Min: return dispatch_dtype(dtype, [&](auto* p) { f(Min{}, p); });
  }
}

}  // namespace anabranch::kernels
