#include "stratoscope/base/team.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "stratoscope/base/cores.h"
#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

thread_local const Team* current_team = nullptr;

// Hint to the processor that the thread spins.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

// Indices that threads take one by one.
struct Team::Loop {
  std::size_t count;
  int threads;
  const std::function<void(std::size_t)>& body;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error{};

  void work() {
    const auto take = [this] { return next.fetch_add(1, std::memory_order_relaxed); };
    for (std::size_t i = take(); i < count && !failed.load(std::memory_order_relaxed); i = take()) {
      try {
        body(i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    }
  }
};

Team::~Team() {
  ends_ = true;
  ++turn_;
  turn_.notify_all();
  for (const Worker& worker : workers_) ::pthread_join(worker.thread, nullptr);
}

const Team* Team::current() { return current_team; }

int Team::threads_of_loop() const { return loop_->threads; }

int Team::cores() const { return placed_ > 0 ? placed_ : count_of(allowed_cores()); }

void Team::grow(int threads) {
  if (threads <= static_cast<int>(workers_.size()) + 1) return;
  free_owner();                                              // new threads inherit the cores of their creator
  constexpr std::size_t kLeastStack = std::size_t{1} << 20;  // independent of ulimit -s
  pthread_attr_t attributes;
  std::size_t stack = 0;
  int failure = ::pthread_getattr_default_np(&attributes);
  if (failure == 0) failure = ::pthread_attr_getstacksize(&attributes, &stack);
  if (failure == 0) failure = ::pthread_attr_setstacksize(&attributes, std::max(stack, kLeastStack));
  while (failure == 0 && static_cast<int>(workers_.size()) + 1 < threads) {
    Worker& worker = workers_.emplace_back(Worker{this, static_cast<int>(workers_.size()) + 1});
    failure = ::pthread_create(&worker.thread, &attributes, begin, &worker);
    if (failure != 0) workers_.pop_back();
  }
  ::pthread_attr_destroy(&attributes);
  if (failure != 0)
    throw Error("threads",
                std::to_string(threads) + " threads cannot be started, only " + std::to_string(workers_.size() + 1) +
                    ": " + std::strerror(failure),
                "use fewer (--threads), or allow this process more memory or threads (ulimit -v, ulimit -u)");
}

void Team::free_owner() {
  if (placed_ > 0) move_to(allowed_, ::pthread_self());
  placed_ = 0;
}

void Team::move_worker(Worker& worker, const cpu_set_t& cores) {
  if (CPU_EQUAL(&worker.cores, &cores)) return;
  move_to(cores, worker.thread);
  worker.cores = cores;
}

void Team::place(int threads) {
  if (threads == placed_) return;
  free_owner();
  if (threads < 2) return;
  const auto allowed = allowed_cores();
  has_cores_ = threads <= count_of(allowed);
  if (!allowed) return;
  if (CPU_COUNT(&*allowed) != threads) {
    for (Worker& worker : workers_)
      if (CPU_COUNT(&worker.cores) > 0) move_worker(worker, *allowed);
    return;
  }
  const std::vector<cpu_set_t> each = each_of(*allowed);
  move_to(each[0], ::pthread_self());
  for (Worker& worker : workers_)
    move_worker(worker, worker.index < threads ? each[static_cast<std::size_t>(worker.index)] : *allowed);
  allowed_ = *allowed;
  placed_ = threads;
}

void Team::run(std::size_t count, int threads, const std::function<void(std::size_t)>& body) {
  Loop loop{count, threads, body};
  current_team = this;
  loop_ = &loop;
  inside_.store(0, std::memory_order_release);
  ++turn_;
  turn_.notify_all();
  loop.work();
  inside_.fetch_or(kClosed);
  for (std::uint32_t now = 0; (now = inside_.load(std::memory_order_acquire)) != kClosed;) await_change(inside_, now);
  current_team = nullptr;
  if (loop.error) std::rethrow_exception(loop.error);
}

void* Team::begin(void* worker) {
  const Worker& self = *static_cast<Worker*>(worker);
  current_team = self.team;
  self.team->serve(self.index);
  return nullptr;
}

void Team::serve(int index) {
  for (std::uint32_t seen = 0;;) {
    await_change(turn_, seen);
    seen = turn_.load(std::memory_order_acquire);
    if (ends_) return;
    if (!enter()) continue;
    if (index < loop_->threads) loop_->work();
    leave();
  }
}

// Workers that come late are left out of the loop.
bool Team::enter() {
  std::uint32_t now = inside_.load(std::memory_order_relaxed);
  do {
    if ((now & kClosed) != 0) return false;
  } while (!inside_.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

void Team::leave() {
  if (inside_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1) inside_.notify_one();
}

// Loops often follow each other within microseconds, but waking a thread takes tens of microseconds. So workers spin
// before they sleep; they sleep at once if spinning would keep other threads of the team from a core.
void Team::await_change(const std::atomic<std::uint32_t>& value, std::uint32_t seen) const {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPatience = std::chrono::microseconds(1000);
  constexpr int kLooksPerGlance = 32;  // spins between two reads of the clock
  if (has_cores_)
    for (const auto begin = Clock::now(); Clock::now() - begin < kPatience;)
      for (int look = 0; look < kLooksPerGlance; ++look) {
        if (value.load(std::memory_order_acquire) != seen) return;
        pause();
      }
  value.wait(seen, std::memory_order_acquire);
}

void Team::forget_workers() {
  workers_.clear();
  inside_ = kClosed;
}

}  // namespace stratoscope
