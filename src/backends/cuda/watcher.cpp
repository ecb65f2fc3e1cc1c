#include "backends/cuda/watcher.h"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <system_error>

namespace anabranch::backends::cuda {
namespace {

// How long the watcher looks without a pause after something has happened; from then on it naps, an eighth of the time
// that it has waited: what it notices is late by that part at most.
constexpr std::int64_t busy_ns = 30'000, longest_nap_ns = 1'000'000;
// Between two looks for a failure of the GPU, which are calls of the driver.
constexpr std::int64_t inspect_ns = 2'000'000;

}  // namespace

// Never destroyed: its thread may outlive main().
Watcher& Watcher::get() {
  static Watcher& w = *new Watcher;
  return w;
}

void Watcher::watch(CudaQueue& queue, Ref<runtime::StreamState> stream) {
  if (queue.watched_.exchange(true)) return;
  runtime::Lock lock(mutex_);
  added_.push_back({&queue, std::move(stream), 0});
  if (!started_) {
    try {
      runtime::Thread([this] { run(); }).detach();
    } catch (const std::system_error& refused) {
      queue.gpu().lose(std::string("No thread could be started to watch the GPU: ") + refused.what());
      added_.clear();
      throw;
    }
    started_ = true;
  }
  if (sleeping_) wake_.notify_one();
}

// Whether the queue is still to be watched.
bool Watcher::look(Watched& w) {
  const bool lost = w.queue->gpu().is_lost();
  if (lost) w.queue->release();
  const std::uint64_t reached = w.queue->reached();
  if (reached != w.seen || lost) w.stream->progressed();
  w.seen = reached;
  if (!lost && reached < w.queue->asked()) return true;
  w.queue->watched_.store(false);
  // Between the look and the store more may have been asked for by one who found it watched.
  return !lost && w.queue->reached() < w.queue->asked() && !w.queue->watched_.exchange(true);
}

void Watcher::nap(std::int64_t idle_ns) {
  if (idle_ns < busy_ns) return runtime::relax();
  const std::int64_t ns = std::min(idle_ns / 8, longest_nap_ns);
  const timespec length{0, ns};
  nanosleep(&length, nullptr);
}

void Watcher::run() {
  prctl(PR_SET_NAME, "anabranch-gpu");
  prctl(PR_SET_TIMERSLACK, 1000UL);  // ns: or each nap takes 50 us more
  std::vector<Watched> watched;
  std::int64_t last_step = 0, last_inspection = 0;
  runtime::Lock lock(mutex_);
  while (true) {
    while (added_.empty() && watched.empty()) {
      sleeping_ = true;
      wake_.wait(lock);
      sleeping_ = false;
    }
    const std::int64_t now = runtime::Clock::now();
    if (!added_.empty()) last_step = now;
    for (Watched& w : added_) watched.push_back(std::move(w));
    added_.clear();
    lock.unlock();
    const bool inspect = now - std::max(last_step, last_inspection) > inspect_ns;
    if (inspect) last_inspection = now;
    for (std::size_t i = watched.size(); i-- > 0;) {
      Watched& w = watched[i];
      const std::uint64_t before = w.seen;
      if (inspect && !w.queue->gpu().is_lost()) w.queue->gpu().inspect(w.queue->stream());
      const bool go_on = look(w);
      if (w.seen != before) last_step = now;
      if (!go_on) watched.erase(watched.begin() + static_cast<std::ptrdiff_t>(i));  // perhaps the stream's last holder
    }
    if (!watched.empty()) nap(now - last_step);
    lock.lock();
  }
}

void Watcher::forked() {
  // The lock may be in any state, and what is held can't be let go of.
  new (this) Watcher;
}

}  // namespace anabranch::backends::cuda
