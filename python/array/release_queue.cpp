#include <pthread.h>

#include <atomic>
#include <mutex>

#include "common.h"

namespace anabranch::python {
namespace {

struct Queue {
  std::mutex mutex;
  std::vector<PyObject*> objects;
  bool drain_requested = false;  // a pending call is under way
};

// Never destroyed: workers may release memory while the process exits.
Queue* queue = new Queue;
// A forked child begins with another one: a thread that is not there any more may have held the old one's lock.
const bool fork_handler = pthread_atfork(nullptr, nullptr, [] { queue = new Queue; }) == 0;
// Lets the common case, an empty queue, cost one load.
std::atomic<bool> waiting{false};

int drain_from_interpreter(void*) {
  drain_released();
  return 0;
}

}  // namespace

void release_later(PyObject* o) noexcept {
  if (!Py_IsInitialized()) return;  // the interpreter is gone, and its objects with it
  if (PyGILState_Check()) {
    Py_DECREF(o);
    return;
  }
  Queue& q = *queue;
  std::lock_guard lock(q.mutex);
  q.objects.push_back(o);
  waiting.store(true, std::memory_order_release);
  // Where the interpreter's list of calls is full, the next evaluation drains the queue.
  if (!q.drain_requested) q.drain_requested = Py_AddPendingCall(drain_from_interpreter, nullptr) == 0;
}

void drain_released() noexcept {
  if (!waiting.load(std::memory_order_acquire)) return;
  std::vector<PyObject*> objects;
  {
    Queue& q = *queue;
    std::lock_guard lock(q.mutex);
    objects.swap(q.objects);
    q.drain_requested = false;
    waiting.store(false, std::memory_order_release);
  }
  for (PyObject* o : objects) Py_DECREF(o);  // runs finalizers: outside the lock
}

}  // namespace anabranch::python
