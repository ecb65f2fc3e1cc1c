// ANABRANCH_TRACE_CREATION=1: a failure also names the line of the Python program that made the failing operation.
#include <dlfcn.h>

#include <cstdlib>
#include <string_view>

#include "functions/bind.h"
#include "runtime/creation.h"

namespace anabranch::python {

namespace {

// The folder of the package, with a slash at the end. Frames of files in it are not the user's.
const std::string& package_folder() {
  static const std::string folder = [] {
    Dl_info here;
    const std::string file = dladdr(reinterpret_cast<void*>(&package_folder), &here) ? here.dli_fname : "";
    return file.substr(0, file.rfind('/') + 1);
  }();
  return folder;
}

// "file:line" of the innermost frame outside of the package; nothing where this thread runs no Python.
std::string place() {
  if (!PyGILState_Check()) return {};
  nb::object frame = nb::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame.is_valid()) {
    auto* f = reinterpret_cast<PyFrameObject*>(frame.ptr());
    PyCodeObject* code = PyFrame_GetCode(f);
    const nb::object code_holder = nb::steal(reinterpret_cast<PyObject*>(code));
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    if (!file) {  // a name that is no UTF-8
      PyErr_Clear();
      file = "?";
    }
    if (!std::string_view(file).starts_with(package_folder()))
      return file + (":" + std::to_string(PyFrame_GetLineNumber(f)));
    frame = nb::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(f)));
  }
  return {};
}

}  // namespace

void trace_creation_lines() {
  const char* wanted = std::getenv("ANABRANCH_TRACE_CREATION");
  if (wanted && std::string_view(wanted) == "1") runtime::trace_creation(&place);
}

}  // namespace anabranch::python
