// What each file of this folder adds to the module; bind_functions() calls them all.
#pragma once

#include "common.h"

namespace anabranch::python {

void bind_dtypes(nb::module_& m);
void bind_devices(nb::module_& m);
void bind_streams(nb::module_& m);
void bind_scope(nb::module_& m);
void bind_events(nb::module_& m);
void bind_evaluation(nb::module_& m);
void bind_memory(nb::module_& m);
void bind_creation(nb::module_& m);
void bind_elementwise(nb::module_& m);
void bind_reductions(nb::module_& m);
void bind_ordering(nb::module_& m);
void bind_products(nb::module_& m);
void bind_shapes(nb::module_& m);
void bind_joining(nb::module_& m);
void bind_indexing(nb::module_& m);
void bind_random(nb::module_& m);
void bind_linalg(nb::module_& m);

// Has operations remember their lines where ANABRANCH_TRACE_CREATION asks for it. (creation_lines.cpp)
void trace_creation_lines();

// Types first (arrays refer to them), functions afterwards.
void bind_types(nb::module_& m);
void bind_functions(nb::module_& m);

}  // namespace anabranch::python
