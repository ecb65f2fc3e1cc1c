// Other libraries in this process that use the same devices: their streams and ours, put in order on the device.
//
// A stream's handle is what the device's own interface calls it by (a cudaStream_t), as an address that the runtime
// does not look into.
#pragma once

#include <memory>
#include <optional>

#include "anabranch/device.h"
#include "runtime/backend.h"

namespace anabranch::runtime {

// Of a backend whose devices other libraries can use, too. Any thread, also while another one adds to the queue. Throws
// DeviceLost where the device is gone.
class Interop {
 public:
  virtual ~Interop() = default;
  // The kind of device as DLPack numbers it.
  virtual int dlpack_device_type() const = 0;
  // The stream that a queue adds to; there as long as the queue.
  virtual void* handle(const Queue& queue) const = 0;
  // A queue that adds to somebody else's stream, and never ends that. It keeps `owner`. Throws std::invalid_argument
  // for a stream of another device, and for a handle that does not always mean the same stream.
  virtual std::unique_ptr<Queue> open_queue(int index, void* stream, std::shared_ptr<void> owner) = 0;
  // Whose stream it is; none where the handle means one of each device.
  virtual std::optional<int> device_of_stream(void* stream) const = 0;
  // In whose memory `address` lies; none where it is no device's.
  virtual std::optional<int> device_of_memory(const void* address) const = 0;
  // What others add to their stream from here on begins after `queue` has signalled `value`, which it has been asked
  // to.
  virtual void let_wait(void* stream, Queue& queue, std::uint64_t value) = 0;
  // What is added to `queue` from here on begins after all that their stream has been given so far.
  virtual void wait_for_stream(Queue& queue, void* stream) = 0;
  // The same, after all that the queue's device has been given so far, by anybody.
  virtual void wait_for_device(Queue& queue) = 0;
};

// Null where other libraries can't use such devices.
Interop* interop_of(Device::DeviceType type);
// Where others may add to the same stream, too: what was submitted so far is with the device when this returns, so that
// what they add next comes after it. Elsewhere nothing. Throws Interrupted.
void keep_order(const Ref<StreamState>& stream);

// From here on others may use the memory on its device, in streams that we know nothing of, also when they have let go
// of it: its next use comes after all that the device has been given by then.
void lend(const BufferRef& b);
// The last reference to memory that was lent is gone.
void take_back_lent(Buffer* b) noexcept;

}  // namespace anabranch::runtime
