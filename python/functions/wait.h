// Waiting from Python: without the GIL, and giving way to signals.
#pragma once

#include <vector>

#include "common.h"
#include "runtime/wait.h"

namespace anabranch::python {

// Runs f, which may wait, with the GIL released. Throws nb::python_error where a signal handler raised (Ctrl-C).
template <typename F>
void waiting(F&& f) {
  try {
    GilRelease release;
    f();
  } catch (const runtime::Interrupted&) {
    throw nb::python_error();  // the interrupt check has left the handler's exception in this thread
  }
}

// Lets waits look for signals from now on.
void check_signals_while_waiting();

// At exit, with the GIL: daemon threads that wait stay where they are, the workers stop.
void end_waits();

}  // namespace anabranch::python
