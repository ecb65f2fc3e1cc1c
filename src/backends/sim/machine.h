// The works of the simulated accelerators: queues of commands, and the engines that do them.
#pragma once

#include <array>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anabranch/error.h"
#include "anabranch/ref.h"
#include "backends/sim/order.h"
#include "runtime/stream_state.h"
#include "runtime/sync.h"

namespace anabranch::backends::sim {

inline constexpr int most_devices = 2;

// One queue. Under the machine's lock but where it says otherwise.
struct Line {
  struct Command {
    std::function<void()> run;  // the work, if it is work
    std::vector<const void*> reads, writes;
    std::shared_ptr<Line> other;          // else, the queue to wait for, until it has reached `value`
    Ref<runtime::StreamState> signalled;  // else, whom to tell that this queue has reached `value`
    std::uint64_t value = 0;              // of work, that of the signal which is to tell of it
    Known known;                          // to the host when it added this
  };

  Line(int d, int n) : device(d), number(n) {}
  const int device, number;
  std::deque<Command> commands;
  std::optional<Command> held;                           // the signal that is held back until a flush
  std::uint64_t next_value = 1;                          // of the next signal
  bool busy = false;                                     // ready, being worked on, or waiting for another queue
  std::vector<std::shared_ptr<Line>> waiting;            // for this one
  runtime::Atomic<std::uint64_t> reached{0};             // read anywhere
  std::map<std::uint64_t, std::exception_ptr> failures;  // of work, by the value that tells of it
  [[no_unique_address]] runtime::AccessCheck done_work{"what a simulated device has done"};
  // For the check of the order.
  std::uint64_t done = 0;                  // commands
  Known known;                             // to the command that is being done
  std::map<std::uint64_t, Known> signals;  // with each signal
};

// All simulated devices of the process. Its engines, a few threads, start when there is something to do, and end when
// no queue is open.
class Machine {
 public:
  static Machine& get();

  std::shared_ptr<Line> open(int device);
  void close(const std::shared_ptr<Line>& line);
  // These throw DeviceLost.
  void add(const std::shared_ptr<Line>& line, Line::Command command);
  // Holds it back until flush().
  void signal(Line& line, std::uint64_t value, Ref<runtime::StreamState> stream);
  void flush(const std::shared_ptr<Line>& line);
  std::exception_ptr take_failure(Line& line, std::uint64_t value);

  // Of a device's memory, by the host's address.
  void allocated(const void* base, std::size_t bytes);
  void freed(const void* base);

  // Breaks a device: nothing that it has not done ever will be. Returns when it has stopped.
  void lose(int device, const std::string& why);
  // Repairs it, for what comes next.
  void repair(int device);
  // Null while it works.
  std::exception_ptr lost(int device) const;
  // In a forked child, where the lock may be in any state and there may be no memory: if they were used before, all are
  // lost.
  void forked();

 private:
  static constexpr int most_engines = 2;

  struct Device {
    runtime::Atomic<bool> lost{false};
    std::exception_ptr why;  // written before `lost`
    // Under mutex_.
    bool stopping = false;  // about to be lost: nothing more is begun
    int running = 0;        // engines in the middle of its work
  };

  void add(const std::shared_ptr<Line>& line, Line::Command command, runtime::Lock& lock);
  void engine();
  void serve(const std::shared_ptr<Line>& line, runtime::Lock& lock);
  bool must_wait(const std::shared_ptr<Line>& line, const Line::Command& command);
  void make_ready(std::shared_ptr<Line> line);
  Known known_to_host() const;
  std::exception_ptr check_order(Line& line, const Line::Command& command);
  void drop_commands(Line& line, std::vector<Ref<runtime::StreamState>>& signalled);

  const std::exception_ptr after_fork_ = std::make_exception_ptr(
      DeviceLost("The simulated GPU does not survive a fork. Start processes that use it with the method \"spawn\" or "
                 "\"forkserver\"."));
  runtime::Atomic<bool> used_{false}, forked_{false};
  std::array<Device, most_devices> devices_;
  runtime::Mutex mutex_;
  // All below: under mutex_.
  runtime::CondVar wake_, stopped_;
  std::deque<std::shared_ptr<Line>> ready_;
  std::vector<std::shared_ptr<Line>> open_;
  int engines_ = 0, sleeping_ = 0, opened_ = 0;
  // For the check of the order.
  UsesOfMemory uses_;
  Known ended_;  // the commands of queues that are gone, or whose device was lost
};

}  // namespace anabranch::backends::sim
