#include "queues.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <thread>
#include <utility>

namespace emulated {
namespace {

constexpr std::size_t page = 4096;
std::atomic<bool> forked{false}, ended{false};
thread_local int current_device = 0;
thread_local bool has_context = false;
thread_local bool is_engine = false;

std::size_t whole_pages(std::size_t bytes) { return (bytes + page - 1) / page * page; }

}  // namespace

void die(const std::string& why) {
  std::fprintf(stderr, "emulated CUDA: %s\n", why.c_str());
  std::abort();
}

std::int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// Never destroyed: its thread may outlive main().
Gpus& Gpus::get() {
  static Gpus& gpus = *new Gpus;
  return gpus;
}

Gpus::Gpus() {
  std::map<std::string, std::uint64_t> options{{"driver", CUDART_VERSION},
                                               {"devices", 1},
                                               {"seed", 1},
                                               {"channels", 0},
                                               {"delay", 200},
                                               {"memory", 0},
                                               {"clock", 1},
                                               {"break", 0}};
  const char* given = std::getenv("ANABRANCH_EMULATED_CUDA");
  std::istringstream text(given ? given : "");
  for (std::string option; std::getline(text, option, ',');) {
    const std::size_t at = option.find('=');
    if (at == option.npos || !options.contains(option.substr(0, at)))
      die("ANABRANCH_EMULATED_CUDA has an option that is not known: " + option);
    options[option.substr(0, at)] = std::strtoull(option.c_str() + at + 1, nullptr, 10);
  }
  random_.seed(options["seed"]);
  longest_delay_ = static_cast<std::int64_t>(options["delay"]) * 1000;
  memory = options["memory"] ? options["memory"] << 20 : static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page / 4;
  broken_launch = options["break"];
  driver_version = options["driver"];
  clock_rate = options["clock"];
  devices.resize(options["devices"]);
  apart_ = options["channels"] != 0;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    constexpr unsigned usual[] = {1, 2, 3, 8, 32};
    const std::uint64_t channels = options["channels"] ? options["channels"] : usual[random_() % std::size(usual)];
    for (std::uint64_t i = 0; i < channels; ++i)
      devices[d].channels.push_back(std::make_unique<Channel>(Channel{static_cast<int>(d), {}, 0, 0}));
  }
  pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
  // As the real one: from then on the GPU does nothing more for this process.
  std::atexit([] { ended.store(true); });
}

cudaError_t Gpus::enter(bool needs_device) {
  if (forked.load()) return cudaErrorInitializationError;
  if (ended.load()) return cudaErrorCudartUnloading;
  if (is_engine) die("a command calls CUDA");
  if (!needs_device) return cudaSuccess;
  if (devices.empty()) return cudaErrorNoDevice;
  has_context = true;
  const std::lock_guard lock(mutex);
  return devices[static_cast<std::size_t>(current_device)].broken;
}

int Gpus::current() const { return current_device; }

cudaError_t Gpus::set_current(int device) {
  if (device < 0 || static_cast<std::size_t>(device) >= devices.size()) return cudaErrorInvalidDevice;
  current_device = device;
  has_context = true;
  const std::lock_guard lock(mutex);
  return devices[static_cast<std::size_t>(device)].broken;
}

bool Moment::has_come() const {
  if (ends.empty()) return come;
  return std::all_of(ends.begin(), ends.end(), [](const auto& end) { return end.first->done >= end.second; });
}

cudaStream_t Gpus::make(int d) {
  Device& device = devices[static_cast<std::size_t>(d)];
  const auto is_taken = [&](const Channel* c) {
    return !c->commands.empty() ||
           std::any_of(streams_.begin(), streams_.end(), [&](cudaStream_t s) { return s->channel == c; });
  };
  Channel* channel;
  do channel = device.channels[random_() % device.channels.size()].get();
  while (apart_ && streams_.size() < device.channels.size() / 2 && is_taken(channel));
  const cudaStream_t stream = new CUstream_st{std::make_shared<Progress>(Progress{d}), channel};
  streams_.insert(stream);
  return stream;
}

cudaStream_t Gpus::resolve(cudaStream_t stream) {
  if (stream != cudaStreamLegacy && stream != cudaStreamPerThread) return stream;
  const std::lock_guard lock(mutex);
  cudaStream_t& found = defaults_[{current_device, stream}];
  if (!found) found = make(current_device);
  return found;
}

cudaError_t Gpus::open(cudaStream_t* stream) {
  const std::lock_guard lock(mutex);
  *stream = make(current_device);
  return cudaSuccess;
}

cudaError_t Gpus::close(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (streams_.erase(stream) == 0) die("a stream is destroyed that is none");
  delete stream;  // what it was given will be done
  return cudaSuccess;
}

