#include "common.h"
#include "eval/values.h"
#include "functions/wait.h"
#include "graph/node.h"
#include "runtime/arena.h"

namespace anabranch::python {

void evaluate(std::span<const array> arrays) {
  drain_released();
  bool available = true;
  for (const array& a : arrays) available &= a.is_available();
  if (available) {
    for (const array& a : arrays) a.eval();  // raises failures
    return;
  }
  // Copies of the handles: without the GIL another thread may rebind the objects that hold them.
  if (arrays.size() == 1) {
    const array held = arrays[0];
    waiting([&] { held.eval(); });
  } else {
    const std::vector<array> held(arrays.begin(), arrays.end());
    waiting([&] { eval(held); });
  }
}

array on_host(const array& a) {
  if (lies_on_host(a)) {
    evaluate(a);
    return a;
  }
  drain_released();
  array here = a;
  waiting([&] { here = evaluation::on_host(here); });
  return here;
}

bool lies_on_host(const array& a) { return &graph::home_of(graph::base_of(a.node().get())) == &runtime::host_arena(); }

void pin(const array& a) { graph::base_of(a.node().get())->pinned.store(true, std::memory_order_relaxed); }

}  // namespace anabranch::python
