// Values for those who read them by address.
#pragma once

#include "anabranch/array.h"

namespace anabranch::evaluation {

// The value of `a` in the host's memory: `a` itself, or a copy of what lies on a device. Evaluates.
array on_host(const array& a);
// Hands the computation of `a` to its stream and waits until the device has been given it, not until it is done: its
// memory has an address then. Raises what has failed by then.
void issue(const array& a);

}  // namespace anabranch::evaluation
