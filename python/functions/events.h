// Events as Python sees them.
#pragma once

#include <vector>

#include "common.h"

namespace anabranch::python {

// Stream.record(*arrays).
Event record(const Stream& s, const nb::args& arrays);

// The events at which arrays that have been scheduled are there: the last of each stream.
std::vector<Event> events_of(const std::vector<array>& arrays);

}  // namespace anabranch::python
