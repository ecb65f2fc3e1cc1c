// Events, and waiting for streams, as the public header has them.
#include <limits>
#include <stdexcept>

#include "anabranch/stream.h"
#include "runtime/backend.h"
#include "runtime/interop.h"
#include "runtime/registry.h"
#include "runtime/stream_state.h"
#include "runtime/wait.h"

namespace anabranch {
namespace runtime {

// When an event happened.
struct RecordedTime {
  std::int64_t on_host = 0;                    // ns
  std::shared_ptr<const Timestamp> on_device;  // null without a clock there
};

}  // namespace runtime

namespace {

using namespace runtime;

// A submission that only takes its place in the order, and the time.
class Marker final : public Work {
 public:
  Marker(Ref<StreamState> stream, std::shared_ptr<RecordedTime> time)
      : stream_(std::move(stream)), time_(std::move(time)) {}
  void start(Launch& launch) override {
    if (time_ && stream_->queue()) time_->on_device = launch.queue().read_clock();
  }
  void finish(std::exception_ptr) noexcept override {
    if (time_) time_->on_host = Clock::now();
  }

 private:
  Ref<StreamState> stream_;  // the queue alone keeps no stream alive
  std::shared_ptr<RecordedTime> time_;
};

// Waits for all that was submitted to `streams`, then raises the first failure that nobody was told.
void synchronize_all(const std::vector<Ref<StreamState>>& streams) {
  std::vector<Event> ends;
  for (const auto& s : streams) {
    ends.emplace_back(s, s->submitted());
    s->schedule();
  }
  for (const Event& e : ends) runtime::wait(e);
  for (const auto& s : streams)
    if (auto failure = s->untold_failure()) std::rethrow_exception(failure->cause);
}

}  // namespace

Event Stream::record() const {
  auto time = std::make_shared<RecordedTime>();
  const std::uint64_t n = state_->submit(new Marker(state_, time));
  state_->schedule();
  keep_order(state_);
  return Event(state_, n, std::move(time));
}

void Stream::wait(const Event& event) const {
  if (event.query()) return;
  auto marker = std::make_unique<Marker>(state_, nullptr);
  marker->waits.push_back(event);
  state_->submit(marker.release());
  state_->schedule();
  keep_order(state_);
}

int Stream::priority() const { return state_->priority; }

bool Stream::query() const { return Event(state_, state_->submitted()).query(); }
void Stream::synchronize() const { synchronize_all({state_}); }

bool Event::query() const {
  if (!stream_ || stream_->completed() >= value_) return true;
  if (!stream_->queue()) return false;
  stream_->progressed();
  return stream_->completed() >= value_;
}
void Event::wait() const { runtime::wait(*this); }

bool Event::wait_for(double seconds) const {
  const double ns = seconds * 1e9;
  const std::int64_t now = Clock::now();
  const bool far = ns > static_cast<double>(std::numeric_limits<std::int64_t>::max() - now);
  return runtime::wait_until(*this,
                             far ? std::numeric_limits<std::int64_t>::max() : now + static_cast<std::int64_t>(ns));
}

double Event::elapsed(const Event& later) const {
  for (const Event* e : {this, &later}) {
    if (!e->time_) throw std::invalid_argument("[Event.elapsed] Expected two events made by Stream.record().");
    if (!e->query()) throw std::runtime_error("[Event.elapsed] An event has not happened yet: wait for it first.");
  }
  if (time_->on_device && later.time_->on_device)
    if (const auto seconds = time_->on_device->seconds_until(*later.time_->on_device)) return *seconds;
  return static_cast<double>(later.time_->on_host - time_->on_host) * 1e-9;
}

void synchronize() { synchronize_all(open_streams()); }
void synchronize(const Stream& s) { s.synchronize(); }

void synchronize(Device device) {
  backend_for(device, "synchronize", "get gpu stream");  // throws, with the reason, where it is not usable
  std::vector<Ref<StreamState>> streams;
  for (auto& s : open_streams())
    if (s->device == device) streams.push_back(std::move(s));
  synchronize_all(streams);
}

}  // namespace anabranch
