// Threads that help the one that owns them.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

namespace stratoscope {

// A thread's own: no other thread may call it. OpenMP's teams are smaller than asked for where the environment or
// another library of the process wishes so, and the process ends where the system gives no thread; here neither
// happens.
class Team {
 public:
  Team() = default;
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // The owner and its workers are at least `threads` from now on. Throws Error when the system does not give so many.
  void grow(int threads);

  // Gives the owner and the first workers a core each, where there are as many cores as `threads`. Schedulers of
  // virtual machines take a core that sleeps for one that is busy, wake a whole team on one core, and leave it there
  // for tens of milliseconds. 0 frees the owner; workers, which do nothing else, stay.
  void place(int threads);
  int placed() const { return placed_; }

  // Cores that the owner may use with its team; one that has been given its own does not lose the others.
  int cores() const;

  // Calls body(i) for every i < count, each once, on the first `threads`. Rethrows the first exception.
  void run(std::size_t count, int threads, const std::function<void(std::size_t)>& body);

  // The one in whose loop the calling thread is, or null.
  static const Team* current();

  // Of the loop that runs.
  int threads_of_loop() const;

  // After a fork, in the child: it has the owner alone.
  void forget_workers();

 private:
  struct Loop;
  struct Worker {
    Team* team = nullptr;
    int index = 0;  // the owner's is 0
    pthread_t thread{};
    cpu_set_t cores{};  // where it was bound to; none: wherever it was created
  };

  static void* begin(void* worker);
  void serve(int index);
  bool enter();
  void leave();
  void await_change(const std::atomic<std::uint32_t>& value, std::uint32_t seen) const;
  void move_worker(Worker& worker, const cpu_set_t& cores);
  void free_owner();

  static constexpr std::uint32_t kClosed = std::uint32_t{1} << 31;

  std::deque<Worker> workers_;
  std::atomic<std::uint32_t> turn_{0};          // grows with every loop
  std::atomic<std::uint32_t> inside_{kClosed};  // workers in the loop; closed when no other may enter
  std::atomic<bool> ends_{false};
  std::atomic<bool> has_cores_{false};  // for all its threads at once
  Loop* loop_ = nullptr;
  int placed_ = 0;       // threads that have a core each now, or 0
  cpu_set_t allowed_{};  // to the owner, while it is placed
};

}  // namespace stratoscope
