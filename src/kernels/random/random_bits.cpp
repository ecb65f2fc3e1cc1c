// Random bits: each key's words are hashes of the counters 0, 1, 2 ..., the first half of the words from the hash's
// first halves, the second half from its second.
#include <algorithm>
#include <cstring>

#include "base/threefry.h"
#include "graph/attributes.h"
#include "kernels/cpu_kernels.h"
#include "kernels/random/hash_words.h"

namespace anabranch::kernels {
namespace {

constexpr std::int64_t hashes_per_chunk = 64 << 10;
constexpr std::int64_t hashes_at_once = 2048;

// The bytes that one key fills.
struct Words {
  std::int64_t bytes, words, hashes;
  explicit Words(std::int64_t n) : bytes(n), words((n + 3) / 4), hashes((words + 1) / 2) {}

  void store(char* to, std::int64_t word, std::uint32_t bits) const {
    std::memcpy(to + 4 * word, &bits, static_cast<std::size_t>(std::min<std::int64_t>(4, bytes - 4 * word)));
  }

  // Hashes the counters [first, last).
  void run(char* to, const std::uint32_t key[2], std::int64_t first, std::int64_t last) const {
    // All of them fill two whole words, but for the last two: the last word may be cut, and have no partner.
    const std::int64_t whole = std::min(last, std::max(first, hashes - 2));
    const bool aligned = reinterpret_cast<std::uintptr_t>(to) % 4 == 0;
    constexpr std::int64_t block = 512;
    std::uint32_t a[block], b[block];
    for (std::int64_t i = first, n; i < whole; i += n) {
      const auto c = static_cast<std::uint32_t>(i), d = static_cast<std::uint32_t>(i + hashes);
      n = aligned ? whole - i : std::min(block, whole - i);
      if (aligned) {
        auto* words_to = reinterpret_cast<std::uint32_t*>(to);
        hash_words(key, c, d, n, words_to + i, words_to + i + hashes);
      } else {
        hash_words(key, c, d, n, a, b);
        std::memcpy(to + 4 * i, a, static_cast<std::size_t>(4 * n));
        std::memcpy(to + 4 * (i + hashes), b, static_cast<std::size_t>(4 * n));
      }
    }
    for (std::int64_t i = whole; i < last; ++i) {
      const std::int64_t second = i + hashes;
      const auto [x, y] = threefry2x32(key[0], key[1], static_cast<std::uint32_t>(i),
                                       second < words ? static_cast<std::uint32_t>(second) : 0);
      store(to, i, x);
      if (second < words) store(to, second, y);
    }
  }
};

}  // namespace

void random_bits_cpu(const runtime::KernelCall& call, runtime::Launch& launch) {
  const runtime::View keys = call.in[0];
  const runtime::View& out = call.out[0];
  const std::int64_t key_count = element_count(keys.shape) / 2;
  const std::int64_t total = element_count(out.shape) * out.dtype.size();
  if (total == 0) return;
  const Words words(total / key_count);
  char* data = out.as<char>();
  const auto run = [=](std::int64_t key, std::int64_t first, std::int64_t last) {
    std::int64_t offset = 0, rest = key;
    for (std::size_t i = keys.shape.size() - 1; i-- > 0;) {
      offset += rest % keys.shape[i] * keys.strides[i];
      rest /= keys.shape[i];
    }
    const std::uint32_t* k = keys.as<std::uint32_t>() + offset;
    const std::uint32_t pair[2] = {k[0], k[keys.strides.back()]};
    words.run(data + key * words.bytes, pair, first, last);
  };
  if (words.hashes * key_count <= hashes_at_once) {
    for (std::int64_t key = 0; key < key_count; ++key) run(key, 0, words.hashes);
    return;
  }
  const std::int64_t parts = (words.hashes + hashes_per_chunk - 1) / hashes_per_chunk;
  const std::int64_t keys_per_chunk = std::max<std::int64_t>(1, hashes_per_chunk / words.hashes);
  const std::int64_t chunks = (key_count + keys_per_chunk - 1) / keys_per_chunk * parts;
  launch.parallel(static_cast<std::size_t>(chunks), 0.6 * hashes_per_chunk, [=](std::size_t chunk) {
    const std::int64_t part = static_cast<std::int64_t>(chunk) % parts,
                       group = static_cast<std::int64_t>(chunk) / parts;
    const std::int64_t first = part * hashes_per_chunk, last = std::min(words.hashes, first + hashes_per_chunk);
    for (std::int64_t key = group * keys_per_chunk; key < std::min(key_count, (group + 1) * keys_per_chunk); ++key)
      run(key, first, last);
  });
}

}  // namespace anabranch::kernels
