#include "common.h"
#include "functions/wait.h"

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

const void* evaluated_data(const array& a) {
  evaluate(a);
  return a.data_ptr();
}

}  // namespace anabranch::python
