// Event, and what lets asyncio wait for one.
#include "functions/events.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>

#include "functions/bind.h"
#include "functions/function.h"
#include "functions/wait.h"

namespace anabranch::python {

namespace {

// Tells an event loop which of the events that it waits for have happened: through a file descriptor that it watches.
// The threads that make events happen take no Python lock, and no memory. For the loop's thread alone.
class Notifier {
 public:
  Notifier() : shared_(std::make_shared<Shared>()) {}

  int descriptor() const { return shared_->descriptor; }
  // drain() will give `key` once `event` has happened.
  void watch(const Event& event, std::uint64_t key) {
    waiting([&] {
      told_.reserve(watched_ + 1);
      shared_->make_room(watched_ + 1);
      ++watched_;  // also where this throws: `key` may come all the same
      runtime::on_complete(event, [shared = shared_, key] { shared->push(key); });
    });
  }
  // The keys of those that have happened since; where there is no memory to say so, the loop is called again.
  nb::list drain() {
    shared_->take(told_);
    nb::list out;
    try {
      for (const std::uint64_t key : told_) out.append(key);
    } catch (...) {
      shared_->call();
      throw;
    }
    watched_ -= told_.size();
    told_.clear();
    return out;
  }

 private:
  // Outlives the notifier while events are to come.
  class Shared {
   public:
    const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    Shared() {
      if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    Shared(const Shared&) = delete;
    ~Shared() { close(descriptor); }

    void make_room(std::size_t keys) {
      std::lock_guard lock(mutex_);
      happened_.reserve(keys);
    }
    void push(std::uint64_t key) noexcept {
      bool first;
      {
        std::lock_guard lock(mutex_);
        first = happened_.empty();
        happened_.push_back(key);
      }
      if (first) call();
    }
    // Has the loop call drain().
    void call() noexcept {
      const std::uint64_t one = 1;
      while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {
      }
    }
    // Adds what has happened to `keys`, which have room for it.
    void take(std::vector<std::uint64_t>& keys) {
      std::uint64_t count;
      while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {
      }
      std::lock_guard lock(mutex_);
      keys.insert(keys.end(), happened_.begin(), happened_.end());
      happened_.clear();
    }

   private:
    std::mutex mutex_;
    std::vector<std::uint64_t> happened_;
  };

  std::shared_ptr<Shared> shared_;
  std::size_t watched_ = 0;  // and not given by drain(), at most
  std::vector<std::uint64_t> told_;
};

bool wait_for(const Event& e, const std::optional<double>& timeout) {
  bool there = true;
  waiting([&] {
    if (timeout) {
      there = e.wait_for(*timeout);
    } else {
      e.wait();
    }
  });
  return there;
}

}  // namespace

std::vector<Event> events_of(const std::vector<array>& arrays) {
  std::vector<Event> out;
  for (const array& a : arrays) {
    if (a.is_available()) continue;
    const Event e = a.event();
    auto same = std::find_if(out.begin(), out.end(), [&](const Event& other) { return other.stream() == e.stream(); });
    if (same == out.end()) {
      out.push_back(e);
    } else if (same->value() < e.value()) {
      *same = e;
    }
  }
  return out;
}

Event record(const Stream& s, const nb::args& arrays) {
  std::vector<array> given;
  for (nb::handle o : arrays) {
    if (!is_array(o.ptr())) {
      throw TypeError(std::string("record(): expected arrays, got ") + Py_TYPE(o.ptr())->tp_name);
    }
    given.push_back(array_of(o.ptr()));
  }
  Event event;
  waiting([&] {
    if (!given.empty()) {
      async_eval(given);  // waits where the stream is far behind
      for (const Event& e : events_of(given)) {
        if (e.stream() != s.state()) s.wait(e);
      }
    }
    event = s.record();
  });
  return event;
}

void bind_events(nb::module_& m) {
  nb::class_<Event>(m, "Event",
                    "The moment at which some work of a stream is finished. For any thread or task; may be "
                    "awaited.")
      .def("query", &Event::query, "Whether it has happened.")
      .def("wait", &wait_for, nb::arg("timeout") = nb::none(),
           "Waits until it has happened, or for `timeout` seconds; whether it has happened.")
      .def(
          "elapsed", &Event::elapsed, nb::arg("later"),
          "Seconds from this event to `later`. Both come from Stream.record() and have happened. Where both are of one "
          "GPU, its own clock has timed them; else the host's, which notices a device's event a little late.")
      .def_prop_ro(
          "stream",
          [](const Event& e) { return e.stream() ? std::optional<Stream>(Stream(e.stream())) : std::nullopt; },
          "The stream whose work it is.")
      .def(
          "__await__",
          [](nb::handle self) {
            return nb::module_::import_("anabranch._awaiting")
                .attr("happened")(nb::make_tuple(self))
                .attr("__await__")();
          },
          nb::sig("def __await__(self) -> Generator[Any, None, None]"))
      .def(
          "__eq__",
          [](const Event& e, nb::handle other) -> nb::object {
            if (!nb::isinstance<Event>(other)) return nb::borrow(Py_NotImplemented);
            return nb::cast(e == *nb::inst_ptr<Event>(other));
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__",
           [](const Event& e) {
             return nb::hash(nb::make_tuple(reinterpret_cast<std::uintptr_t>(e.stream().get()), e.value()));
           })
      .def("__repr__", [](const Event& e) {
        return e.stream() ? "Event(" + to_string(Stream(e.stream())) + ", " + std::to_string(e.value()) + ")"
                          : std::string("Event()");
      });

  nb::class_<Notifier>(m, "_Notifier", nb::is_final())
      .def(nb::init<>())
      .def("fileno", &Notifier::descriptor)
      .def("watch", &Notifier::watch)
      .def("drain", &Notifier::drain, nb::sig("def drain(self, /) -> list[int]"));
}

}  // namespace anabranch::python
