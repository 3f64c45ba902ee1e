#include "apps/server/jobs.h"

#include <algorithm>
#include <utility>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kStepsBeforeLowPriority = 6;  // about the requests of one change on the page

}  // namespace

void WakeUp::notify() {
  {
    const std::lock_guard lock(mutex_);
    notified_ = true;
  }
  condition_.notify_all();
}

void WakeUp::wait_until(Clock::time_point time) {
  std::unique_lock lock(mutex_);
  condition_.wait_until(lock, time, [this] { return notified_; });
  notified_ = false;
}

Job::Job(JobPriority priority, Step step, bool streams, std::chrono::seconds time)
    : priority_(priority), step_(std::move(step)), streams_(streams), time_(time), deadline_(Clock::now() + time) {}

void Job::emit(const std::string& event, const Json& data) {
  if (!streams_) return;
  Event record{event, data.dump(-1, ' ', false, Json::error_handler_t::replace)};
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= kPendingEvents) {  // the client does not read them
      cancel();
      return;
    }
    events_.push_back(std::move(record));
  }
  notify();
}

void Job::notify() {
  changed_.notify_all();
  if (wake_up_) wake_up_->notify();
}

void Job::update(const char* what, std::size_t done, std::size_t total) {
  const auto now = Clock::now();
  if (!streams_ || now - last_update_ < std::chrono::milliseconds(100)) return;
  last_update_ = now;
  emit("progress", {{"what", what}, {"done", done}, {"total", total}});
}

void Job::yield() {
  if (queue_ != nullptr) queue_->run_higher_priorities(priority_);
  throw_if_cancelled();
}

bool Job::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return finished_ || !events_.empty(); });
  return finished_;
}

bool Job::wait_for_end(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return finished_; });
}

bool Job::finished() {
  const std::lock_guard lock(mutex_);
  return finished_;
}

bool Job::has_events() {
  const std::lock_guard lock(mutex_);
  return !events_.empty();
}

std::vector<Event> Job::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

const JobResult& Job::result() {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  return result_;
}

bool Job::run_step() {
  try {
    throw_if_cancelled();
    if (!step_(*this)) return false;
    finish(nullptr);
  } catch (const Interrupted&) {
    const bool timed_out = !cancelled_.load();
    finish(timed_out
               ? std::make_exception_ptr(HttpError(
                     408, "request", "took longer than the limit of " + std::to_string(time_.count()) + " seconds",
                     "ask for less at once"))
               : std::current_exception());
  } catch (...) {
    finish(std::current_exception());
  }
  return true;
}

void Job::run_to_completion(const Step& step) {
  step_ = step;
  while (!run_step()) {
  }
}

void Job::finish(std::exception_ptr error) {
  step_ = nullptr;  // releases its captures
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    finished_ = true;
  }
  notify();
}

JobQueue::JobQueue() : worker_([this] { run(); }) {}

JobQueue::~JobQueue() {
  stop();
  worker_.join();
}

void JobQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const Running& running : running_) running.job.job->cancel();
  for (Client& client : clients_)
    for (Waiting& waiting : client.jobs) waiting.job->finish(std::make_exception_ptr(Interrupted()));
  clients_.clear();
  changed_.notify_all();
}

void JobQueue::submit(const std::string& client, const std::string& slot, const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) throw HttpError(503, "server", "is stopping");
  if (!slot.empty()) {
    for (const Running& running : running_)
      if (running.client == client && running.job.slot == slot) running.job.job->cancel();
    for (Client& other : clients_) {
      if (other.name != client) continue;
      std::erase_if(other.jobs, [&](const Waiting& waiting) {
        if (waiting.slot != slot) return false;
        waiting.job->finish(std::make_exception_ptr(Interrupted()));
        return true;
      });
    }
  }
  std::size_t all = 0, low_priority = 0, own = 0;
  for (const Client& other : clients_) {
    all += other.jobs.size();
    low_priority +=
        static_cast<std::size_t>(std::count_if(other.jobs.begin(), other.jobs.end(), [](const Waiting& one) {
          return one.job->priority_ == JobPriority::low;
        }));
    if (other.name == client) own = other.jobs.size();
  }
  const auto reject = [](std::size_t limit, const char* of) {
    throw HttpError(429, "server", "the limit of " + std::to_string(limit) + " waiting requests" + of + " is reached");
  };
  if (own >= kWaitingJobsPerClient) reject(kWaitingJobsPerClient, " per client");
  if (all >= kWaitingJobs) reject(kWaitingJobs, "");
  if (job->priority_ == JobPriority::low && low_priority >= kWaitingLowPriorityJobs)
    reject(kWaitingLowPriorityJobs, " of long jobs");
  job->queue_ = this;
  find_or_add_client(client).jobs.push_back({slot, job});
  changed_.notify_all();
}

JobQueue::Client& JobQueue::find_or_add_client(const std::string& name) {
  for (Client& client : clients_)
    if (client.name == name) return client;
  return clients_.emplace_back(Client{name, {}});
}

bool JobQueue::take(std::initializer_list<JobPriority> priorities, std::string& client, Waiting& next) {
  for (std::size_t i = 0; i < clients_.size(); ++i)
    for (const JobPriority priority : priorities) {
      Client& candidate = clients_[i];
      const auto found = std::find_if(candidate.jobs.begin(), candidate.jobs.end(),
                                      [&](const Waiting& waiting) { return waiting.job->priority_ == priority; });
      if (found == candidate.jobs.end()) continue;
      next = std::move(*found);
      candidate.jobs.erase(found);
      client = candidate.name;
      Client last = std::move(candidate);
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
      if (!last.jobs.empty()) clients_.push_back(std::move(last));
      return true;
    }
  return false;
}

void JobQueue::put_back(const std::string& client, Waiting waiting) {
  find_or_add_client(client).jobs.push_front(std::move(waiting));
}

void JobQueue::run_step(std::unique_lock<std::mutex>& lock, const std::string& client, Waiting next) {
  running_.push_back({client, next});
  lock.unlock();
  const bool finished = next.job->run_step();
  lock.lock();
  running_.pop_back();
  if (finished) return;
  if (stopping_)
    next.job->finish(std::make_exception_ptr(Interrupted()));
  else
    put_back(client, std::move(next));
}

void JobQueue::run_higher_priorities(JobPriority than) {
  std::unique_lock lock(mutex_);
  for (std::size_t steps = 0; steps < kStepsBeforeLowPriority && !stopping_; ++steps) {
    Waiting next;
    std::string client;
    const bool found = than == JobPriority::low ? take({JobPriority::high, JobPriority::normal}, client, next)
                                                : take({JobPriority::high}, client, next);
    if (!found) return;
    run_step(lock, client, std::move(next));
  }
}

void JobQueue::run() {
  std::size_t others = 0;  // steps since the last one of low priority
  std::unique_lock lock(mutex_);
  for (;;) {
    std::erase_if(clients_, [](const Client& client) { return client.jobs.empty(); });
    changed_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
    if (stopping_) return;
    Waiting next;
    std::string client;
    const bool is_low_priority_turn = others >= kStepsBeforeLowPriority && take({JobPriority::low}, client, next);
    if (!is_low_priority_turn && !take({JobPriority::high, JobPriority::normal}, client, next) &&
        !take({JobPriority::low}, client, next))
      continue;
    others = next.job->priority_ == JobPriority::low ? 0 : others + 1;
    run_step(lock, client, std::move(next));
  }
}

}  // namespace stratoscope::server
