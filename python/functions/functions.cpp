#include "functions/bind.h"
#include "functions/wait.h"

namespace anabranch::python {

namespace {

// While it lives, what is added to the module belongs to the package: mx.Stream.__module__ == "anabranch".
class InPackage {
 public:
  explicit InPackage(nb::module_& m) : module_(m), name_(m.attr("__name__")) { m.attr("__name__") = "anabranch"; }
  ~InPackage() { module_.attr("__name__") = name_; }

 private:
  nb::module_& module_;
  nb::object name_;
};

}  // namespace

void bind_types(nb::module_& m) {
  const InPackage in_package(m);
  bind_dtypes(m);
  bind_devices(m);
  bind_scope(m);
  bind_events(m);
  bind_streams(m);
}

void bind_functions(nb::module_& m) {
  const InPackage in_package(m);
  bind_evaluation(m);
  bind_memory(m);
  bind_creation(m);
  bind_elementwise(m);
  bind_reductions(m);
  bind_ordering(m);
  bind_products(m);
  bind_shapes(m);
  bind_joining(m);
  bind_indexing(m);
  bind_random(m);
  bind_linalg(m);

  trace_creation_lines();
  check_signals_while_waiting();
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(end_waits));
}

}  // namespace anabranch::python
