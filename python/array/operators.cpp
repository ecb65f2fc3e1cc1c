// Python's operators, as type slots: the shortest way from the interpreter to a node of the graph.
#include "anabranch/ops.h"
#include "array/object.h"

namespace anabranch::python {
namespace {

using BinaryOp = array (*)(const array&, const array&, const StreamOrDevice&);
using UnaryOp = array (*)(const array&, const StreamOrDevice&);

// The scope's stream, looked up once for all the nodes that an operator makes.
StreamOrDevice stream_here() { return to_stream(current_stream()); }

// Calls op with the operands, at least one of which is an array; Py_NotImplemented for foreign objects.
template <BinaryOp op>
PyObject* apply(PyObject* a, PyObject* b) {
  const StreamOrDevice s = stream_here();
  if (Py_TYPE(a) == array_type || is_array(a)) {
    if (Py_TYPE(b) == array_type) return wrap(op(array_of(a), array_of(b), s));
    const array x = array_of(a);  // converting a foreign object may run Python code that rebinds `a`
    const std::optional<array> y = to_operand(b, x.dtype(), s);
    if (y) return wrap(op(x, *y, s));
  } else {
    const array y = array_of(b);
    const std::optional<array> x = to_operand(a, y.dtype(), s);
    if (x) return wrap(op(*x, y, s));
  }
  Py_RETURN_NOTIMPLEMENTED;
}

template <BinaryOp op>
PyObject* binary(PyObject* a, PyObject* b) noexcept {
  return guarded<>(static_cast<PyObject*>(nullptr), [&] { return apply<op>(a, b); });
}

// a op= b: the object is bound to the result; whoever read the old value keeps it. The dtype may change, as in MLX.
template <BinaryOp op>
PyObject* in_place(PyObject* a, PyObject* b) noexcept {
  return guarded<>(static_cast<PyObject*>(nullptr), [&]() -> PyObject* {
    const StreamOrDevice s = stream_here();
    const array held = array_of(a);
    const std::optional<array> y = is_array(b) ? array_of(b) : to_operand(b, held.dtype(), s);
    if (!y) Py_RETURN_NOTIMPLEMENTED;
    array_of(a) = op(held, *y, s);
    Py_INCREF(a);
    return a;
  });
}

template <UnaryOp op>
PyObject* unary(PyObject* a) noexcept {
  return guarded<>(static_cast<PyObject*>(nullptr), [&] { return wrap(op(array_of(a), current_stream())); });
}

PyObject* itself(PyObject* a) noexcept {
  return guarded(static_cast<PyObject*>(nullptr), [&] { return wrap(array(array_of(a))); });
}

// Of whatever dtype, a bitwise operator's refusal is a ValueError; that of the function is not.
template <BinaryOp op>
array bitwise(const array& a, const array& b, const StreamOrDevice& s) {
  for (Dtype d : {a.dtype(), b.dtype()}) {
    if (issubdtype(d, inexact)) {
      throw std::invalid_argument("[operator] Bitwise operators take bool and integers, not " +
                                  std::string(dtype_name(d)) + ".");
    }
  }
  return op(a, b, s);
}

// Neither MLX nor NumPy puts a quotient in the place of integers.
array divide_in_place(const array& a, const array& b, const StreamOrDevice& s) {
  if (!issubdtype(a.dtype(), inexact)) {
    throw std::invalid_argument("[operator] x /= y gives floats, but x is of dtype " +
                                std::string(dtype_name(a.dtype())) + ": write x = x / y.");
  }
  return divide(a, b, s);
}

// @ takes arrays (and what has memory to copy), not scalars.
PyObject* matrix_multiply(PyObject* a, PyObject* b) noexcept {
  if (is_python_scalar(a) || is_python_scalar(b)) Py_RETURN_NOTIMPLEMENTED;
  return binary<matmul>(a, b);
}
PyObject* in_place_matrix_multiply(PyObject* a, PyObject* b) noexcept {
  if (is_python_scalar(b)) Py_RETURN_NOTIMPLEMENTED;
  return in_place<matmul>(a, b);
}

template <PyObject* (*binary_slot)(PyObject*, PyObject*) noexcept>
PyObject* power_slot(PyObject* a, PyObject* b, PyObject* modulus) noexcept {
  if (modulus == Py_None) return binary_slot(a, b);
  PyErr_SetString(PyExc_TypeError, "[power] pow() of arrays takes no modulus.");
  return nullptr;
}

PyObject* divide_with_remainder(PyObject* a, PyObject* b) noexcept {
  PyObject* quotient = binary<floor_divide>(a, b);
  if (!quotient || quotient == Py_NotImplemented) return quotient;
  PyObject* rest = binary<remainder>(a, b);
  PyObject* pair = rest ? PyTuple_Pack(2, quotient, rest) : nullptr;
  Py_DECREF(quotient);
  Py_XDECREF(rest);
  return pair;
}

PyObject* compare(PyObject* a, PyObject* b, int op) noexcept {
  switch (op) {
    case Py_EQ: return binary<equal>(a, b);
    case Py_NE: return binary<not_equal>(a, b);
    case Py_LT: return binary<less>(a, b);
    case Py_LE: return binary<less_equal>(a, b);
    case Py_GT: return binary<greater>(a, b);
    default: return binary<greater_equal>(a, b);
  }
}

template <typename F>
void* slot(F* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

PyType_Slot number_slots[] = {
    {Py_nb_add, slot(binary<add>)},
    {Py_nb_subtract, slot(binary<subtract>)},
    {Py_nb_multiply, slot(binary<multiply>)},
    {Py_nb_true_divide, slot(binary<divide>)},
    {Py_nb_floor_divide, slot(binary<floor_divide>)},
    {Py_nb_remainder, slot(binary<remainder>)},
    {Py_nb_divmod, slot(divide_with_remainder)},
    {Py_nb_power, slot(power_slot<binary<power>>)},
    {Py_nb_matrix_multiply, slot(matrix_multiply)},
    {Py_nb_and, slot(binary<bitwise<bitwise_and>>)},
    {Py_nb_or, slot(binary<bitwise<bitwise_or>>)},
    {Py_nb_xor, slot(binary<bitwise<bitwise_xor>>)},
    {Py_nb_lshift, slot(binary<bitwise<left_shift>>)},
    {Py_nb_rshift, slot(binary<bitwise<right_shift>>)},
    {Py_nb_inplace_add, slot(in_place<add>)},
    {Py_nb_inplace_subtract, slot(in_place<subtract>)},
    {Py_nb_inplace_multiply, slot(in_place<multiply>)},
    {Py_nb_inplace_true_divide, slot(in_place<divide_in_place>)},
    {Py_nb_inplace_floor_divide, slot(in_place<floor_divide>)},
    {Py_nb_inplace_remainder, slot(in_place<remainder>)},
    {Py_nb_inplace_power, slot(power_slot<in_place<power>>)},
    {Py_nb_inplace_matrix_multiply, slot(in_place_matrix_multiply)},
    {Py_nb_inplace_and, slot(in_place<bitwise<bitwise_and>>)},
    {Py_nb_inplace_or, slot(in_place<bitwise<bitwise_or>>)},
    {Py_nb_inplace_xor, slot(in_place<bitwise<bitwise_xor>>)},
    {Py_nb_inplace_lshift, slot(in_place<bitwise<left_shift>>)},
    {Py_nb_inplace_rshift, slot(in_place<bitwise<right_shift>>)},
    {Py_nb_negative, slot(unary<negative>)},
    {Py_nb_positive, slot(itself)},
    {Py_nb_absolute, slot(unary<abs>)},
    {Py_nb_invert, slot(unary<bitwise_invert>)},
    {Py_tp_richcompare, slot(compare)},
    {0, nullptr},
};

}  // namespace anabranch::python
