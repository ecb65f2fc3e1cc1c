#include "kernels/nvrtc/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

namespace anabranch::kernels {

namespace {

class Background {
 public:
  void add(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    if (!thread_.joinable()) start();
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return (jobs_.empty() && !busy_) || stopping_; });
  }

  void stop() {
    if (process_ != getpid()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  // Signals are for the program's own threads.
  void start() {
    process_ = getpid();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { work(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void work() {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      busy_ = true;
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
      busy_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::thread thread_;
  pid_t process_ = 0;
  bool busy_ = false, stopping_ = false;
};

// Never destroyed: only what runs at exit ends the thread.
Background& background() {
  static Background* const instance = new Background;
  return *instance;
}

// exit() ends the calling thread's locals before it calls any handler, and so before libraries that were loaded, or
// used for the first time, only lately take down what a job uses. This one belongs to the main thread, if that loads
// this library; where another thread calls exit(), handlers must do.
struct EndOfMainThread {
  ~EndOfMainThread() {
    if (gettid() == getpid()) background().stop();
  }
};
[[gnu::constructor]] void watch_main_thread() {
  static thread_local EndOfMainThread end;
  static_cast<void>(end);
}

}  // namespace

void run_in_background(std::function<void()> job) {
  static const bool settled = (settle_background_at_exit(), true);
  static_cast<void>(settled);
  background().add(std::move(job));
}

void settle_background_at_exit() {
  std::atexit([] { background().stop(); });
}

void wait_for_background() { background().wait(); }

}  // namespace anabranch::kernels
