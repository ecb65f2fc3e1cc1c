#include "common.h"

namespace anabranch::python {
namespace {

// How long a wait goes on before it looks whether Ctrl-C was pressed.
constexpr double signal_interval = 0.05;

}  // namespace

void wait_interruptibly(const std::function<bool(double)>& ready) {
  for (;;) {
    bool done;
    {
      GilRelease released;
      done = ready(signal_interval);
    }
    drain_released();
    if (done) return;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }
}

void evaluate(std::span<const array> arrays) {
  bool all_available = true;
  for (const array& a : arrays) all_available &= a.is_available();
  if (!all_available) {
    // Copies of the handles: without the GIL another thread may rebind the objects.
    const std::vector<array> held(arrays.begin(), arrays.end());
    {
      GilRelease released;
      async_eval(held);
    }
    for (const array& a : held) {
      if (a.is_available()) continue;
      const Event done = a.event();
      wait_interruptibly([&](double seconds) { return done.wait_for(seconds); });
    }
    for (const array& a : held) a.eval();  // raises failures
    return;
  }
  for (const array& a : arrays) a.eval();
}

const void* evaluated_data(const array& a) {
  evaluate(a);
  return a.data_ptr();
}

}  // namespace anabranch::python
