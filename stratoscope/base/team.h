// A team of threads: an owner and its workers.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

namespace stratoscope {

// It belongs to one thread; no other thread may call it. Unlike OpenMP's teams, its size does not depend on the
// environment or other libraries of the process, and a lack of threads is an Error, not the end of the process.
class Team {
 public:
  Team() = default;
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Grows the team to at least `threads` threads, including the owner. Throws Error if the system does not provide
  // them.
  void grow(int threads);

  // Binds the owner and the first workers to a core each, if there are as many cores as `threads`. Schedulers of
  // virtual machines may take a sleeping core for a busy one, wake a whole team on one core, and leave it there for
  // tens of milliseconds. 0 unbinds the owner; the workers, which have no other work, stay bound.
  void place(int threads);
  int placed() const { return placed_; }
  // The owner's cores before it was bound; nothing while it is not bound.
  std::optional<cpu_set_t> cores_of_owner() const { return placed_ > 0 ? std::optional(allowed_) : std::nullopt; }

  // The number of cores that the owner may use with its team, independent of its own binding.
  int cores() const;

  // Calls body(i) once for every i < count, on the first `threads` threads. Rethrows the first exception.
  void run(std::size_t count, int threads, const std::function<void(std::size_t)>& body);

  // The team in whose loop the calling thread is, or null.
  static const Team* current();

  // The number of threads of the current loop.
  int threads_of_loop() const;

  // Call it in the child after a fork: only the owner is left.
  void forget_workers();

 private:
  struct Loop;
  struct Worker {
    Team* team = nullptr;
    int index = 0;  // the owner's is 0
    pthread_t thread{};
    cpu_set_t cores{};  // its cores when bound; none: not bound
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
  std::atomic<std::uint32_t> turn_{0};          // incremented for every loop
  std::atomic<std::uint32_t> inside_{kClosed};  // workers in the loop; kClosed when no other may enter
  std::atomic<bool> ends_{false};
  std::atomic<bool> has_cores_{false};  // for all its threads at once
  Loop* loop_ = nullptr;
  int placed_ = 0;       // number of threads that are bound to a core each, or 0
  cpu_set_t allowed_{};  // the owner's cores before it was bound
};

}  // namespace stratoscope
