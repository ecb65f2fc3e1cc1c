#include "functions/wait.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace anabranch::python {

namespace {

// Python runs signal handlers in its main thread only, which on Linux is the process's.
bool on_main_thread() { return static_cast<pid_t>(syscall(SYS_gettid)) == getpid(); }

bool signal_raised() {
  if (!on_main_thread() || !Py_IsInitialized()) return false;
  const PyGILState_STATE state = PyGILState_Ensure();
  const bool raised = PyErr_CheckSignals() != 0;
  PyGILState_Release(state);
  return raised;
}

}  // namespace

void check_signals_while_waiting() { runtime::set_interrupt_check(&signal_raised); }

}  // namespace anabranch::python
