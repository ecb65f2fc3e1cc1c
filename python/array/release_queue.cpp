#include <pthread.h>

#include <atomic>

#include "common.h"

namespace anabranch::python {
namespace {

// A reference, and a place in the list of those to drop: who drops one may have no memory.
struct Kept {
  PyObject* object = nullptr;
  Kept* next = nullptr;
};

// To drop, the latest first.
std::atomic<Kept*> dropped{nullptr};
std::atomic<bool> drain_requested{false};  // a pending call is under way
// In a forked child: the thread that was about to request it may not be there any more.
const bool fork_handler = pthread_atfork(nullptr, nullptr, [] { drain_requested = false; }) == 0;

int drain_from_interpreter(void*) {
  drain_requested = false;  // also where somebody has drained it meanwhile
  drain_released();
  return 0;
}

void let_go(Kept* k) noexcept {
  Py_XDECREF(k->object);
  delete k;
}

// Now where the calling thread holds the GIL, else soon.
void drop(Kept* k) noexcept {
  if (!Py_IsInitialized()) return;  // the interpreter is gone, and its objects with it
  if (PyGILState_Check()) return let_go(k);
  k->next = dropped.load();
  while (!dropped.compare_exchange_weak(k->next, k)) {
  }
  // Where the interpreter's list of calls is full, the next evaluation drains the list.
  if (!drain_requested.exchange(true) && Py_AddPendingCall(drain_from_interpreter, nullptr) != 0)
    drain_requested = false;
}

}  // namespace

std::shared_ptr<void> kept(nb::object owner) {
  std::shared_ptr<Kept> k(new Kept, drop);
  k->object = owner.release().ptr();
  return k;
}

void drain_released() noexcept {
  if (!dropped.load()) return;
  Kept* oldest = nullptr;
  for (Kept* k = dropped.exchange(nullptr); k;) {
    Kept* next = k->next;
    k->next = oldest;
    oldest = std::exchange(k, next);
  }
  while (oldest) let_go(std::exchange(oldest, oldest->next));
}

}  // namespace anabranch::python
