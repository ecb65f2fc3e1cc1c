// Compiled kernels in files, so that a program is compiled once for a machine and not once for each process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace anabranch::kernels {

struct TextHash {
  std::uint64_t high = 0, low = 0;
  void add(std::string_view text);
};

// A folder of one user's, to which nobody else may write; without such a folder nothing is found and nothing is kept.
// Any number of processes may use it at once.
class DiskCache {
 public:
  // "" for none. Beyond `limit` bytes the files that were not used for the longest time go.
  DiskCache(std::string folder, std::uint64_t limit);

  // Empty where it is not there, or not whole.
  std::vector<char> find(const TextHash& hash) const;
  void add(const TextHash& hash, const std::vector<char>& code) const;

 private:
  void trim() const;

  std::string folder_;
  std::uint64_t limit_;
};

// ANABRANCH_CACHE_DIR, or anabranch in the user's folder for caches; "" where there is none.
std::string cache_folder();

}  // namespace anabranch::kernels
