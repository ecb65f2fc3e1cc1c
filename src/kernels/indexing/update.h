// Updates of elements in place, by kind and dtype.
#pragma once

#include "graph/attributes.h"
#include "kernels/indexing/copy.h"

namespace anabranch::kernels {

// Null for Assign, which is a copy.
UpdateRun update_run(graph::ScatterKind kind, Dtype dtype);

}  // namespace anabranch::kernels
