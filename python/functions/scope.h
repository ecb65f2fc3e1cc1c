// Where an operation of Python's runs when nobody says so: the stack of scopes.
//
// One context variable holds the innermost level of an immutable linked list, so a scope belongs to the thread and the
// asyncio task that entered it. Levels are never changed: entering, leaving and set_default_* put another list into the
// variable of the calling context. Nothing is kept on streams or scope objects, which any number of threads and tasks
// may thus enter at once, and again.
#pragma once

#include "common.h"

namespace anabranch::python {

// One level, as a Python object, kept alive by the context variable and by the levels above it.
struct ScopeLevel {
  Device device;
  // Streams that this level makes current: at most one a device; Stream or ThreadLocalStream.
  SmallVector<StreamOrDevice, 1> streams;
  nb::object parent;  // another ScopeLevel, or None
  nb::object owner;   // whose __enter__ made it
  // What an operation runs on here: the stream that this level or one below has for `device`, or `device`.
  StreamOrDevice current;

  ScopeLevel(Device d, SmallVector<StreamOrDevice, 1> s, nb::object p, nb::object o);
  ScopeLevel(ScopeLevel&&) = default;
  ~ScopeLevel();
};

// The innermost level of the calling context; null outside of any scope. Good until Python code runs.
const ScopeLevel* innermost_scope();

// What a Device or a DeviceType says; nothing for other objects.
std::optional<Device> device_in(nb::handle value);

// Enters a level that belongs to `owner`.
void enter_scope(const StreamOrDevice& what, nb::handle owner);
// Leaves the innermost level that belongs to `owner`, which restores what was there before it. Where that is not the
// innermost of all (a generator that is resumed out of order), those above it stay. Where there is none (a generator
// closed in another thread or task), nothing happens.
void leave_scope(nb::handle owner);

// The object that `with mx.stream(s):` and `with mx.default_device(d):` hold, for any number of entries. Throws
// TypeError, or std::invalid_argument for a device that is not usable. (streams.cpp)
nb::object make_scope(nb::handle s);

Device scope_device();
Stream scope_stream(Device device);
// These change the innermost level, or, outside of any scope, the process's device and the thread's stream.
void set_scope_device(Device device);
void set_scope_stream(const Stream& s);

}  // namespace anabranch::python
