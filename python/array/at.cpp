// x.at[index].add(value): updates where an index that names an element several times updates it each time.
#include "array/object.h"
#include "array/update.h"

namespace anabranch::python {
namespace {

struct ArrayAt {
  array value;
  nb::object key;  // null before there is one

  template <Update update>
  array apply(nb::handle operand) const {
    if (!key.is_valid()) {
      throw std::invalid_argument("[at] Say which elements to update: x.at[0].add(4), for example.");
    }
    return updated(value, key, operand, update, current_stream());
  }
};

template <Update update>
void def_update(nb::class_<ArrayAt>& c, const char* name, const char* summary) {
  c.def(name, &ArrayAt::apply<update>, nb::arg("value"), summary,
        nb::sig(("def " + std::string(name) + "(self, value: bool | int | float | complex | array) -> array").c_str()));
}

}  // namespace

void add_at(nb::module_& m, ArrayClass& c) {
  nb::class_<ArrayAt> at(m, "ArrayAt", "Some elements of an array, to be updated.");
  in_package(at);
  at.def(
      "__getitem__", [](const ArrayAt& a, nb::object key) { return ArrayAt{a.value, std::move(key)}; },
      nb::arg("indices").none(), nb::sig("def __getitem__(self, indices: Any, /) -> ArrayAt"));
  def_update<Update::Add>(at, "add", "The array with `value` added to these elements.");
  def_update<Update::Subtract>(at, "subtract", "The array with `value` subtracted from these elements.");
  def_update<Update::Multiply>(at, "multiply", "The array with these elements multiplied by `value`.");
  def_update<Update::Divide>(at, "divide", "The array with these elements divided by `value`.");
  def_update<Update::Maximum>(at, "maximum", "The array with the larger of these elements and `value`.");
  def_update<Update::Minimum>(at, "minimum", "The array with the smaller of these elements and `value`.");
  c.def_prop_ro(
      "at", [](const array& a) { return ArrayAt{a, nb::object()}; },
      "x.at[index].add(value) and so on: the array with some elements updated.");
}

}  // namespace anabranch::python
