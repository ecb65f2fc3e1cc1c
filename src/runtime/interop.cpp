#include "runtime/interop.h"

#include <stdexcept>

#include "anabranch/stream.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch {
namespace runtime {
namespace {

// Lets go of memory that was lent. Who had it need not be done with it: DLPack's deleter, or the end of an object that
// was read through another protocol, is called when the last *command* has been added. Nor can the stream be asked: it
// may be gone, and others may have used the memory, too. So this waits, on the device, for all of it, as cudaFree would
// have on the host.
class TakeBack final : public Work {
 public:
  TakeBack(Ref<StreamState> stream, BufferRef buffer) : stream_(std::move(stream)), buffer_(std::move(buffer)) {}

  void accepted(std::uint64_t value) noexcept override { value_ = value; }
  void start(Launch& launch) override {
    Arena::expect_use(buffer_.get());
    interop_of(stream_->device.type)->wait_for_device(launch.queue());
  }
  void issued(const std::exception_ptr& failure) noexcept override {
    if (failure) return static_cast<void>(buffer_.detach());  // when it may be used again is not known: never
    buffer_->arena->note_use(buffer_.get(), Event(stream_, value_));
    buffer_ = {};
  }
  void finish(std::exception_ptr) noexcept override {}

 private:
  Ref<StreamState> stream_;
  BufferRef buffer_;
  std::uint64_t value_ = 0;
};

}  // namespace

Interop* interop_of(Device::DeviceType type) {
  Backend* backend = find_backend(type);
  return backend ? backend->interop() : nullptr;
}

void keep_order(const Ref<StreamState>& stream) {
  if (stream->queue() && stream->queue()->is_shared()) wait_issued(Event(stream, stream->submitted()));
}

void lend(const BufferRef& b) {
  // Now, when it may fail.
  copy_stream(*device_of(*b->arena), Transfer::Back);
  b->lent.store(true, std::memory_order_relaxed);
}

void take_back_lent(Buffer* b) noexcept {
  b->lent.store(false, std::memory_order_relaxed);
  b->references.store(1, std::memory_order_relaxed);
  auto buffer = BufferRef::adopt(b);
  try {
    const Ref<StreamState> stream = copy_stream(*device_of(*b->arena), Transfer::Back);
    stream->submit(new TakeBack(stream, buffer));
    stream->schedule();
  } catch (const std::exception&) {
    buffer.detach();  // as above
  }
}

}  // namespace runtime

using namespace runtime;

Stream external_stream(void* stream, std::optional<Device> device, std::shared_ptr<void> owner) {
  const Device::DeviceType type = device ? device->type : Device::gpu;
  backend_for(device.value_or(Device(type)), "external_stream", "use gpu stream");
  Interop* interop = interop_of(type);
  if (!interop)
    throw std::invalid_argument("[external_stream] " + to_string(device.value_or(Device(type))) +
                                " has no streams that other libraries could share.");
  if (!device) {
    const Device here = default_device();
    const int otherwise = here.type == type ? here.index : 0;
    device = Device(type, interop->device_of_stream(stream).value_or(otherwise));
    backend_for(*device, "external_stream", "use gpu stream");
  }
  return Stream(open_stream(*device, interop->open_queue(device->index, stream, std::move(owner))));
}

void* native_handle(const Stream& s) {
  const Queue* queue = s.state()->queue();
  Interop* interop = queue ? interop_of(s.device.type) : nullptr;
  if (!interop)
    throw std::invalid_argument("[native_handle] " + to_string(s) + " is no stream that other libraries could use.");
  return interop->handle(*queue);
}

}  // namespace anabranch
