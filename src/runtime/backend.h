// What a kind of device must do for the runtime. The core never asks which kind it is.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "anabranch/device.h"
#include "runtime/arena.h"
#include "runtime/launch.h"

namespace anabranch::graph {
enum class Op : std::uint16_t;
struct Program;
}  // namespace anabranch::graph

namespace anabranch::runtime {

class Interop;
using DeviceInfo = std::unordered_map<std::string, std::variant<std::string, std::size_t>>;

// What a device's own clock said at some place of a queue.
class Timestamp {
 public:
  virtual ~Timestamp() = default;
  // Seconds from here to `later`, of a queue of the same type of device, when both have been signalled; none where they
  // are not of one clock, or it can't be asked any more.
  virtual std::optional<double> seconds_until(const Timestamp& later) const = 0;
};

// The commands of one stream on a device that works on its own: done in the order in which they are added, after what
// they wait for. Commands are added by one thread at a time (the holder of the strand's token) and never block it;
// adding throws DeviceLost where the device is gone.
class Queue {
 public:
  virtual ~Queue() = default;
  // What is added from here on begins after `other`, a queue of the same type of device, has signalled `value`, which
  // it has been asked to.
  virtual void wait(Queue& other, std::uint64_t value) = 0;
  // Copies between two memory spaces, or within one.
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;
  // When all that was added before is done, reached() becomes `value` or more, and after that some thread of the
  // backend calls stream->progressed() and lets go of it. Signals come in the order 1, 2, 3 ... A queue may hold one
  // back until flush(), but must let other queues wait for it: to tell the host costs as much as a small operation, and
  // of several in a row the last one does.
  virtual void signal(std::uint64_t value, Ref<StreamState> stream) = 0;
  // Any thread: gives the signal that is held back. Where the device is gone, lost() says so.
  virtual void flush() noexcept = 0;
  // Any thread, at any time: the last signal that has happened.
  virtual std::uint64_t reached() const = 0;
  // Once for each value reached: the failure of what was added between the signal before and this one, if it failed.
  virtual std::exception_ptr take_failure(std::uint64_t value) = 0;
  // How long a thread that waits for the device does well to look for itself before it sleeps.
  virtual std::int64_t spin_ns() const = 0;
  // Any thread: why nothing that has not been reached ever will be; null while the device works.
  virtual std::exception_ptr lost() const = 0;
  // Whether other libraries add to the same stream of the device.
  virtual bool is_shared() const { return false; }
  // Adds that the device reads its clock; null where it has none, and the host's has to do.
  virtual std::shared_ptr<const Timestamp> read_clock() { return nullptr; }
};

class Backend {
 public:
  virtual ~Backend() = default;
  // How many devices there are. At least 1.
  virtual int device_count() const = 0;
  // "device_name", "architecture" and "memory_size" (bytes) at least.
  virtual DeviceInfo describe(int index) const = 0;
  // The source of the device's own memory; null where it works in the host's.
  virtual MemorySource* memory(int index) = 0;
  // The source of host memory to which the devices copy without the host's help; null where they do so with any.
  virtual MemorySource* host_memory() = 0;
  // The lowest number that a stream's priority may be on the device; 0, the highest, is the usual one.
  virtual int most_urgent(int index) const = 0;
  // A queue of the device, of a priority that it has; null where the pool does its work.
  virtual std::unique_ptr<Queue> open_queue(int index, int priority) = 0;
  // What other libraries need to use the same devices (see interop.h); null where they can't.
  virtual Interop* interop() { return nullptr; }
  // In a forked child, before anything else: a device that does not survive a fork is lost from here on.
  virtual void forked() = 0;
  // Does, or adds to `launch`, one irregular operation. Throws NotSupported where there is no kernel for it.
  virtual void launch_kernel(graph::Op op, const KernelCall& call, Launch& launch) = 0;
  // Whether its fused programs may have operands that they generate as this irregular operation does
  // (Program::generated).
  virtual bool generates(graph::Op op) const = 0;
  // Does, or adds to `launch`, a fused program over the domain `shape` (see kernels/elementwise/run.h).
  virtual void launch_program(const graph::Program& program, const Shape& shape, std::span<const View> in,
                              std::span<const View> out, Launch& launch) = 0;
};

// The backend of a type of device, or null, with the reason in `why`. Defined in backends/registry.cpp.
Backend* find_backend(Device::DeviceType type, std::string* why = nullptr);
// Held over a fork: while a backend is being opened.
Mutex& backends_mutex();
// In a forked child: tells those that have been opened.
void backends_forked();
// The same as find_backend(); throws std::invalid_argument where there is none or `device.index` is out of range:
// "[function] Cannot verb gpu noun without gpu backend: why", for a purpose of "verb gpu noun".
Backend& backend_for(Device device, const char* function, const char* purpose);

}  // namespace anabranch::runtime
