// simulate: runs random programs under the deterministic scheduler. ./dev simulate says how to call it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "program.h"
#include "schedule.h"

namespace {

namespace simulation = anabranch::simulation;

// What ends the process without the scheduler's knowledge must still say which schedule it was.
void on_signal(int signal) {
  char text[512];
  const int n = std::snprintf(text, sizeof text, "\nSIMULATION FAILED: signal %d\n  again: %s\n", signal,
                              simulation::Scheduler::replay().c_str());
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) _exit(2);
  _exit(1);
}

void catch_signals() {
  static char stack[1 << 16];  // a fiber's own may be what is full
  const stack_t alternative{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) sigaction(s, &action, nullptr);
}

[[noreturn]] void usage() {
  std::fputs("simulate [--seed N] [--schedules N] [--hours H] [--processes N] [--trace] [--weaken FILE:LINE]\n",
             stderr);
  std::exit(2);
}

// Goes on in `processes` children, and ends with the first failure of one of them. Returns, in each, its number.
std::uint64_t divide(std::uint64_t processes) {
  std::vector<pid_t> children;
  for (std::uint64_t i = 0; i < processes; ++i) {
    const pid_t child = fork();
    if (child == 0) return i;
    children.push_back(child);
  }
  bool failed = false;
  for (std::uint64_t i = 0; i < processes; ++i) {
    int status = 0;
    wait(&status);
    if (!failed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
      failed = true;
      for (const pid_t child : children) kill(child, SIGTERM);
    }
  }
  std::exit(failed ? 1 : 0);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 0, schedules = 0;
  std::uint64_t processes = 1, part = 0;
  double hours = 0;
  bool seeded = false;
  std::string weakened;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--trace") {
      simulation::Scheduler::set_trace(true);
      continue;
    }
    if (++i == argc) usage();
    if (option == "--seed") {
      seed = std::strtoull(argv[i], nullptr, 0);
      seeded = true;
    } else if (option == "--schedules") {
      schedules = std::strtoull(argv[i], nullptr, 0);
    } else if (option == "--processes") {
      processes = std::max<std::uint64_t>(1, std::strtoull(argv[i], nullptr, 0));
    } else if (option == "--hours") {
      hours = std::atof(argv[i]);
    } else if (option == "--weaken") {
      weakened = argv[i];
      if (!simulation::weaken(weakened)) usage();
    } else {
      usage();
    }
  }
  if (!seeded) {
    std::random_device device;
    seed = std::uint64_t{device()} << 32 | device();
  }
  if (schedules == 0 && hours == 0) schedules = seeded ? 1 : 1000;

  if (processes > 1) {
    part = divide(processes);
    schedules = (schedules + processes - 1 - part) / processes;
  }
  catch_signals();
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  double shown = 0;
  simulation::warm_up();
  std::uint64_t done = 0, steps = 0, switches = 0, faults = 0, trace = 0;
  auto show = [&](char end) {
    std::printf(
        "\r%llu schedules, %.0f/s, %.1f million steps, %.1f million switches, %llu faults, %llu values compared, "
        "%llu failures raised%c",
        static_cast<unsigned long long>(done), static_cast<double>(done) / seconds(), static_cast<double>(steps) * 1e-6,
        static_cast<double>(switches) * 1e-6, static_cast<unsigned long long>(faults),
        static_cast<unsigned long long>(simulation::Program::compared),
        static_cast<unsigned long long>(simulation::Program::raised), end);
    std::fflush(stdout);
  };
  for (; schedules ? done < schedules : seconds() < hours * 3600; ++done) {
    const std::uint64_t next = seed + part + done * processes;
    simulation::Scheduler::set_replay("./dev simulate --seed " + std::to_string(next) +
                                      (weakened.empty() ? "" : " --weaken " + weakened));
    alarm(60);  // a schedule takes milliseconds
    const simulation::Outcome outcome = simulation::run_schedule(next);
    steps += outcome.steps;
    switches += outcome.switches;
    faults += outcome.faults;
    trace = (trace ^ outcome.trace) * 0x100000001b3;
    if (isatty(STDOUT_FILENO) ? seconds() > shown + 0.5 : seconds() > shown + 60) {
      shown = seconds();
      show(' ');
    }
  }
  show('\n');
  std::printf("seeds from %llu on, trace %016llx\n", static_cast<unsigned long long>(seed + part),
              static_cast<unsigned long long>(trace));
  return 0;
}
