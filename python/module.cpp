// The extension module anabranch._core.
#include "common.h"
#include "functions/bind.h"

namespace anabranch::python {

void bind_errors(nb::module_& m);
void bind_array(nb::module_& m);
void bind_printing(nb::module_& m);
void bind_asarray(nb::module_& m);

}  // namespace anabranch::python

NB_MODULE(_core, m) {
  using namespace anabranch::python;
  m.attr("__version__") = ANABRANCH_VERSION;
  // Arrays that live until the end of the process are no error.
  nanobind::set_leak_warnings(false);
  // Types come before what mentions them in a signature or default.
  bind_errors(m);
  bind_types(m);
  bind_array(m);
  bind_printing(m);
  bind_asarray(m);
  bind_functions(m);
}
