#include "backends/cuda/watcher.h"

#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

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

void Watcher::start() {
  runtime::Lock lock(mutex_);
  if (started_) return;
  try {
    runtime::Thread([this] { run(); }).detach();
  } catch (const std::system_error& refused) {
    throw std::runtime_error(std::string("No thread could be started to watch the GPU: ") + refused.what());
  }
  started_ = true;
}

void Watcher::watch(CudaQueue& queue, Ref<runtime::StreamState> stream) noexcept {
  if (queue.watched_.exchange(true)) return;
  runtime::Lock lock(mutex_);
  queue.watch_ = {std::move(stream), 0, added_};
  added_ = &queue;
  if (sleeping_) wake_.notify_one();
}

// After the end the queue may be gone, or watched anew.
Watcher::Look Watcher::look(CudaQueue& queue) {
  CudaQueue::Watch& watch = queue.watch_;
  const bool lost = queue.gpu().is_lost();
  if (lost) queue.release();
  const std::uint64_t reached = queue.reached(), before = std::exchange(watch.seen, reached);
  if (reached != before || lost) watch.stream->progressed();
  const Look result = reached != before ? Look::Step : Look::Same;
  if (!lost && reached < queue.asked()) return result;
  Ref<runtime::StreamState> stream = std::move(watch.stream);  // perhaps the last holder: it goes at the return
  queue.watched_.store(false);
  // Between the look and the store more may have been asked for by one who found it watched.
  if (lost || queue.reached() >= queue.asked() || queue.watched_.exchange(true)) return Look::End;
  watch.stream = std::move(stream);
  return result;
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
  CudaQueue* watched = nullptr;
  std::int64_t last_step = 0, last_inspection = 0;
  runtime::Lock lock(mutex_);
  while (true) {
    while (!added_ && !watched) {
      sleeping_ = true;
      wake_.wait(lock);
      sleeping_ = false;
    }
    const std::int64_t now = runtime::Clock::now();
    if (added_) last_step = now;
    CudaQueue* to_look_at = std::exchange(added_, nullptr);
    lock.unlock();
    for (CudaQueue** last = &to_look_at;; last = &(*last)->watch_.next) {
      if (*last) continue;
      *last = std::exchange(watched, nullptr);
      break;
    }
    const bool inspect = now - std::max(last_step, last_inspection) > inspect_ns;
    if (inspect) last_inspection = now;
    while (to_look_at) {
      CudaQueue& queue = *to_look_at;
      to_look_at = queue.watch_.next;
      if (inspect && !queue.gpu().is_lost()) queue.gpu().inspect(queue.stream());
      const Look seen = look(queue);
      if (seen != Look::Same) last_step = now;
      if (seen != Look::End) queue.watch_.next = std::exchange(watched, &queue);
    }
    if (watched) nap(now - last_step);
    lock.lock();
  }
}

void Watcher::forked() {
  // The lock may be in any state, and what is held can't be let go of.
  new (this) Watcher;
}

}  // namespace anabranch::backends::cuda
