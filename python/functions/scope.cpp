#include "functions/scope.h"

#include <nanobind/stl/variant.h>

#include <algorithm>

#include "functions/bind.h"

namespace anabranch::python {

namespace {

PyObject* variable = nullptr;

Device device_of(const StreamOrDevice& s) {
  if (const Stream* stream = std::get_if<Stream>(&s)) return stream->device;
  if (const ThreadLocalStream* stream = std::get_if<ThreadLocalStream>(&s)) return stream->device;
  if (const Device* device = std::get_if<Device>(&s)) return *device;
  return Device(std::get<Device::DeviceType>(s));
}

bool is_stream(const StreamOrDevice& s) {
  return std::holds_alternative<Stream>(s) || std::holds_alternative<ThreadLocalStream>(s);
}

const ScopeLevel* level_of(nb::handle o) { return o.is_none() ? nullptr : nb::inst_ptr<ScopeLevel>(o); }

// The value of the variable: a ScopeLevel or None.
nb::object stack() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(variable, nullptr, &value) < 0) throw nb::python_error();
  return value ? nb::steal(value) : nb::none();
}

void set_stack(nb::handle value) {
  nb::object token = nb::steal(PyContextVar_Set(variable, value.ptr()));
  if (!token.is_valid()) throw nb::python_error();
}

// The stream that a list of levels has for `device`; null where it has none.
const StreamOrDevice* find_stream(const ScopeLevel* level, Device device) {
  for (; level; level = level_of(level->parent)) {
    for (const StreamOrDevice& s : level->streams) {
      if (device_of(s) == device) return &s;
    }
  }
  return nullptr;
}

nb::object make_level(Device device, SmallVector<StreamOrDevice, 1> streams, nb::object parent, nb::object owner) {
  return nb::cast(ScopeLevel(device, std::move(streams), std::move(parent), std::move(owner)));
}

}  // namespace

ScopeLevel::ScopeLevel(Device d, SmallVector<StreamOrDevice, 1> s, nb::object p, nb::object o)
    : device(d), streams(std::move(s)), parent(std::move(p)), owner(std::move(o)), current(d) {
  if (const StreamOrDevice* found = find_stream(this, d)) current = *found;
}

ScopeLevel::~ScopeLevel() {
  // One after the other: a long list would overflow the C stack.
  nb::object below = std::move(parent);
  while (below.is_valid() && !below.is_none() && Py_REFCNT(below.ptr()) == 1) {
    nb::object next = std::move(nb::inst_ptr<ScopeLevel>(below)->parent);
    below = std::move(next);
  }
}

const ScopeLevel* innermost_scope() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(variable, nullptr, &value) < 0) throw nb::python_error();
  if (!value) return nullptr;
  Py_DECREF(value);  // the context keeps it
  return level_of(value);
}

void enter_scope(const StreamOrDevice& what, nb::handle owner) {
  SmallVector<StreamOrDevice, 1> streams;
  if (is_stream(what)) streams.push_back(what);
  set_stack(make_level(device_of(what), std::move(streams), stack(), nb::borrow(owner)));
}

void leave_scope(nb::handle owner) {
  std::vector<nb::object> above;
  nb::object at = stack();
  while (const ScopeLevel* level = level_of(at)) {
    if (level->owner.is(owner)) {
      nb::object rebuilt = level->parent;
      for (auto it = above.rbegin(); it != above.rend(); ++it) {
        const ScopeLevel* copied = level_of(*it);
        rebuilt = make_level(copied->device, copied->streams, std::move(rebuilt), copied->owner);
      }
      set_stack(rebuilt);
      return;
    }
    nb::object below = level->parent;
    above.push_back(std::exchange(at, std::move(below)));
  }
}

Device scope_device() {
  const ScopeLevel* level = innermost_scope();
  return level ? level->device : default_device();
}

Stream scope_stream(Device device) {
  const StreamOrDevice* s = find_stream(innermost_scope(), device);
  return s ? to_stream(*s) : default_stream(device);
}

void set_scope_device(Device device) {
  nb::object at = stack();
  const ScopeLevel* level = level_of(at);
  if (!level || !is_available(device)) return set_default_device(device);  // which says why it is not
  set_stack(make_level(device, level->streams, level->parent, level->owner));
}

void set_scope_stream(const Stream& s) {
  nb::object at = stack();
  const ScopeLevel* level = level_of(at);
  if (!level) return set_default_stream(s);
  SmallVector<StreamOrDevice, 1> streams;
  for (const StreamOrDevice& other : level->streams) {
    if (device_of(other) != s.device) streams.push_back(other);
  }
  streams.push_back(s);
  set_stack(make_level(level->device, std::move(streams), level->parent, level->owner));
}

StreamOrDevice stream_argument(nb::handle value) {
  if (value.is_none()) {
    const ScopeLevel* level = innermost_scope();
    return level ? level->current : StreamOrDevice();
  }
  if (nb::isinstance<Stream>(value)) return *nb::inst_ptr<Stream>(value);
  if (nb::isinstance<ThreadLocalStream>(value)) return *nb::inst_ptr<ThreadLocalStream>(value);
  if (const std::optional<Device> device = device_in(value)) {
    const StreamOrDevice* s = find_stream(innermost_scope(), *device);
    return s ? *s : StreamOrDevice(*device);
  }
  throw TypeError(std::string("a Stream, a ThreadLocalStream, a Device (mx.cpu ...) or None says where an operation "
                              "runs; got ") +
                  Py_TYPE(value.ptr())->tp_name);
}

std::optional<Device> device_in(nb::handle value) {
  if (nb::isinstance<Device>(value)) return *nb::inst_ptr<Device>(value);
  if (nb::isinstance<Device::DeviceType>(value)) return Device(nb::cast<Device::DeviceType>(value));
  return std::nullopt;
}

void bind_scope(nb::module_& m) {
  variable = PyContextVar_New("anabranch_scope", nullptr);
  if (!variable) throw nb::python_error();
  nb::class_<ScopeLevel>(m, "_ScopeLevel", nb::is_final());
}

}  // namespace anabranch::python
