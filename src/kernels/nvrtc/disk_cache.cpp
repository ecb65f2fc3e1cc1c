#include "kernels/nvrtc/disk_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace anabranch::kernels {

namespace {

namespace fs = std::filesystem;

std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}

std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
  hash = mixed(hash ^ text.size());
  for (std::size_t at = 0; at < text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
    hash = mixed(hash ^ word) + 0x9e3779b97f4a7c15u;
  }
  return mixed(hash);
}

// A file begins with this, then comes the code.
struct Header {
  char magic[8];
  TextHash hash;
  std::uint64_t size, checksum;
};
constexpr char magic[8] = {'a', 'n', 'a', 'c', 'u', 'b', 'i', '1'};

Header header_of(const TextHash& hash, const std::vector<char>& code) {
  Header header{{}, hash, code.size(), hash_of({code.data(), code.size()}, 1)};
  std::memcpy(header.magic, magic, sizeof(magic));
  return header;
}

std::string name_of(const TextHash& hash) {
  char name[33];
  std::snprintf(name, sizeof(name), "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return name;
}

// Makes the folder where it is missing. Whether it is this user's own, and nobody else's to write to.
bool is_ours(const std::string& folder) {
  std::error_code ignored;
  fs::create_directories(fs::path(folder).parent_path(), ignored);
  ::mkdir(folder.c_str(), 0700);
  struct stat status{};
  if (::lstat(folder.c_str(), &status) != 0) return false;
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 022) == 0;
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  bool read(void* to, std::size_t bytes) const {
    for (char* at = static_cast<char*>(to); bytes > 0;) {
      const ssize_t n = ::read(descriptor_, at, bytes);
      if (n <= 0) return false;
      at += n;
      bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }
  bool write(const void* from, std::size_t bytes) const {
    for (const char* at = static_cast<const char*>(from); bytes > 0;) {
      const ssize_t n = ::write(descriptor_, at, bytes);
      if (n <= 0) return false;
      at += n;
      bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }

 private:
  int descriptor_;
};

}  // namespace

void TextHash::add(std::string_view text) {
  high = hash_of(text, high + 2);
  low = hash_of(text, low + 3);
}

DiskCache::DiskCache(std::string folder, std::uint64_t limit) : folder_(std::move(folder)), limit_(limit) {
  if (!folder_.empty() && !is_ours(folder_)) folder_.clear();
}

std::vector<char> DiskCache::find(const TextHash& hash) const {
  if (folder_.empty()) return {};
  const File file(::open((folder_ + "/" + name_of(hash)).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.descriptor(), &status) != 0) return {};
  Header header;
  if (!file.read(&header, sizeof(header))) return {};
  // The size that the header claims is not believed before the file's own.
  if (static_cast<std::uint64_t>(status.st_size) != sizeof(header) + header.size) return {};
  std::vector<char> code(header.size);
  if (!file.read(code.data(), code.size())) return {};
  const Header expected = header_of(hash, code);
  if (std::memcmp(&header, &expected, sizeof(header)) != 0) return {};
  ::futimens(file.descriptor(), nullptr);  // used now
  return code;
}

void DiskCache::add(const TextHash& hash, const std::vector<char>& code) const {
  if (folder_.empty()) return;
  static std::atomic<unsigned> number{0};
  const std::string path = folder_ + "/" + name_of(hash);
  const std::string draft = path + "." + std::to_string(::getpid()) + "." + std::to_string(++number);
  bool written = false;
  {
    const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return;
    const Header header = header_of(hash, code);
    written = file.write(&header, sizeof(header)) && file.write(code.data(), code.size());
  }
  if (!written || ::rename(draft.c_str(), path.c_str()) != 0) {
    ::unlink(draft.c_str());
    return;
  }
  trim();
}

void DiskCache::trim() const {
  struct Found {
    fs::file_time_type used;
    std::uint64_t size;
    fs::path path;
  };
  std::vector<Found> found;
  std::uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // another process trims, too
    const std::uint64_t size = at->file_size(gone);
    const fs::file_time_type used = at->last_write_time(gone);
    if (gone) continue;
    found.push_back({used, size, at->path()});
    total += size;
  }
  if (total <= limit_) return;
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.used < b.used; });
  for (const Found& file : found) {
    if (total <= limit_ / 4 * 3) break;
    fs::remove(file.path, error);
    total -= file.size;
  }
}

std::string cache_folder() {
  if (const char* own = std::getenv("ANABRANCH_CACHE_DIR")) return *own ? fs::absolute(own) : fs::path();
  const char* caches = std::getenv("XDG_CACHE_HOME");
  if (caches && *caches == '/') return std::string(caches) + "/anabranch";
  const char* home = std::getenv("HOME");
  return home && *home == '/' ? std::string(home) + "/.cache/anabranch" : "";
}

}  // namespace anabranch::kernels
