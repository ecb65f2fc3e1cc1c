// Streams, events and scopes. A stream is an ordered queue of work on one device; any thread may use any stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "anabranch/device.h"
#include "anabranch/ref.h"

namespace anabranch {

namespace runtime {
struct RecordedTime;
class StreamState;
void retain(StreamState* s) noexcept;
void release(StreamState* s) noexcept;
}  // namespace runtime

class Event;
struct ScopeLevel;

// A value that names a stream and keeps it alive; equal where index and device are.
struct Stream {
  int index;
  Device device;

  explicit Stream(Ref<runtime::StreamState> state);

  // The event "all that was submitted to this stream so far has finished".
  Event record() const;
  // Work submitted to this stream from now on starts after `event`, whatever stream it is of.
  void wait(const Event& event) const;
  // Whether all submitted work has finished.
  bool query() const;
  // Waits for all submitted work; raises a failure among it that nobody has seen yet.
  void synchronize() const;
  // That of new_stream(), within what the device has; 0 for streams that were made without one.
  int priority() const;

  const Ref<runtime::StreamState>& state() const { return state_; }
  friend bool operator==(const Stream& a, const Stream& b) { return a.index == b.index && a.device == b.device; }
  friend bool operator<(const Stream& a, const Stream& b) {
    return a.device != b.device ? a.device < b.device : a.index < b.index;
  }

 private:
  Ref<runtime::StreamState> state_;
};

// (stream, n): the moment at which the stream's n-th submission has finished. A value, free to copy, valid before and
// after that moment. A default-constructed event has already happened.
class Event {
 public:
  Event() = default;
  Event(Ref<runtime::StreamState> stream, std::uint64_t value,
        std::shared_ptr<const runtime::RecordedTime> time = nullptr)
      : stream_(std::move(stream)), value_(value), time_(std::move(time)) {}

  bool query() const;
  // Waits until it has happened, helping with the work on the way. Releases no lock that the caller holds.
  void wait() const;
  // As wait(), for at most `seconds`; whether it has happened.
  bool wait_for(double seconds) const;
  // Seconds from this event to `later`; both must have happened and been recorded (Stream::record). By the clock of
  // their device, where both are of one that has a clock (a GPU), or else by the host's: then the time of a device's
  // event is that at which the host noticed it.
  double elapsed(const Event& later) const;

  // A default-constructed event belongs to no stream: null.
  const Ref<runtime::StreamState>& stream() const { return stream_; }
  std::uint64_t value() const { return value_; }
  friend bool operator==(const Event& a, const Event& b) { return a.stream_ == b.stream_ && a.value_ == b.value_; }

 private:
  Ref<runtime::StreamState> stream_;
  std::uint64_t value_ = 0;
  std::shared_ptr<const runtime::RecordedTime> time_;  // written when it happens; only of recorded events
};

// A stream that stands for another one in each thread.
struct ThreadLocalStream {
  int index;
  Device device;
  friend bool operator==(const ThreadLocalStream&, const ThreadLocalStream&) = default;
};

// Where an operation runs: nothing said (the scope decides), a stream, a device's current stream.
using StreamOrDevice = std::variant<std::monostate, Stream, ThreadLocalStream, Device, Device::DeviceType>;

// The stream that `s` means here and now, in this thread and scope.
Stream to_stream(const StreamOrDevice& s = {});

// The scope's stream on `device`, or this thread's default one, made on first use.
Stream default_stream(Device device);
void set_default_stream(const Stream& s);
// `priority`: 0 is the usual one, lower numbers are more urgent; one beyond what the device has becomes the nearest
// that it has. Where processors, or a GPU's multiprocessors, are short, work of more urgent streams is begun first;
// results never depend on it. A CPU has 0 and -1, an NVIDIA GPU mostly 0 to -5.
Stream new_stream(Device device = default_device(), int priority = 0);
// As new_stream: every stream may be used from any thread. The name is MLX's.
Stream new_thread_unsafe_stream(Device device);
ThreadLocalStream new_thread_local_stream(Device device);
// A stream of another library, as its handle on the device says (CUDA: a cudaStream_t), as one of ours: what is
// submitted to it, in order, is added to that stream, and record(), wait() and async_eval() return when it has been, so
// that what others add afterwards comes after it. Never destroyed here; it must live as long as the Stream and work on
// it, for which `owner` is kept. Without a device: the stream's own, or for a default stream the default device. Throws
// std::invalid_argument where the device has no such streams, or where the handle means another stream in each thread.
Stream external_stream(void* stream, std::optional<Device> device = std::nullopt,
                       std::shared_ptr<void> owner = nullptr);
// The handle of a stream on its device, for other libraries (CUDA: a cudaStream_t); good as long as the stream. What
// they add is not in the order of its submissions: see external_stream(). Throws std::invalid_argument where it has
// none.
void* native_handle(const Stream& s);
Stream stream_from_thread_local_stream(const ThreadLocalStream& s);
// The streams in existence.
std::vector<Stream> get_streams();
// Drops the calling thread's default streams; a later use makes new ones.
void clear_streams();

// Waits for all that was submitted so far, on every stream of every device; raises a failure that nobody has seen yet.
void synchronize();
void synchronize(const Stream& s);
void synchronize(Device device);

std::string to_string(const Stream& s);  // "Stream(Device(cpu, 0), 1)"
std::ostream& operator<<(std::ostream& out, const Stream& s);

// One level of scope: sets the default device and stream of this thread and restores exactly what was there.
class StreamContext {
 public:
  explicit StreamContext(const StreamOrDevice& s);
  ~StreamContext();
  StreamContext(const StreamContext&) = delete;
  StreamContext& operator=(const StreamContext&) = delete;

 private:
  std::shared_ptr<const ScopeLevel> previous_;
};

}  // namespace anabranch
