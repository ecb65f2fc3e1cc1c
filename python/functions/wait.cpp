#include "functions/wait.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/process.h"

namespace anabranch::python {

namespace {

// The end of the process. CPython ends a daemon thread where it asks for the GIL once the interpreter is being taken
// down, by unwinding its stack: through C++ frames that lets nothing through, so the process would abort. Therefore the
// ending thread, while others can still get the GIL, says that it is the end, and waits for those that are on their way
// back; whoever comes later stays.
std::atomic<bool> ending{false};
std::atomic<pthread_t> ending_thread{};
// Threads without the GIL in a GilRelease; those of them that stay there for good.
std::atomic<int> away{0}, staying{0};
// A forked child begins with the thread that forked, which held the GIL.
const bool fork_handler = pthread_atfork(nullptr, nullptr, [] { away = staying = 0; }) == 0;

constexpr std::chrono::seconds patience{1};

bool ends_elsewhere() { return ending.load() && !pthread_equal(ending_thread.load(), pthread_self()); }

// Python runs signal handlers in its main thread only, which on Linux is the process's.
bool on_main_thread() { return static_cast<pid_t>(syscall(SYS_gettid)) == getpid(); }

// Whether a wait shall end early: a signal handler has raised, or the process ends and the thread is one of Python's.
bool interrupted() {
  if (ends_elsewhere()) return PyGILState_GetThisThreadState() != nullptr;
  if (!on_main_thread() || !Py_IsInitialized()) return false;
  const PyGILState_STATE state = PyGILState_Ensure();
  const bool raised = PyErr_CheckSignals() != 0;
  PyGILState_Release(state);
  return raised;
}

}  // namespace

GilRelease::GilRelease() noexcept {
  away.fetch_add(1);
  state_ = PyEval_SaveThread();
}

GilRelease::~GilRelease() {
  if (ends_elsewhere()) {
    staying.fetch_add(1);
    while (true) pause();
  }
  PyEval_RestoreThread(state_);
  away.fetch_sub(1);
}

void check_signals_while_waiting() { runtime::set_interrupt_check(&interrupted); }

void end_waits() {
  ending_thread = pthread_self();
  ending = true;
  GilRelease release;
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (away.load() > staying.load() + 1 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  runtime::shutdown();
}

}  // namespace anabranch::python
