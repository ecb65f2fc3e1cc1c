// Memory figures and limits.
#include "anabranch/memory.h"

#include "functions/bind.h"
#include "functions/function.h"
#include "functions/wait.h"

namespace anabranch::python {

namespace {

template <std::size_t (*Get)()>
nb::object figure(Args&) {
  return nb::cast(Get());
}

template <std::size_t (*Set)(std::size_t)>
nb::object limit(Args& a) {
  if (!a.is_integer(0)) a.wrong(0, "a number of bytes");
  const std::int64_t bytes = a.long_integer(0);
  if (bytes < 0) a.wrong(0, "a number of bytes, 0 or more");
  return nb::cast(Set(static_cast<std::size_t>(bytes)));
}

}  // namespace

void bind_memory(nb::module_& m) {
  def<&figure<&get_active_memory>>(m, "get_active_memory() -> int", "Bytes in use by arrays.");
  def<&figure<&get_peak_memory>>(m, "get_peak_memory() -> int",
                                 "The most that get_active_memory() has been since the start or the last reset.");
  def<&figure<&get_cache_memory>>(m, "get_cache_memory() -> int", "Bytes kept for reuse.");
  def<&figure<&get_memory_limit>>(m, "get_memory_limit() -> int", "The limit on active memory.");
  def<&limit<&set_memory_limit>>(
      m, "set_memory_limit(limit: int) -> int",
      "Limits active memory: what would pass it fails with MemoryError. Returns the previous limit.");
  def<&limit<&set_cache_limit>>(m, "set_cache_limit(limit: int) -> int",
                                "Limits what is kept for reuse. Returns the previous limit.");
  def<&limit<&set_wired_limit>>(
      m, "set_wired_limit(limit: int) -> int",
      "Accepted for MLX's sake: host memory is never wired here. Returns the previous value.");
  def<[](Args&) {
    reset_peak_memory();
    return nb::none();
  }>(m, "reset_peak_memory() -> None", "Lets get_peak_memory() start anew.");
  def<[](Args&) {
    GilRelease release;
    clear_cache();
    return nb::none();
  }>(m, "clear_cache() -> None", "Gives what is kept for reuse back to the system.");
}

}  // namespace anabranch::python
