#include "functions/bind.h"
#include "functions/wait.h"

namespace anabranch::python {

void bind_types(nb::module_& m) {
  bind_dtypes(m);
  bind_devices(m);
  bind_scope(m);
  bind_events(m);
  bind_streams(m);
}

void bind_functions(nb::module_& m) {
  bind_evaluation(m);
  bind_memory(m);
  bind_creation(m);
  bind_elementwise(m);
  bind_reductions(m);
  bind_products(m);
  bind_shapes(m);
  bind_joining(m);
  bind_indexing(m);
  bind_random(m);
  bind_linalg(m);
  check_signals_while_waiting();
}

}  // namespace anabranch::python
