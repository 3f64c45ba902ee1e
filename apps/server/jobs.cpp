#include "apps/server/jobs.h"

#include <algorithm>
#include <utility>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

constexpr std::size_t kStepsInARow = 6;  // about what one change on the page asks for; then patient work has a turn

}  // namespace

void Bell::ring() {
  {
    const std::lock_guard lock(mutex_);
    rung_ = true;
  }
  rings_.notify_all();
}

void Bell::wait_until(Clock::time_point time) {
  std::unique_lock lock(mutex_);
  rings_.wait_until(lock, time, [this] { return rung_; });
  rung_ = false;
}

Job::Job(JobKind kind, Step step, bool streams, std::chrono::seconds time)
    : kind_(kind), step_(std::move(step)), streams_(streams), time_(time), deadline_(Clock::now() + time) {}

void Job::emit(const std::string& event, const Json& data) {
  if (!streams_) return;
  Event told{event, data.dump(-1, ' ', false, Json::error_handler_t::replace)};
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= kEventsAhead) {  // nobody reads them
      cancel();
      return;
    }
    events_.push_back(std::move(told));
  }
  tell_news();
}

void Job::tell_news() {
  changed_.notify_all();
  if (bell_) bell_->ring();
}

void Job::update(const char* what, std::size_t done, std::size_t total) {
  const auto now = Clock::now();
  if (!streams_ || now - last_update_ < std::chrono::milliseconds(100)) return;
  last_update_ = now;
  emit("progress", {{"what", what}, {"done", done}, {"total", total}});
}

void Job::let_others_pass() {
  if (queue_ != nullptr) queue_->let_others_pass();
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

const Answer& Job::answer() {
  const std::lock_guard lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  return answer_;
}

bool Job::run_step() {
  try {
    throw_if_cancelled();
    if (!step_(*this)) return false;
    finish(nullptr);
  } catch (const Interrupted&) {
    const bool late = !cancelled_.load();
    finish(late ? std::make_exception_ptr(Refusal(
                      408, "request", "took longer than the limit of " + std::to_string(time_.count()) + " seconds",
                      "ask for less at once"))
                : std::current_exception());
  } catch (...) {
    finish(std::current_exception());
  }
  return true;
}

void Job::run_to_the_end(const Step& step) {
  step_ = step;
  while (!run_step()) {
  }
}

void Job::finish(std::exception_ptr error) {
  step_ = nullptr;  // what it holds is not needed any more
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    finished_ = true;
  }
  tell_news();
}

JobQueue::JobQueue() : worker_([this] { work(); }) {}

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
  filled_.notify_all();
}

void JobQueue::submit(const std::string& client, const std::string& slot, const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) throw Refusal(503, "server", "is about to stop");
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
  std::size_t all = 0, patient = 0, own = 0;
  for (const Client& other : clients_) {
    all += other.jobs.size();
    patient += static_cast<std::size_t>(std::count_if(
        other.jobs.begin(), other.jobs.end(), [](const Waiting& one) { return one.job->kind_ == JobKind::patient; }));
    if (other.name == client) own = other.jobs.size();
  }
  const auto refuse = [](std::size_t limit, const char* of) {
    throw Refusal(429, "server", "the limit of " + std::to_string(limit) + " waiting requests" + of + " is reached");
  };
  if (own >= kWaitingJobsPerClient) refuse(kWaitingJobsPerClient, " per client");
  if (all >= kWaitingJobs) refuse(kWaitingJobs, "");
  if (job->kind_ == JobKind::patient && patient >= kWaitingPatientJobs) refuse(kWaitingPatientJobs, " that take long");
  job->queue_ = this;
  client_of(client).jobs.push_back({slot, job});
  filled_.notify_all();
}

JobQueue::Client& JobQueue::client_of(const std::string& name) {
  for (Client& client : clients_)
    if (client.name == name) return client;
  return clients_.emplace_back(Client{name, {}});
}

bool JobQueue::take(std::initializer_list<JobKind> kinds, std::string& client, Waiting& next) {
  for (std::size_t i = 0; i < clients_.size(); ++i)
    for (const JobKind kind : kinds) {
      Client& candidate = clients_[i];
      const auto found = std::find_if(candidate.jobs.begin(), candidate.jobs.end(),
                                      [&](const Waiting& waiting) { return waiting.job->kind_ == kind; });
      if (found == candidate.jobs.end()) continue;
      next = std::move(*found);
      candidate.jobs.erase(found);
      client = candidate.name;
      Client turned = std::move(candidate);
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
      if (!turned.jobs.empty()) clients_.push_back(std::move(turned));
      return true;
    }
  return false;
}

void JobQueue::put_back(const std::string& client, Waiting waiting) {
  client_of(client).jobs.push_front(std::move(waiting));
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

void JobQueue::let_others_pass() {
  std::unique_lock lock(mutex_);
  for (std::size_t steps = 0; steps < kStepsInARow && !stopping_; ++steps) {
    Waiting next;
    std::string client;
    if (!take({JobKind::quick, JobKind::steady}, client, next)) return;
    run_step(lock, client, std::move(next));
  }
}

void JobQueue::work() {
  std::size_t others = 0;  // steps since patient work had one
  std::unique_lock lock(mutex_);
  for (;;) {
    std::erase_if(clients_, [](const Client& client) { return client.jobs.empty(); });
    filled_.wait(lock, [this] { return stopping_ || !clients_.empty(); });
    if (stopping_) return;
    Waiting next;
    std::string client;
    const bool is_patients_turn = others >= kStepsInARow && take({JobKind::patient}, client, next);
    if (!is_patients_turn && !take({JobKind::quick, JobKind::steady}, client, next) &&
        !take({JobKind::patient}, client, next))
      continue;
    others = next.job->kind_ == JobKind::patient ? 0 : others + 1;
    run_step(lock, client, std::move(next));
  }
}

}  // namespace stratoscope::server
