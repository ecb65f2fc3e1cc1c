// Stream, ThreadLocalStream, the scopes over them, and synchronize.
#include "array/gpu_interchange.h"
#include "functions/bind.h"
#include "functions/events.h"
#include "functions/function.h"
#include "functions/scope.h"
#include "functions/wait.h"

#include "runtime/stream_state.h"

#include <nanobind/operators.h>

namespace anabranch::python {

namespace {

// `with mx.stream(s):` and `with mx.default_device(d):`. Holds no state of a scope: see scope.h.
struct Scope {
  StreamOrDevice what;
};

Device device_or_default(const Args& a, std::size_t i) {
  if (!a.given(i)) return scope_device();
  const std::optional<Device> device = device_in(a[i]);
  if (!device) a.wrong(i, "a Device or a DeviceType (mx.cpu, mx.gpu)");
  return *device;
}

Scope scope_of(nb::handle s) {
  if (s.is_none()) throw TypeError("stream(): a scope needs a Stream, a ThreadLocalStream, a Device or a DeviceType");
  if (const std::optional<Device> device = device_in(s)) {
    default_stream(*device);  // throws, with the reason, where the device is not usable
    return {*device};
  }
  return {stream_argument(s)};
}

template <typename Class>
void def_stream_arithmetic(Class& c) {
  using T = typename Class::Type;
  c.def_prop_ro(
       "device", [](const T& s) { return s.device; }, "The device that it is on.")
      .def_prop_ro(
          "index", [](const T& s) { return s.index; }, "Its number.")
      .def(
          "__eq__",
          [](const T& s, nb::handle other) -> nb::object {
            if (!nb::isinstance<T>(other)) return nb::borrow(Py_NotImplemented);
            return nb::cast(s == *nb::inst_ptr<T>(other));
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__", [](const T& s) { return nb::hash(nb::make_tuple(s.device.index, s.index)); });
}

nb::object cuda_stream(const Stream& s) {
  const runtime::Interop* interop = s.state()->queue() ? runtime::interop_of(s.device.type) : nullptr;
  if (!interop) throw TypeError("[__cuda_stream__] " + to_string(s) + " is no stream of a CUDA GPU.");
  return nb::make_tuple(0, reinterpret_cast<std::uintptr_t>(native_handle(s)));
}

void exit_scope(nb::handle self, const nb::args&) { leave_scope(self); }

}  // namespace

nb::object make_scope(nb::handle s) { return nb::cast(scope_of(s)); }

void bind_streams(nb::module_& m) {
  auto stream = nb::class_<Stream>(m, "Stream",
                                   "An ordered queue of work on a device, for any thread to use. As a context manager "
                                   "it makes itself and its device the default for the block.");
  def_stream_arithmetic(stream);
  stream
      .def_prop_ro("priority", &Stream::priority, "That of new_stream, within what the device has; 0 is the usual one.")
      .def("__repr__", [](const Stream& s) { return to_string(s); })
      .def(
          "__enter__",
          [](nb::object self) {
            enter_scope(*nb::inst_ptr<Stream>(self), self);
            return self;
          },
          nb::sig("def __enter__(self) -> Stream"))
      .def("__exit__", exit_scope, nb::sig("def __exit__(self, *args: object) -> None"))
      .def(
          "record", [](const Stream& s, nb::args arrays) { return record(s, arrays); },
          nb::sig("def record(self, *arrays: array) -> Event"),
          "The event \"what has been submitted to this stream so far is finished\", and so is the computation of "
          "`arrays`, which is submitted first.")
      .def(
          "wait", [](const Stream& s, const Event& e) { waiting([&] { s.wait(e); }); }, nb::arg("event"),
          "Lets what is submitted from now on start only after `event`, whatever stream that is of.")
      .def("query", &Stream::query, "Whether all that has been submitted is finished.")
      .def(
          "synchronize", [](const Stream& s) { waiting([&] { synchronize(s); }); },
          "Waits for all that has been submitted. Raises a failure among it that nobody has seen yet.");

  stream.def(
      "__cuda_stream__", cuda_stream, nb::sig("def __cuda_stream__(self) -> tuple[int, int]"),
      "(0, the handle of the CUDA stream), for CUDA libraries. A TypeError where it is no stream of a CUDA GPU.");

  auto local =
      nb::class_<ThreadLocalStream>(m, "ThreadLocalStream", "Stands for another stream in each thread that uses it.");
  def_stream_arithmetic(local);
  local.def("__repr__", [](const ThreadLocalStream& s) {
    return "ThreadLocalStream(" + to_string(s.device) + ", " + std::to_string(s.index) + ")";
  });

  nb::class_<Scope>(m, "StreamContext",
                    "A scope, for `with`: sets the default device, and the default stream if made from one, of this "
                    "thread or task. May be entered again, also while entered, and by many at once.")
      .def(
          "__init__", [](Scope* self, nb::handle s) { new (self) Scope(scope_of(s)); }, nb::arg("s").none(),
          nb::sig("def __init__(self, s: Stream | ThreadLocalStream | Device | DeviceType) -> None"))
      .def(
          "__enter__",
          [](nb::object self) {
            enter_scope(nb::inst_ptr<Scope>(self)->what, self);
            return self;
          },
          nb::sig("def __enter__(self) -> StreamContext"))
      .def("__exit__", exit_scope, nb::sig("def __exit__(self, *args: object) -> None"));

  def<[](Args& a) { return make_scope(a[0]); }>(
      m, "stream(s: Stream | ThreadLocalStream | Device | DeviceType) -> StreamContext",
      "A scope, for `with`, in which `s` is the default stream (or device).");
  def<[](Args& a) { return nb::object(nb::cast(scope_stream(device_or_default(a, 0)))); }>(
      m, "default_stream(device: Device | DeviceType) -> Stream", "The default stream on `device`, here and now.");
  def<[](Args& a) {
    if (!nb::isinstance<Stream>(a[0])) a.wrong(0, "a Stream");
    set_scope_stream(*nb::inst_ptr<Stream>(a[0]));
    return nb::none();
  }>(m, "set_default_stream(stream: Stream) -> None",
     "Makes `stream` the default on its device: of the innermost scope, or, outside of any, of the thread.");
  def<[](Args& a) { return nb::object(nb::cast(new_stream(device_or_default(a, 0), a.integer(1, 0)))); }>(
      m, "new_stream(device: Device | DeviceType | None = None, *, priority: int = 0) -> Stream",
      "A new stream, on the default device if none is given. Any thread may use it. The lower its `priority`, the "
      "sooner its work is begun where processors, or a GPU's multiprocessors, are short; 0 is the usual one. A "
      "CPU has 0 and -1, an NVIDIA GPU mostly 0 to -5; any other number becomes the nearest of these. Results never "
      "depend on it.");
  def<[](Args& a) {
    const ForeignStream stream = foreign_stream(a[0], "external_stream");
    std::optional<Device> device;
    if (a.given(1)) device = device_or_default(a, 1);
    return nb::object(nb::cast(external_stream(stream.handle, device, kept(stream.owner))));
  }>(m, "external_stream(ptr: Any, device: Device | DeviceType | None = None) -> Stream",
     "A CUDA stream of another library, by its handle (an int) or an object with __cuda_stream__, as a Stream: what is "
     "computed on it is added to that stream, and async_eval, record and wait return when it has been, so that what "
     "the "
     "other library adds then comes after it. The stream is not destroyed here; an object is kept, a handle must stay "
     "good. A default stream (0 or 1) is that of `device`.");
  def<[](Args& a) { return nb::object(nb::cast(new_thread_unsafe_stream(device_or_default(a, 0)))); }>(
      m, "new_thread_unsafe_stream(device: Device | DeviceType | None = None) -> Stream",
      "As new_stream: every stream may be used from any thread. The name is MLX's.");
  def<[](Args& a) { return nb::object(nb::cast(new_thread_local_stream(device_or_default(a, 0)))); }>(
      m, "new_thread_local_stream(device: Device | DeviceType | None = None) -> ThreadLocalStream",
      "A stream that is another one in each thread.");
  def<[](Args&) {
    clear_streams();
    return nb::none();
  }>(m, "clear_streams() -> None", "Drops this thread's default streams; a later use makes new ones.");
  def<[](Args& a) {
    if (!a.given(0)) {
      waiting([] { synchronize(); });
    } else if (const std::optional<Device> device = device_in(a[0])) {
      waiting([&] { synchronize(*device); });
    } else {
      const Stream s = to_stream(a.stream(0));
      waiting([&] { synchronize(s); });
    }
    return nb::none();
  }>(m, "synchronize(stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> None",
     "Waits for all that has been submitted so far: to a stream, to a device, or (without an argument) to every stream "
     "of every device. Raises a failure among it that nobody has seen yet.");
}

}  // namespace anabranch::python
