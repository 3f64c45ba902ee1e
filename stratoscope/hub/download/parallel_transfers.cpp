#include "stratoscope/hub/download/parallel_transfers.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <system_error>
#include <thread>

namespace stratoscope {

std::size_t TransferProgress::add(const std::string& name, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  parts_.push_back({name, 0, total, {}});
  return parts_.size() - 1;
}

void TransferProgress::set_done(std::size_t part, std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  parts_[part].done = done;
}

void TransferProgress::set_note(std::size_t part, const std::string& note) {
  const std::lock_guard lock(mutex_);
  parts_[part].note = note;
}

std::vector<ProgressPart> TransferProgress::parts() const {
  const std::lock_guard lock(mutex_);
  return parts_;
}

void StopRequest::wait(std::chrono::milliseconds time) const {
  constexpr std::chrono::milliseconds kStep{50};
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    throw_if_requested();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left <= std::chrono::milliseconds(0)) return;
    std::this_thread::sleep_for(std::min(left, kStep));
  }
}

void run_parallel(std::size_t count, std::size_t threads, StopRequest& stop, const Job& job,
                  const std::function<void()>& tick) {
  constexpr std::chrono::milliseconds kBetweenTicks{100};
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t running = std::min(threads, count);
  std::exception_ptr error;
  std::atomic<std::size_t> next = 0;
  const auto fail = [&](std::exception_ptr reason) {
    const std::lock_guard lock(mutex);
    if (error == nullptr) error = std::move(reason);
    stop.request();
  };
  const auto work = [&](std::size_t thread) {
    try {
      for (std::size_t i = next++; i < count && !stop.is_requested(); i = next++) job(i, thread);
    } catch (...) {
      fail(std::current_exception());
    }
    const std::lock_guard lock(mutex);
    --running;
    ended.notify_one();
  };
  std::vector<std::thread> workers;
  workers.reserve(running);
  try {
    for (const std::size_t wanted = running; workers.size() < wanted;) workers.emplace_back(work, workers.size());
  } catch (const std::system_error& refusal) {  // over a limit of threads: the existing ones do all the work
    const std::lock_guard guard(mutex);
    running -= std::min(threads, count) - workers.size();
    if (workers.empty())
      error = std::make_exception_ptr(Error("pull", std::string("no thread can be started: ") + refusal.what(),
                                            "is there a limit of processes (ulimit -u)?"));
  }
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, kBetweenTicks, [&] { return running == 0; })) {
    lock.unlock();
    try {
      tick();
    } catch (...) {
      fail(std::current_exception());
    }
    lock.lock();
  }
  lock.unlock();
  for (std::thread& worker : workers) worker.join();
  if (error != nullptr) std::rethrow_exception(error);
}

}  // namespace stratoscope
