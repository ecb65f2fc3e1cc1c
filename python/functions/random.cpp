// The submodule `random`.
#include "anabranch/random.h"

#include "functions/bind.h"
#include "functions/function.h"

namespace anabranch::python {

namespace {

std::uint64_t seed_of(const Args& a, std::size_t i) {
  PyObject* o = a[i].ptr();
  if (!PyIndex_Check(o) || is_array(o)) a.wrong(i, "an int from 0 to 2**64 - 1");
  nb::object index = nb::steal(PyNumber_Index(o));
  if (!index.is_valid()) throw nb::python_error();
  const unsigned long long seed = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    a.wrong(i, "an int from 0 to 2**64 - 1");
  }
  return seed;
}

Shape shape_or(const Args& a, std::size_t i, const Shape& otherwise) { return a.given(i) ? a.shape(i) : otherwise; }

// A bound of a distribution that is computed in `dtype`.
const array& bound(Args& a, std::size_t i, const StreamOrDevice& s, Dtype dtype) { return a.value(i, s, dtype); }

array uniform(Args& a) {
  const StreamOrDevice s = a.stream(5);
  const Dtype dtype = a.dtype(3, float32);
  const Shape shape = shape_or(a, 2, {});
  const std::optional<array> key = a.maybe_operand(4);
  if (!a.has(0) && !a.has(1)) return random::uniform(shape, dtype, key, s);
  const array low = a.has(0) ? bound(a, 0, s, dtype) : array(0.0f);
  const array high = a.has(1) ? bound(a, 1, s, dtype) : array(1.0f);
  return random::uniform(low, high, shape, dtype, key, s);
}

array normal(Args& a) {
  const StreamOrDevice s = a.stream(5);
  const Dtype dtype = a.dtype(1, float32);
  std::optional<array> loc, scale;
  if (a.given(2)) loc = bound(a, 2, s, dtype);
  if (a.given(3)) scale = bound(a, 3, s, dtype);
  return random::normal(shape_or(a, 0, {}), dtype, loc, scale, a.maybe_operand(4), s);
}

array bernoulli(Args& a) {
  const StreamOrDevice s = a.stream(3);
  const array p = a.has(0) ? a.value(0, s) : array(0.5f);
  const std::optional<array> key = a.maybe_operand(2);
  return a.given(1) ? random::bernoulli(p, a.shape(1), key, s) : random::bernoulli(p, key, s);
}

array truncated_normal(Args& a) {
  const StreamOrDevice s = a.stream(5);
  const Dtype dtype = a.dtype(3, float32);
  const array &lower = bound(a, 0, s, dtype), &upper = bound(a, 1, s, dtype);
  const std::optional<array> key = a.maybe_operand(4);
  return a.given(2) ? random::truncated_normal(lower, upper, a.shape(2), dtype, key, s)
                    : random::truncated_normal(lower, upper, dtype, key, s);
}

array categorical(Args& a) {
  const StreamOrDevice s = a.stream(5);
  const array& logits = a.operand(0);
  const int axis = a.integer(1, -1);
  const std::optional<array> key = a.maybe_operand(4);
  if (a.given(2) && a.given(3)) {
    throw std::invalid_argument("[categorical] only one of shape and num_samples may be given");
  }
  if (a.given(2)) return random::categorical(logits, axis, a.shape(2), key, s);
  if (a.given(3)) return random::categorical(logits, axis, a.integer(3), key, s);
  return random::categorical(logits, axis, key, s);
}

}  // namespace

void bind_random(nb::module_& m) {
  nb::module_ r = m.def_submodule("random", "Random numbers: the same key gives the same numbers, on any device.");
  def<[](Args& a) { return random::key(seed_of(a, 0)); }>(r, "key(seed: int) -> array", "The key of a seed.");
  def<[](Args& a) {
    random::seed(seed_of(a, 0));
    return nb::none();
  }>(r, "seed(seed: int) -> None", "Restarts the calling thread's sequence, which serves calls without a key.");
  def<[](Args& a) { return random::split(a.operand(0), a.integer(1, 2), a.stream(2)); }>(
      r, "split(key: array, num: int = 2, stream: StreamOrDevice = None) -> array", "`num` keys from one.");
  def<[](Args& a) { return random::bits(shape_or(a, 0, {}), a.integer(1, 4), a.maybe_operand(2), a.stream(3)); }>(
      r,
      "bits(shape: Sequence[int] = [], width: int = 4, key: array | None = None, stream: StreamOrDevice = None) "
      "-> array",
      "Unsigned integers of `width` (1, 2 or 4) bytes, all bits random.");
  def<&uniform>(r,
                "uniform(low: scalar | array = 0, high: scalar | array = 1, shape: Sequence[int] = [], "
                "dtype: Dtype | None = float32, key: array | None = None, stream: StreamOrDevice = None) -> array",
                "In [low, high), which are broadcast to `shape`.");
  def<&normal>(r,
               "normal(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: scalar | array | None = None, "
               "scale: scalar | array | None = None, key: array | None = None, stream: StreamOrDevice = None) -> array",
               "Normal with mean `loc` (0) and standard deviation `scale` (1), which are broadcast to `shape`.");
  def<[](Args& a) {
    const StreamOrDevice s = a.stream(5);
    const array &low = a.value(0, s), &high = a.value(1, s);
    return random::randint(low, high, shape_or(a, 2, {}), a.dtype(3, int32), a.maybe_operand(4), s);
  }>(r,
     "randint(low: scalar | array, high: scalar | array, shape: Sequence[int] = [], dtype: Dtype | None = int32, "
     "key: array | None = None, stream: StreamOrDevice = None) -> array",
     "Integers in [low, high), which are broadcast to `shape`.");
  def<&bernoulli>(r,
                  "bernoulli(p: scalar | array = 0.5, shape: Sequence[int] | None = None, key: array | None = None, "
                  "stream: StreamOrDevice = None) -> array",
                  "True with probability p, which is broadcast to `shape`.");
  def<&truncated_normal>(r,
                         "truncated_normal(lower: scalar | array, upper: scalar | array, "
                         "shape: Sequence[int] | None = None, dtype: Dtype | None = float32, key: array | None = None, "
                         "stream: StreamOrDevice = None) -> array",
                         "Standard normal within [lower, upper].");
  def<[](Args& a) { return random::gumbel(shape_or(a, 0, {}), a.dtype(1, float32), a.maybe_operand(2), a.stream(3)); }>(
      r,
      "gumbel(shape: Sequence[int] = [], dtype: Dtype | None = float32, key: array | None = None, "
      "stream: StreamOrDevice = None) -> array",
      "Standard Gumbel.");
  def<[](Args& a) {
    return random::laplace(shape_or(a, 0, {}), a.dtype(1, float32), static_cast<float>(a.number(2, 0)),
                           static_cast<float>(a.number(3, 1)), a.maybe_operand(4), a.stream(5));
  }>(r,
     "laplace(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: float = 0.0, scale: float = 1.0, "
     "key: array | None = None, stream: StreamOrDevice = None) -> array",
     "Laplace with mean `loc` and diversity `scale`.");
  def<&categorical>(r,
                    "categorical(logits: array, axis: int = -1, shape: Sequence[int] | None = None, "
                    "num_samples: int | None = None, key: array | None = None, stream: StreamOrDevice = None) -> array",
                    "Indices (uint32) drawn with the unnormalised log-probabilities along `axis`.");
}

}  // namespace anabranch::python
