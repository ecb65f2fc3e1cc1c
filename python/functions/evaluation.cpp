// eval and async_eval over trees of arrays.
#include "functions/bind.h"
#include "functions/events.h"
#include "functions/function.h"
#include "functions/wait.h"

namespace anabranch::python {

namespace {

// The arrays in nested lists, tuples and dicts; whatever else is in them is passed over.
void collect(PyObject* o, std::vector<array>& out) {
  if (is_array(o)) {
    out.push_back(array_of(o));
    return;
  }
  const bool list = PyList_Check(o), tuple = PyTuple_Check(o), dict = PyDict_Check(o);
  if (!list && !tuple && !dict) return;
  if (Py_EnterRecursiveCall(" while looking for arrays")) throw nb::python_error();
  struct Leave {
    ~Leave() { Py_LeaveRecursiveCall(); }
  } leave;
  if (dict) {
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(o, &at, &key, &value);) collect(value, out);
  } else {
    const Py_ssize_t n = list ? PyList_GET_SIZE(o) : PyTuple_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < n; ++i) collect(list ? PyList_GET_ITEM(o, i) : PyTuple_GET_ITEM(o, i), out);
  }
}

std::vector<array> arrays_in(const Args& a) {
  std::vector<array> out;
  for (PyObject* o : a.rest()) collect(o, out);
  return out;
}

// What async_eval returns.
struct Evaluation {
  std::vector<array> arrays;
};

}  // namespace

void bind_evaluation(nb::module_& m) {
  nb::class_<Evaluation>(m, "Evaluation",
                         "Arrays on their way. Awaiting it waits until they are there, and raises the "
                         "failure of any of them.")
      .def(
          "__await__",
          [](nb::handle self) {
            const auto& arrays = nb::inst_ptr<Evaluation>(self)->arrays;
            nb::list events;
            for (const Event& e : events_of(arrays)) events.append(nb::cast(e));
            return nb::module_::import_("anabranch._awaiting")
                .attr("happened")(events, self.attr("_check"))
                .attr("__await__")();
          },
          nb::sig("def __await__(self) -> Generator[Any, None, None]"))
      .def("_check", [](const Evaluation& e) { evaluate(e.arrays); });

  def<[](Args& a) {
    if (a.rest().size() == 1 && is_array(a.rest()[0])) {
      evaluate(array(array_of(a.rest()[0])));
    } else if (const std::vector<array> arrays = arrays_in(a); !arrays.empty()) {
      evaluate(arrays);
    }
    return nb::none();
  }>(m, "eval(*args: Any) -> None", "Computes the arrays in nested lists, tuples and dicts, and waits for them.");
  def<[](Args& a) {
    Evaluation e{arrays_in(a)};
    if (!e.arrays.empty()) waiting([&] { async_eval(e.arrays); });
    return nb::cast(std::move(e));
  }>(m, "async_eval(*args: Any) -> Evaluation",
     "Plans and queues the computation of the arrays in nested lists, tuples and dicts, and returns. The result may be "
     "awaited. Where a stream has tens of thousands of computations in its queue already, waits for some of them.");
}

}  // namespace anabranch::python
