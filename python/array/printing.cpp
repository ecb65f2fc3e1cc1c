#include "anabranch/printing.h"

#include "array/object.h"
#include "functions/function.h"

namespace anabranch::python {
namespace {

PyObject* text_of(PyObject* self) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] {
    const std::string text = to_string(on_host(array(array_of(self))));
    return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
  });
}

// `with printoptions(...)`: may be entered again and nested.
struct PrintOptionsContext {
  PrintOptions options;
  std::vector<PrintOptions> outer;

  PrintOptions enter() {
    outer.push_back(print_options());
    set_print_options(options);
    return options;
  }
  void exit() {
    if (outer.empty()) return;
    set_print_options(outer.back());
    outer.pop_back();
  }
};

PrintOptions checked(int precision) {
  if (precision < -1) {
    throw std::invalid_argument(
        "[set_printoptions] precision must be -1 (as short as possible) or a number of digits, not " +
        std::to_string(precision) + ".");
  }
  return {precision};
}

}  // namespace

PyType_Slot text_slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(text_of)},
    {Py_tp_str, reinterpret_cast<void*>(text_of)},
    {0, nullptr},
};

void bind_printing(nb::module_& m) {
  auto options = nb::class_<PrintOptions>(m, "PrintOptions", "How arrays are printed.");
  in_package(options);
  options.def(nb::init<>())
      .def_rw("precision", &PrintOptions::precision,
              "Digits after the decimal point; -1: six significant digits, written as short as possible.")
      .def("__repr__",
           [](const PrintOptions& o) { return "PrintOptions(precision=" + std::to_string(o.precision) + ")"; });
  auto context = nb::class_<PrintOptionsContext>(m, "_PrintOptionsContext");
  in_package(context);
  context.def("__enter__", &PrintOptionsContext::enter)
      .def(
          "__exit__", [](PrintOptionsContext& c, nb::args) { c.exit(); },
          nb::sig("def __exit__(self, *exception: Any) -> None"));
  def<[](Args& a) {
    set_print_options(checked(a.integer(0, -1)));
    return nb::none();
  }>(m, "set_printoptions(precision: int = -1) -> None",
     "Sets the digits after the decimal point with which floats are printed; -1 for the default.");
  def<[](Args&) { return nb::cast(print_options()); }>(m, "get_printoptions() -> PrintOptions",
                                                       "How arrays are printed now.");
  def<[](Args& a) { return nb::cast(PrintOptionsContext{checked(a.integer(0, -1)), {}}); }>(
      m, "printoptions(precision: int = -1) -> _PrintOptionsContext",
      "set_printoptions for the block of a `with` statement.");
}

}  // namespace anabranch::python
