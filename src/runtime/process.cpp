#include "runtime/process.h"

#include <pthread.h>

#include "runtime/arena.h"
#include "runtime/backend.h"
#include "runtime/creation.h"
#include "runtime/parking.h"
#include "runtime/pool.h"
#include "runtime/registry.h"
#include "runtime/slab.h"

namespace anabranch::runtime {
namespace {

// The order in which locks are ever held together: plan (eval's own handlers, installed before these run last),
// backends, registry, streams in their order there, pool, parking, the devices' arenas, the host's; creation lines';
// slabs'.
void before_fork() {
  // What is made on first use is made by then: a child that was forked off while another thread made it would wait for
  // that thread for ever. Here what needs to know the machine; the rest at load, since who forks may have no memory.
  Pool::get();
  host_arena();
  slab_mutex();
  backends_mutex().lock();
  registry_mutex().lock();
  for (StreamState* s : registered_streams()) s->mutex().lock();
  Pool::get().mutex().lock();
  parking_mutex().lock();
  device_arenas_mutex().lock();
  each_device_arena([](Arena& a) { a.mutex().lock(); });
  host_arena().mutex().lock();
  creation::mutex().lock();
  slab_mutex().lock();
}

void unlock_all() {
  slab_mutex().unlock();
  creation::mutex().unlock();
  host_arena().mutex().unlock();
  each_device_arena([](Arena& a) { a.mutex().unlock(); });
  device_arenas_mutex().unlock();
  parking_mutex().unlock();
  Pool::get().mutex().unlock();
  for (StreamState* s : registered_streams()) s->mutex().unlock();
  registry_mutex().unlock();
  backends_mutex().unlock();
}

void in_child() {
  backends_forked();
  // Streams that nothing else holds any more go after the locks are given back: the end of a stream takes them. The
  // list of them takes no memory, which there may be none of.
  for (StreamState* s : registered_streams()) retain(s);
  Pool::get().forget_workers();
  forget_parked();
  StreamQueue<&StreamState::next_parked> kept;
  for (StreamState* s : registered_streams()) {
    s->abandon_in_flight();
    kept.push(Ref<StreamState>::adopt(s));
  }
  unlock_all();
  while (!kept.empty()) kept.pop();
}

}  // namespace

void install_fork_handlers() {
  find_backend(Device::cpu);
  undescribed_failure();
  for (Mutex& (*made)() : {backends_mutex, registry_mutex, parking_mutex, device_arenas_mutex, creation::mutex}) made();
  static const int installed = pthread_atfork(before_fork, unlock_all, in_child);
  static_cast<void>(installed);  // fails only for want of memory, at load
}

void shutdown() { Pool::get().stop(); }
void let_go() {
  close_copy_streams();
  Pool::get().clear();
}
void restart(int workers) { Pool::get().reopen(workers); }

}  // namespace anabranch::runtime
