// Streams, scopes and devices as the public headers have them.
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

#include "anabranch/stream.h"
#include "runtime/backend.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch {

// A level of the immutable stack of scopes.
struct ScopeLevel {
  Device device;
  std::optional<Stream> stream;  // none: the thread's default stream on the device
  std::shared_ptr<const ScopeLevel> outer;
};

namespace runtime {
namespace {

struct ThreadStreams {
  std::map<Device, Stream> defaults;
  std::map<int, Stream> locals;  // by ThreadLocalStream::index
};

ThreadStreams& thread_streams() {
  ANABRANCH_THREAD_LOCAL(ThreadStreams, streams);
  return streams;
}

Device first_device() { return find_backend(Device::gpu) ? Device(Device::gpu) : Device(Device::cpu); }

// The default outside of any scope, as 2 * index + type; -1 until it has been asked for or set. (A static variable of a
// function, initialised at its first use, could be half done in another thread when this process is forked.)
constexpr int unset = -1;
Atomic<int> process_device_cell{unset};

int packed(Device d) { return 2 * d.index + (d.type == Device::gpu); }

}  // namespace

Backend& backend_for(Device device, const char* function, const char* purpose) {
  std::string why;
  Backend* backend = find_backend(device.type, &why);
  if (!backend) {
    throw std::invalid_argument("[" + std::string(function) + "] Cannot " + purpose + " without gpu backend: " + why);
  }
  if (device.index < 0 || device.index >= backend->device_count()) {
    throw std::invalid_argument("[" + std::string(function) + "] There is no " + to_string(device) + ": there are " +
                                std::to_string(backend->device_count()) + " devices of this type.");
  }
  return *backend;
}

namespace {

using ScopeStack = std::shared_ptr<const ScopeLevel>;

// The calling thread's stack; null outside any scope. The Python layer keeps its own stack in a context variable and
// comes here only for what lies outside it.
ScopeStack& current_scope() {
  ANABRANCH_THREAD_LOCAL(ScopeStack, scope);
  return scope;
}

Device process_device() {
  int device = process_device_cell.load(std::memory_order_relaxed);
  if (device == unset) {
    const int first = packed(first_device());
    if (process_device_cell.compare_exchange_strong(device, first)) device = first;
  }
  return Device(device % 2 ? Device::gpu : Device::cpu, device / 2);
}

void set_process_device(Device device) {
  backend_for(device, "set_default_device", "set gpu device");
  process_device_cell.store(packed(device), std::memory_order_relaxed);
}

Stream thread_stream(Device device) {
  auto& defaults = thread_streams().defaults;
  if (auto found = defaults.find(device); found != defaults.end()) return found->second;
  backend_for(device, "default_stream", "get gpu stream");
  return defaults.emplace(device, Stream(open_stream(device))).first->second;
}

void set_thread_stream(const Stream& s) { thread_streams().defaults.insert_or_assign(s.device, s); }

}  // namespace
}  // namespace runtime

using namespace runtime;

// --- Devices.

Device default_device() {
  const ScopeStack& scope = current_scope();
  return scope ? scope->device : process_device();
}

void set_default_device(Device device) {
  backend_for(device, "set_default_device", "set gpu device");
  ScopeStack& scope = current_scope();
  if (scope) scope = std::make_shared<ScopeLevel>(ScopeLevel{device, scope->stream, scope->outer});
  else set_process_device(device);
}

bool is_available(Device device) {
  Backend* backend = find_backend(device.type);
  return backend && device.index >= 0 && device.index < backend->device_count();
}

int device_count(Device::DeviceType type) {
  Backend* backend = find_backend(type);
  return backend ? backend->device_count() : 0;
}

DeviceInfo device_info(Device device) {
  return backend_for(device, "device_info", "describe gpu device").describe(device.index);
}

std::string to_string(Device device) {
  return std::string("Device(") + (device.type == Device::cpu ? "cpu" : "gpu") + ", " + std::to_string(device.index) +
         ")";
}
std::ostream& operator<<(std::ostream& out, Device device) { return out << to_string(device); }

// --- Streams.

Stream::Stream(Ref<StreamState> state) : index(state->index), device(state->device), state_(std::move(state)) {}

Stream default_stream(Device device) {
  // A scope that names a stream of this device holds for the device, also where a scope inside it has another one.
  for (const ScopeLevel* level = current_scope().get(); level; level = level->outer.get())
    if (level->stream && level->stream->device == device) return *level->stream;
  return thread_stream(device);
}

void set_default_stream(const Stream& s) {
  ScopeStack& scope = current_scope();
  if (scope) scope = std::make_shared<ScopeLevel>(ScopeLevel{scope->device, s, scope->outer});
  else set_thread_stream(s);
}

Stream new_stream(Device device, int priority) {
  backend_for(device, "new_stream", "make gpu stream");
  return Stream(open_stream(device, priority));
}
Stream new_thread_unsafe_stream(Device device) { return new_stream(device); }

ThreadLocalStream new_thread_local_stream(Device device) {
  backend_for(device, "new_thread_local_stream", "make gpu stream");
  static Atomic<int> next{0};
  return {next.fetch_add(1), device};
}

Stream stream_from_thread_local_stream(const ThreadLocalStream& s) {
  auto& locals = thread_streams().locals;
  auto found = locals.find(s.index);
  if (found == locals.end()) found = locals.emplace(s.index, Stream(open_stream(s.device))).first;
  return found->second;
}

std::vector<Stream> get_streams() {
  std::vector<Stream> out;
  for (auto& s : open_streams()) out.emplace_back(std::move(s));
  return out;
}

void clear_streams() { thread_streams() = {}; }

Stream to_stream(const StreamOrDevice& s) {
  struct Choose {
    Stream operator()(std::monostate) const { return default_stream(default_device()); }
    Stream operator()(const Stream& stream) const { return stream; }
    Stream operator()(const ThreadLocalStream& stream) const { return stream_from_thread_local_stream(stream); }
    Stream operator()(Device device) const { return default_stream(device); }
    Stream operator()(Device::DeviceType type) const { return default_stream(Device(type)); }
  };
  return std::visit(Choose{}, s);
}

std::string to_string(const Stream& s) {
  return "Stream(" + to_string(s.device) + ", " + std::to_string(s.index) + ")";
}
std::ostream& operator<<(std::ostream& out, const Stream& s) { return out << to_string(s); }

StreamContext::StreamContext(const StreamOrDevice& s) : previous_(current_scope()) {
  if (std::holds_alternative<std::monostate>(s))
    throw std::invalid_argument("[StreamContext] Expected a stream or a device, got nothing.");
  const Stream stream = to_stream(s);
  current_scope() = std::make_shared<ScopeLevel>(ScopeLevel{stream.device, stream, previous_});
}

StreamContext::~StreamContext() { current_scope() = std::move(previous_); }

}  // namespace anabranch
