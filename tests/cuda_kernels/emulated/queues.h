// The works of the emulated GPUs. Streams share a few channels, as on a GPU: a channel does its commands in the order
// in which they came. One thread does the commands of all channels, of a channel that is drawn; now and then it lets a
// channel wait for a while, and for some time it prefers some to others. So whatever only happens to be in order soon
// is not.
//
// ANABRANCH_EMULATED_CUDA=name=number,...:
//   driver    the version of CUDA that the driver is for (that of the headers)
//   devices   how many (1)
//   channels  of each device (a number drawn from the seed); where it is given and there are enough, streams share none
//   seed      of what is drawn (1)
//   delay     microseconds that a channel waits at most, now and then (200)
//   memory    MiB of each device (a quarter of the machine's)
//   clock     how many times as fast as the host's the GPUs' clock is (1)
//   break     the number of the kernel launch, from 1 on, that accesses memory illegally (none)
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cuda_runtime.h"

namespace emulated {

inline constexpr int most_urgent = -5;

struct Channel;

// Of a stream, how many commands it was given and how many are done.
struct Progress {
  int device;
  std::uint64_t given = 0, done = 0;
};

// Of an event: whether and when it has happened since it was recorded.
struct Moment {
  bool come = false;
  std::int64_t ns = 0;
  // Of a whole device: it has come when all these streams have done so much.
  std::vector<std::pair<std::shared_ptr<Progress>, std::uint64_t>> ends;
  bool has_come() const;
};

struct Command {
  std::shared_ptr<Progress> stream;
  std::function<bool()> ready;  // none: at once. Under the lock
  std::function<void()> run;
  bool locked = false;  // runs under the lock
  bool waited = false;
};

struct Channel {
  int device;
  std::deque<Command> commands;
  unsigned rank = 0;              // the lowest that can go on does
  std::int64_t asleep_until = 0;  // ns
};

struct Device {
  std::vector<std::unique_ptr<Channel>> channels;
  cudaError_t broken = cudaSuccess;  // nothing more is done
  std::size_t used = 0;              // bytes of memory
};

struct Block {
  std::size_t bytes;
  cudaMemoryType type;
  int device;
  bool ours;  // made here, and not registered
};

class Gpus {
 public:
  static Gpus& get();

  // What every call begins with: the error of a process that may make none, or of the calling thread's device.
  cudaError_t enter(bool needs_device = true);
  int current() const;
  cudaError_t set_current(int device);

  // The stream that a handle means to the calling thread: default streams are one of each device.
  cudaStream_t resolve(cudaStream_t);
  cudaError_t open(cudaStream_t*);
  cudaError_t close(cudaStream_t);
  // `ready` and, where `locked`, `run` are called under the lock.
  cudaError_t add(cudaStream_t, std::function<bool()> ready, std::function<void()> run, bool locked = false);
  cudaError_t query(cudaStream_t);
  // Waits until `done`, which is looked at under the lock, or until the device is broken.
  cudaError_t wait(int device, const std::function<bool()>& done, const char* what);
  // All that the device was given. Under the lock.
  std::vector<std::pair<std::shared_ptr<Progress>, std::uint64_t>> given(int device);
  // Until that is done.
  cudaError_t drain(int device);

  cudaError_t allocate(void** p, std::size_t bytes);
  cudaError_t allocate_host(void** p, std::size_t bytes);
  cudaError_t add_host(void* p, std::size_t bytes);
  // Takes memory back when nothing uses it any more.
  cudaError_t remove(void* p, cudaMemoryType, bool ours);
  // The memory around an address; null for the system's own.
  const Block* find(const void* p, std::size_t bytes, bool* overruns = nullptr);
  // Of a command that runs: that it may use the memory; else the device is broken.
  bool may_use(int device, const void* p, std::size_t bytes);

  void break_device(int device, cudaError_t, const std::string& why);

  std::mutex mutex;
  std::vector<Device> devices;
  std::map<std::uintptr_t, std::uint64_t> asked;  // of words, the largest value that a stream was asked to write
  std::size_t memory;
  std::uint64_t launches = 0, broken_launch = 0, driver_version, clock_rate;

 private:
  Gpus();
  void work();
  Channel* choose();
  void redraw();

  std::condition_variable added_, done_;
  std::mt19937_64 random_;
  std::map<std::uintptr_t, Block> blocks_;
  cudaStream_t make(int device);  // under the lock

  std::set<cudaStream_t> streams_;
  bool apart_ = false;  // as long as half the channels have no stream, each stream has one of its own
  std::map<std::pair<int, cudaStream_t>, cudaStream_t> defaults_;
  std::int64_t longest_delay_;
  unsigned until_redraw_ = 0;
  bool started_ = false;
};

// Notes the calling thread's last error.
cudaError_t noted(cudaError_t);
// A mistake that the real thing would punish at some other time, or never.
[[noreturn]] void die(const std::string& why);
std::int64_t now_ns();

}  // namespace emulated

struct CUstream_st {
  std::shared_ptr<emulated::Progress> progress;
  emulated::Channel* channel;
};
struct CUevent_st {
  int device;
  bool timed;
  std::shared_ptr<emulated::Moment> moment;  // of the last record
};
