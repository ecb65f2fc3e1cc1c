// Random numbers from counters (threefry): the same key gives the same numbers, on any device and as MLX's.
//
// Without a key the calling thread's own sequence gives one, split off on the host: no array depends on it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "anabranch/array.h"

namespace anabranch::random {

// Keys, each split from the state that the one before it left.
class KeySequence {
 public:
  explicit KeySequence(std::uint64_t seed);
  void seed(std::uint64_t seed);
  // The next key.
  array next();
  // The calling thread's. A thread that was not seeded derives its sequence from the last seed given to any (at first
  // the time), differently for each thread.
  static KeySequence& default_();

 private:
  std::uint32_t state_[2];
};

// The key of a seed: uint32 of shape (2,).
array key(std::uint64_t seed);
// Restarts the calling thread's sequence.
void seed(std::uint64_t seed);

// Two keys, or `num` of them (uint32 of shape (num, 2)), from one.
std::pair<array, array> split(const array& key, const StreamOrDevice& s = {});
array split(const array& key, int num, const StreamOrDevice& s = {});

// Unsigned integers of `width` bytes (1, 2 or 4), all bits random.
array bits(const Shape& shape, int width, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
inline array bits(const Shape& shape, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return bits(shape, 4, key, s);
}

// In [low, high), which are broadcast to `shape`. Real floats only.
array uniform(const array& low, const array& high, const Shape& shape, Dtype dtype = float32,
              const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
template <typename T, typename U>
  requires requires { TypeToDtype<T>::value, TypeToDtype<U>::value; }
array uniform(T low, U high, const Shape& shape, Dtype dtype = float32, const std::optional<array>& key = std::nullopt,
              const StreamOrDevice& s = {}) {
  return uniform(array(low), array(high), shape, dtype, key, s);
}
array uniform(const Shape& shape, Dtype dtype, const std::optional<array>& key = std::nullopt,
              const StreamOrDevice& s = {});
inline array uniform(const Shape& shape, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return uniform(shape, float32, key, s);
}

// Normal with mean `loc` (0) and standard deviation `scale` (1), which are broadcast to `shape`. Floats and complex64.
array normal(const Shape& shape, Dtype dtype, const std::optional<array>& loc, const std::optional<array>& scale,
             const std::optional<array>& key, const StreamOrDevice& s = {});
array normal(const Shape& shape, Dtype dtype, float loc, float scale, const std::optional<array>& key = std::nullopt,
             const StreamOrDevice& s = {});
inline array normal(const Shape& shape, float loc, float scale, const std::optional<array>& key = std::nullopt,
                    const StreamOrDevice& s = {}) {
  return normal(shape, float32, loc, scale, key, s);
}
inline array normal(const Shape& shape, Dtype dtype, const std::optional<array>& key = std::nullopt,
                    const StreamOrDevice& s = {}) {
  return normal(shape, dtype, std::nullopt, std::nullopt, key, s);
}
inline array normal(const Shape& shape, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return normal(shape, float32, std::nullopt, std::nullopt, key, s);
}

// Integers in [low, high).
array randint(const array& low, const array& high, const Shape& shape, Dtype dtype = int32,
              const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
template <typename T, typename U>
  requires requires { TypeToDtype<T>::value, TypeToDtype<U>::value; }
array randint(T low, U high, const Shape& shape, Dtype dtype = int32, const std::optional<array>& key = std::nullopt,
              const StreamOrDevice& s = {}) {
  return randint(array(low), array(high), shape, dtype, key, s);
}

// True with probability p, which is broadcast to `shape` (without one: of p's shape).
array bernoulli(const array& p, const Shape& shape, const std::optional<array>& key = std::nullopt,
                const StreamOrDevice& s = {});
array bernoulli(const array& p, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array bernoulli(T p, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return bernoulli(array(p), key, s);
}
template <typename T>
  requires requires { TypeToDtype<T>::value; }
array bernoulli(T p, const Shape& shape, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return bernoulli(array(p), shape, key, s);
}
array bernoulli(const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});

// Standard normal within [lower, upper].
array truncated_normal(const array& lower, const array& upper, const Shape& shape, Dtype dtype = float32,
                       const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
array truncated_normal(const array& lower, const array& upper, Dtype dtype = float32,
                       const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {});
// Standard Gumbel.
array gumbel(const Shape& shape, Dtype dtype = float32, const std::optional<array>& key = std::nullopt,
             const StreamOrDevice& s = {});
array laplace(const Shape& shape, Dtype dtype, float loc, float scale, const std::optional<array>& key = std::nullopt,
              const StreamOrDevice& s = {});
inline array laplace(const Shape& shape, float loc, float scale, const std::optional<array>& key = std::nullopt,
                     const StreamOrDevice& s = {}) {
  return laplace(shape, float32, loc, scale, key, s);
}
inline array laplace(const Shape& shape, Dtype dtype, const std::optional<array>& key = std::nullopt,
                     const StreamOrDevice& s = {}) {
  return laplace(shape, dtype, 0.0f, 1.0f, key, s);
}
inline array laplace(const Shape& shape, const std::optional<array>& key = std::nullopt, const StreamOrDevice& s = {}) {
  return laplace(shape, float32, 0.0f, 1.0f, key, s);
}

// Indices (uint32) drawn with the unnormalised log-probabilities along `axis` of `logits`. `shape` is that of the
// result; `num_samples` draws so many for each, along a new last axis.
array categorical(const array& logits, int axis, const Shape& shape, const std::optional<array>& key = std::nullopt,
                  const StreamOrDevice& s = {});
array categorical(const array& logits, int axis, int num_samples, const std::optional<array>& key = std::nullopt,
                  const StreamOrDevice& s = {});
array categorical(const array& logits, int axis = -1, const std::optional<array>& key = std::nullopt,
                  const StreamOrDevice& s = {});

}  // namespace anabranch::random
