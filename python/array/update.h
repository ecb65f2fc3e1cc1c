// Assignment to, and updates of, the elements that an index picks.
#pragma once

#include "common.h"

namespace anabranch::python {

enum class Update : std::uint8_t { Assign, Add, Subtract, Multiply, Divide, Maximum, Minimum };

// `a` with `value` assigned to, or combined with, a[key], in the dtype of `a`. Elements that an index names several
// times are updated each time.
array updated(const array& a, nb::handle key, nb::handle value, Update update, const StreamOrDevice& s);

}  // namespace anabranch::python
