#include "kernels/reduce/stage.h"

#include <algorithm>
#include <cstring>

namespace anabranch::kernels {
namespace {

template <std::int64_t Size>
void spread(char* to, std::int64_t to_step, const char* src, std::int64_t src_step, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_step, src + i * src_step, Size);
}

void spread(char* to, std::int64_t to_step, const char* src, std::int64_t src_step, std::int64_t n, std::int64_t size) {
  switch (size) {
    case 1: return spread<1>(to, to_step, src, src_step, n);
    case 2: return spread<2>(to, to_step, src, src_step, n);
    case 4: return spread<4>(to, to_step, src, src_step, n);
    default: return spread<8>(to, to_step, src, src_step, n);
  }
}

bool is_half_dtype(Dtype d) { return d == float16 || d == bfloat16; }

LaneFn conversion(Dtype from, Dtype to) {
  return lane_table().convert[static_cast<int>(graph::lane_of(from))][static_cast<int>(graph::lane_of(to))].fn;
}

}  // namespace

void collect(char* to, const char* src, std::int64_t step, std::int64_t n, std::int64_t size) {
  if (step == size) {
    std::memcpy(to, src, static_cast<std::size_t>(n * size));
  } else {
    spread(to, size, src, step, n, size);
  }
}

Loader::Loader(Dtype from, Dtype to) : from_size_(from.size()), to_size_(to.size()) {
  if (is_half_dtype(from)) {
    first_ = from == float16 ? lane_table().load_f16.fn : lane_table().load_bf16.fn;
    if (to != float32) second_ = conversion(float32, to);
  } else if (from != to && !(from.size() == to.size() && issubdtype(from, integer) && issubdtype(to, integer))) {
    first_ = conversion(from, to);
  }
}

void Loader::convert(char* to, const char* src, std::int64_t n) const {
  if (!second_) {
    first_(src, nullptr, nullptr, to, static_cast<std::size_t>(n));
    return;
  }
  alignas(64) float between[quantum];
  for (std::int64_t i = 0; i < n; i += block_slack) {
    first_(src + i * from_size_, nullptr, nullptr, between, quantum);
    second_(between, nullptr, nullptr, to + i * to_size_, quantum);
  }
}

void Loader::load(void* to, const char* src, std::int64_t step, std::int64_t n) const {
  char* dst = static_cast<char*>(to);
  if (same()) {
    collect(dst, src, step, n, from_size_);
    return;
  }
  // Conversions read whole quanta: the last, partial one from a copy.
  alignas(64) char copy[8 * 8 * quantum];
  const std::int64_t dense = step == from_size_ ? n / block_slack * block_slack : 0;
  if (dense) convert(dst, src, dense);
  constexpr std::int64_t part = 8 * block_slack;
  for (std::int64_t i = dense; i < n; i += part) {
    const std::int64_t m = std::min(part, n - i), padded = (m + block_slack - 1) / block_slack * block_slack;
    collect(copy, src + i * step, step, m, from_size_);
    std::memset(copy + m * from_size_, 0, static_cast<std::size_t>((padded - m) * from_size_));
    convert(dst + i * to_size_, copy, padded);
  }
}

Storer::Storer(Dtype from, Dtype to) : from_size_(from.size()), to_size_(to.size()) {
  if (is_half_dtype(to) && from == float32)
    round_ = to == float16 ? lane_table().store_f16.fn : lane_table().store_bf16.fn;
}

void Storer::store(char* to, std::int64_t step, const void* from, std::int64_t n) const {
  const char* src = static_cast<const char*>(from);
  if (!round_) {  // an integer's low bytes are its value modulo the narrower type
    if (from_size_ == to_size_ && step == to_size_) std::memcpy(to, src, static_cast<std::size_t>(n * to_size_));
    else spread(to, step, src, from_size_, n, to_size_);
    return;
  }
  alignas(64) char rounded[2 * 8 * quantum];
  constexpr std::int64_t part = 8 * block_slack;
  for (std::int64_t i = 0; i < n; i += part) {
    const std::int64_t m = std::min(part, n - i);
    round_(src + i * from_size_, nullptr, nullptr, rounded, static_cast<std::size_t>(m));
    if (step == to_size_) std::memcpy(to + i * step, rounded, static_cast<std::size_t>(m * to_size_));
    else spread(to + i * step, step, rounded, to_size_, m, to_size_);
  }
}

}  // namespace anabranch::kernels