cudaError_t Gpus::query(cudaStream_t stream) {
  stream = resolve(stream);
  const std::lock_guard lock(mutex);
  if (!streams_.contains(stream)) die("a stream is asked that is none");
  const Progress& progress = *stream->progress;
  const cudaError_t broken = devices[static_cast<std::size_t>(progress.device)].broken;
  return broken ? broken : progress.done < progress.given ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t Gpus::add(cudaStream_t stream, std::function<bool()> ready, std::function<void()> run, bool locked) {
  if (!has_context) return cudaErrorDeviceUninitialized;
  stream = resolve(stream);
  const std::lock_guard lock(mutex);
  if (!streams_.contains(stream)) die("a stream is given work that is none");
  if (stream->progress->device != current_device) return cudaErrorInvalidResourceHandle;
  Device& device = devices[static_cast<std::size_t>(current_device)];
  if (device.broken) return device.broken;
  ++stream->progress->given;
  stream->channel->commands.push_back({stream->progress, std::move(ready), std::move(run), locked});
  if (!started_) {
    started_ = true;
    sigset_t all, before;  // signals are for the program's own threads
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { work(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  added_.notify_one();
  return cudaSuccess;
}

// For a while some channels are preferred.
void Gpus::redraw() {
  until_redraw_ = 1 + static_cast<unsigned>(random_() % 64);
  for (Device& device : devices)
    for (auto& channel : device.channels) channel->rank = static_cast<unsigned>(random_());
}

// One whose next command can be done; null where there is none.
Channel* Gpus::choose() {
  if (until_redraw_-- == 0) redraw();
  Channel* best = nullptr;
  const std::int64_t now = now_ns();
  for (Device& device : devices) {
    if (device.broken) continue;
    for (auto& channel : device.channels) {
      if (channel->commands.empty() || channel->asleep_until > now) continue;
      if (best && best->rank < channel->rank) continue;
      const Command& next = channel->commands.front();
      if (!next.ready || next.ready()) best = channel.get();
    }
  }
  return best;
}

void Gpus::work() {
  is_engine = true;
  pthread_setname_np(pthread_self(), "emulated-gpu");
  std::unique_lock lock(mutex);
  while (!ended.load()) {
    Channel* channel = choose();
    if (!channel) {
      bool any = false;
      for (const Device& device : devices)
        for (const auto& c : device.channels) any |= !device.broken && !c->commands.empty();
      if (any) added_.wait_for(lock, std::chrono::microseconds(50));  // for a word, or a delay
      else added_.wait(lock);
      continue;
    }
    Command& next = channel->commands.front();
    if (longest_delay_ && !std::exchange(next.waited, true) && random_() % 32 == 0) {
      channel->asleep_until = now_ns() + static_cast<std::int64_t>(random_() % static_cast<unsigned>(longest_delay_));
      continue;
    }
    Command command = std::move(next);
    channel->commands.pop_front();
    try {
      if (!command.locked) lock.unlock();
      command.run();
      command.run = nullptr;
      if (!command.locked) lock.lock();
    } catch (const std::exception& error) {
      if (!command.locked) lock.lock();
      die(std::string("a kernel: ") + error.what());
    }
    ++command.stream->done;
    done_.notify_all();
  }
}

cudaError_t Gpus::wait(int device, const std::function<bool()>& done, const char* what) {
  std::unique_lock lock(mutex);
  Device& d = devices[static_cast<std::size_t>(device)];
  for (int seconds = 0; !d.broken && !done(); ++seconds) {
    if (ended.load()) return cudaErrorCudartUnloading;
    if (seconds == 300) die(std::string("for 300 s the host waits for the GPU: ") + what);
    done_.wait_for(lock, std::chrono::seconds(1), [&] { return d.broken || done(); });
  }
  return d.broken;
}

std::vector<std::pair<std::shared_ptr<Progress>, std::uint64_t>> Gpus::given(int device) {
  std::vector<std::pair<std::shared_ptr<Progress>, std::uint64_t>> ends;
  for (const auto& channel : devices[static_cast<std::size_t>(device)].channels)
    for (const Command& c : channel->commands) ends.emplace_back(c.stream, c.stream->given);
  for (cudaStream_t s : streams_)
    if (s->progress->device == device) ends.emplace_back(s->progress, s->progress->given);
  return ends;
}

cudaError_t Gpus::drain(int device) {
  std::unique_lock lock(mutex);
  const auto ends = given(device);
  lock.unlock();
  return wait(
      device,
      [&] {
        for (const auto& [progress, end] : ends)
          if (progress->done < end) return false;
        return true;
      },
      "to have done everything");
}

// --- memory -------------------------------------------------------------------------------------------------------

// A page behind it that nobody may touch, and nothing useful in it.
cudaError_t Gpus::allocate(void** p, std::size_t bytes) {
  if (bytes == 0) return *p = nullptr, cudaSuccess;
  {
    const std::lock_guard lock(mutex);
    Device& device = devices[static_cast<std::size_t>(current_device)];
    if (device.used + bytes > memory) return cudaErrorMemoryAllocation;
    device.used += bytes;
  }
  const std::size_t whole = whole_pages(bytes);
  void* got = mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const std::lock_guard lock(mutex);
  if (got == MAP_FAILED) {
    devices[static_cast<std::size_t>(current_device)].used -= bytes;
    return cudaErrorMemoryAllocation;
  }
  mprotect(static_cast<char*>(got) + whole, page, PROT_NONE);
  std::memset(got, 0xa5, std::min(bytes, std::size_t{1} << 20));
  blocks_[reinterpret_cast<std::uintptr_t>(got)] = {bytes, cudaMemoryTypeDevice, current_device, true};
  *p = got;
  return cudaSuccess;
}

cudaError_t Gpus::allocate_host(void** p, std::size_t bytes) {
  void* got = std::aligned_alloc(page, whole_pages(bytes));
  if (!got) return cudaErrorMemoryAllocation;
  const std::lock_guard lock(mutex);
  blocks_[reinterpret_cast<std::uintptr_t>(got)] = {bytes, cudaMemoryTypeHost, current_device, true};
  *p = got;
  return cudaSuccess;
}

cudaError_t Gpus::add_host(void* p, std::size_t bytes) {
  if (!p || bytes == 0) return cudaErrorInvalidValue;
  const std::lock_guard lock(mutex);
  const auto first = reinterpret_cast<std::uintptr_t>(p) / page * page, end = first + whole_pages(bytes);
  const auto after = blocks_.lower_bound(end);
  if (after != blocks_.begin()) {
    const auto& [base, block] = *std::prev(after);
    if (base + whole_pages(block.bytes) > first) return cudaErrorHostMemoryAlreadyRegistered;
  }
  blocks_[reinterpret_cast<std::uintptr_t>(p)] = {bytes, cudaMemoryTypeHost, current_device, false};
  return cudaSuccess;
}

cudaError_t Gpus::remove(void* p, cudaMemoryType type, bool ours) {
  if (!p) return cudaSuccess;
  int device;
  {
    const std::lock_guard lock(mutex);
    const auto found = blocks_.find(reinterpret_cast<std::uintptr_t>(p));
    if (found == blocks_.end() || found->second.type != type || found->second.ours != ours)
      die("memory is given back that was not given, or twice");
    device = found->second.device;
  }
  // All devices may use the host's memory, and calls that give some back wait.
  for (std::size_t d = 0; d < devices.size(); ++d)
    if (type == cudaMemoryTypeHost || static_cast<int>(d) == device)
      if (const cudaError_t broken = drain(static_cast<int>(d)); static_cast<int>(d) == device && broken) return broken;
  const std::lock_guard lock(mutex);
  const auto found = blocks_.find(reinterpret_cast<std::uintptr_t>(p));
  const Block block = found->second;
  blocks_.erase(found);
  if (type == cudaMemoryTypeDevice) {
    munmap(p, whole_pages(block.bytes) + page);
    devices[static_cast<std::size_t>(device)].used -= block.bytes;
  } else if (ours) {
    std::free(p);
  }
  return cudaSuccess;
}

const Block* Gpus::find(const void* p, std::size_t bytes, bool* overruns) {
  const std::lock_guard lock(mutex);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const auto after = blocks_.upper_bound(address);
  if (after == blocks_.begin()) return nullptr;
  const auto& [base, block] = *std::prev(after);
  if (address >= base + block.bytes) return nullptr;
  if (overruns) *overruns = address + bytes > base + block.bytes;
  return &block;  // stays where it is until it is removed
}

bool Gpus::may_use(int device, const void* p, std::size_t bytes) {
  bool overruns = false;
  if (find(p, bytes, &overruns) && !overruns) return true;
  break_device(device, cudaErrorIllegalAddress, "a copy uses memory that was given back");
  return false;
}

void Gpus::break_device(int device, cudaError_t error, const std::string& why) {
  std::fprintf(stderr, "emulated CUDA: GPU %d is broken: %s\n", device, why.c_str());
  const std::lock_guard lock(mutex);
  devices[static_cast<std::size_t>(device)].broken = error;
  done_.notify_all();
}

}  // namespace emulated
