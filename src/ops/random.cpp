#include "anabranch/random.h"

#include <pthread.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "anabranch/error.h"
#include "base/threefry.h"
#include "ops/common.h"
#include "runtime/sync.h"

namespace anabranch::random {
namespace {

using graph::Scalar;
using ops::constant;
using ops::refuse;

// What a thread's own sequence begins with: the last seed given to any thread, and how many threads began from it.
struct Origin {
  runtime::Mutex mutex;
  std::uint64_t seed = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  std::uint64_t threads = 0;
};

Origin& origin() {
  static Origin the;
  return the;
}

// A child that was forked off while another thread held the lock would wait for that thread for ever.
void lock_origin() { origin().mutex.lock(); }
void unlock_origin() { origin().mutex.unlock(); }
[[maybe_unused]] const bool fork_handlers = pthread_atfork(lock_origin, unlock_origin, unlock_origin) == 0;

// The first thread's sequence is that of the seed itself; another one's is hashed with the thread's number.
std::uint64_t first_seed_of_thread() {
  Origin& o = origin();
  const runtime::Lock lock(o.mutex);
  const std::uint64_t number = o.threads++;
  if (number == 0) return o.seed;
  const auto [high, low] = threefry2x32(static_cast<std::uint32_t>(o.seed >> 32), static_cast<std::uint32_t>(o.seed),
                                        static_cast<std::uint32_t>(number >> 32), static_cast<std::uint32_t>(number));
  return std::uint64_t{high} << 32 | low;
}

array key_array(std::uint32_t high, std::uint32_t low) {
  const std::uint32_t words[2] = {high, low};
  return array(words, Shape{2}, uint32);
}

// The number next to -1 on the way to 0, which opens the interval that symmetric samples come from.
const float above_minus_one = std::nextafter(-1.0f, 0.0f);

double below_one(Dtype d) {
  switch (d.val) {
    case Dtype::Val::float16: return 1 - 0x1p-11;
    case Dtype::Val::bfloat16: return 1 - 0x1p-8;
    default: return 1 - 0x1p-24;
  }
}

void require_real_float(const char* function, Dtype d) {
  if (!issubdtype(d, floating))
    refuse(function, "Only real floating point types are supported, got " + ops::name(d) + ".");
  if (d == float64) throw NotSupported(ops::message(function, "float64 is not supported."));
}

// a - b, or a * b, in dtype `d`; a constant where both are.
array difference(const array& a, const array& b, Dtype d, const StreamOrDevice& s) {
  const auto x = ops::known_value(a, d), y = ops::known_value(b, d);
  if (!x || !y || a.ndim() + b.ndim() > 0 || d == complex64) return subtract(astype(a, d, s), astype(b, d, s), s);
  if (!ops::is_inexact(d)) return graph::full(Shape{}, Scalar::of_uint(x->u - y->u, d), to_stream(s));
  return constant(static_cast<float>(x->f) - static_cast<float>(y->f), d, s);
}
array product(const array& a, const array& b, Dtype d, const StreamOrDevice& s) {
  const auto x = ops::known_value(a, d), y = ops::known_value(b, d);
  if (!x || !y || a.ndim() + b.ndim() > 0 || d == complex64) return multiply(astype(a, d, s), astype(b, d, s), s);
  return constant(static_cast<float>(x->f) * static_cast<float>(y->f), d, s);
}

// What `given` fills of `shape`, which it must broadcast to.
void require_fits(const char* function, const Shape& shape, const Shape& given) {
  if (broadcast_shapes(shape, given, function) != shape) {
    refuse(function, "Cannot generate random values of shape " + to_string(shape) + " from broadcasted shape " +
                         to_string(given) + ".");
  }
}

// In (-1, 1), float32.
array symmetric(const Shape& shape, const std::optional<array>& key, const StreamOrDevice& s) {
  return uniform(constant(above_minus_one, float32, s), constant(1, float32, s), shape, float32, key, s);
}

bool is_known_to_be(const array& a, double value) {
  if (a.ndim() > 0 || a.dtype() == complex64) return false;
  const auto known = ops::known_value(a, float64);
  return known && known->f == value;
}

// x * scale + loc, each where it is there and changes anything.
array placed(array x, const std::optional<array>& loc, const std::optional<array>& scale, const StreamOrDevice& s) {
  if (scale && !is_known_to_be(*scale, 1)) x = multiply(x, astype(*scale, x.dtype(), s), s);
  return loc && !is_known_to_be(*loc, 0) ? add(x, astype(*loc, x.dtype(), s), s) : x;
}

}  // namespace

KeySequence::KeySequence(std::uint64_t seed) { this->seed(seed); }

void KeySequence::seed(std::uint64_t seed) {
  state_[0] = static_cast<std::uint32_t>(seed >> 32);
  state_[1] = static_cast<std::uint32_t>(seed);
}

// As split(), here and now.
array KeySequence::next() {
  const auto [kept_high, high] = threefry2x32(state_[0], state_[1], 0, 2);
  const auto [kept_low, low] = threefry2x32(state_[0], state_[1], 1, 3);
  state_[0] = kept_high;
  state_[1] = kept_low;
  return key_array(high, low);
}

KeySequence& KeySequence::default_() {
  ANABRANCH_THREAD_LOCAL(KeySequence, sequence, first_seed_of_thread());
  return sequence;
}

array key(std::uint64_t seed) {
  return key_array(static_cast<std::uint32_t>(seed >> 32), static_cast<std::uint32_t>(seed));
}

void seed(std::uint64_t seed) {
  KeySequence::default_().seed(seed);
  Origin& o = origin();
  const runtime::Lock lock(o.mutex);
  o.seed = seed;
  o.threads = 1;
}

array split(const array& key, int num, const StreamOrDevice& s) { return bits(Shape{num, 2}, 4, key, s); }
std::pair<array, array> split(const array& key, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  const array both = random::split(key, 2, on);
  return {take(both, 0, 0, on), take(both, 1, 0, on)};
}

array bits(const Shape& shape, int width, const std::optional<array>& key, const StreamOrDevice& s) {
  ops::require_extents("bits", shape);
  if (width != 1 && width != 2 && width != 4)
    refuse("bits", "Bit width must be 1, 2 or 4, got " + std::to_string(width) + ".");
  const array from = key ? *key : KeySequence::default_().next();
  if (from.dtype() != uint32) refuse("bits", "Expected key type uint32 but received " + ops::name(from.dtype()) + ".");
  if (from.shape() != Shape{2}) refuse("bits", "Expected key shape (2) but received " + to_string(from.shape()) + ".");
  const Dtype d = width == 4 ? uint32 : width == 2 ? uint16 : uint8;
  return graph::operation(graph::Op::RandomBits, shape, d, ops::operands(from), to_stream(s),
                          graph::RandomBitsAttrs{width});
}

array uniform(const Shape& shape, Dtype dtype, const std::optional<array>& key, const StreamOrDevice& s) {
  require_real_float("uniform", dtype);
  const StreamOrDevice on = to_stream(s);
  // As a float32, the largest word is 2^32: the quotient can be 1, which the result may not.
  const array words = astype(bits(shape, 4, key, on), float32, on);
  const array share = astype(multiply(words, constant(0x1p-32, float32, on), on), dtype, on);
  // In this order: whether an operand is NaN is asked of the first, and a constant need be asked but once.
  return minimum(constant(below_one(dtype), dtype, on), share, on);
}

array uniform(const array& low, const array& high, const Shape& shape, Dtype dtype, const std::optional<array>& key,
              const StreamOrDevice& s) {
  require_real_float("uniform", dtype);
  ops::require_extents("uniform", shape);
  const StreamOrDevice on = to_stream(s);
  const array range = difference(high, low, dtype, on);
  require_fits("uniform", shape, range.shape());
  return placed(uniform(shape, dtype, key, on), low, range, on);
}

array normal(const Shape& shape, Dtype dtype, const std::optional<array>& loc, const std::optional<array>& scale,
             const std::optional<array>& key, const StreamOrDevice& s) {
  if (!ops::is_inexact(dtype))
    refuse("normal", "Only floating point and complex64 types are supported, got " + ops::name(dtype) + ".");
  const StreamOrDevice on = to_stream(s);
  for (const auto& given : {loc, scale}) {
    if (given) require_fits("normal", shape, given->shape());
  }
  if (dtype != complex64) {
    const array root = constant(std::numbers::sqrt2, dtype, on);
    const array samples = astype(erfinv(symmetric(shape, key, on), on), dtype, on);
    return placed(samples, loc, scale ? product(root, *scale, dtype, on) : root, on);
  }
  // Real and imaginary part, each of variance 1/2, beside each other.
  ops::require_extents("normal", shape);
  Shape pairs = shape;
  pairs.push_back(2);
  const array samples = erfinv(symmetric(pairs, key, on), on);
  const array i = graph::full(Shape{}, Scalar::of_complex(complex64_t(0, 1), complex64), to_stream(on));
  const array imaginary = multiply(astype(take(samples, 1, -1, on), complex64, on), i, on);
  return placed(add(astype(take(samples, 0, -1, on), complex64, on), imaginary, on), loc, scale, on);
}

array normal(const Shape& shape, Dtype dtype, float loc, float scale, const std::optional<array>& key,
             const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return normal(shape, dtype, constant(loc, dtype, on), constant(scale, dtype, on), key, on);
}

array randint(const array& low, const array& high, const Shape& shape, Dtype dtype, const std::optional<array>& key,
              const StreamOrDevice& s) {
  if (!issubdtype(dtype, integer) && dtype != bool_)
    refuse("randint", "Only integer types and bool are supported, got " + ops::name(dtype) + ".");
  const StreamOrDevice on = to_stream(s);
  const array drawn = astype(floor(uniform(low, high, shape, float32, key, on), on), dtype, on);
  const array first = astype(low, dtype, on);
  if (dtype == bool_) return maximum(drawn, first, on);
  // Rounding in float32 can reach high.
  const array last = difference(high, constant(1, dtype, on), dtype, on);
  return maximum(minimum(drawn, last, on), first, on);
}

array bernoulli(const array& p, const Shape& shape, const std::optional<array>& key, const StreamOrDevice& s) {
  if (!issubdtype(p.dtype(), floating))
    refuse("bernoulli", "The probability p must be of a real floating point type, got " + ops::name(p.dtype()) + ".");
  require_fits("bernoulli", shape, p.shape());
  const StreamOrDevice on = to_stream(s);
  return less(uniform(shape, float32, key, on), p, on);
}
array bernoulli(const array& p, const std::optional<array>& key, const StreamOrDevice& s) {
  return bernoulli(p, p.shape(), key, s);
}
array bernoulli(const std::optional<array>& key, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return bernoulli(constant(0.5, float32, on), Shape{}, key, on);
}

array truncated_normal(const array& lower, const array& upper, const Shape& shape, Dtype dtype,
                       const std::optional<array>& key, const StreamOrDevice& s) {
  require_real_float("truncated_normal", dtype);
  const StreamOrDevice on = to_stream(s);
  const array root = constant(std::numbers::sqrt2, dtype, on);
  const array low = astype(lower, dtype, on), high = astype(upper, dtype, on);
  const array a = erf(divide(low, root, on), on), b = erf(divide(high, root, on), on);
  const array samples = multiply(root, erfinv(uniform(a, b, shape, dtype, key, on), on), on);
  return clip(samples, low, high, on);
}
array truncated_normal(const array& lower, const array& upper, Dtype dtype, const std::optional<array>& key,
                       const StreamOrDevice& s) {
  return truncated_normal(lower, upper, broadcast_shapes(lower.shape(), upper.shape(), "truncated_normal"), dtype, key,
                          s);
}

array gumbel(const Shape& shape, Dtype dtype, const std::optional<array>& key, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return negative(log(negative(log(uniform(shape, dtype, key, on), on), on), on), on);
}

array laplace(const Shape& shape, Dtype dtype, float loc, float scale, const std::optional<array>& key,
              const StreamOrDevice& s) {
  require_real_float("laplace", dtype);
  const StreamOrDevice on = to_stream(s);
  const array u = symmetric(shape, key, on);
  const array samples = multiply(sign(u, on), log1p(negative(abs(u, on), on), on), on);
  return placed(astype(samples, dtype, on), constant(loc, dtype, on), constant(scale, dtype, on), on);
}

namespace {

// Gumbel's noise makes the largest logit a sample; `axis` counts from the end, in logits and noise alike.
array sample(const array& logits, int axis, const Shape& noise, const std::optional<array>& key,
             const StreamOrDevice& s) {
  return argmax(add(gumbel(noise, float32, key, s), logits, s), axis, false, s);
}

int axis_from_end(const array& logits, int axis) {
  return normalize_axis(axis, logits.ndim(), "categorical") - logits.ndim();
}

}  // namespace

array categorical(const array& logits, int axis, const Shape& shape, const std::optional<array>& key,
                  const StreamOrDevice& s) {
  const int along = axis_from_end(logits, axis);
  Shape others = logits.shape();
  others.erase(others.end() + along);
  require_fits("categorical", shape, others);
  Shape noise = shape;
  noise.insert(noise.end() + along + 1, logits.shape(along));
  const StreamOrDevice on = to_stream(s);
  return sample(logits, along, noise, key, on);
}
array categorical(const array& logits, int axis, int num_samples, const std::optional<array>& key,
                  const StreamOrDevice& s) {
  const int along = axis_from_end(logits, axis);
  Shape noise = logits.shape();
  noise.push_back(num_samples);
  const StreamOrDevice on = to_stream(s);
  return sample(expand_dims(logits, -1, on), along - 1, noise, key, on);
}
array categorical(const array& logits, int axis, const std::optional<array>& key, const StreamOrDevice& s) {
  const StreamOrDevice on = to_stream(s);
  return sample(logits, axis_from_end(logits, axis), logits.shape(), key, on);
}

}  // namespace anabranch::random
