// One queue in front of the engine: one job computes at a time, with all cores. Tabs take turns, quick work goes before
// long work, and what nobody waits for any more is dropped.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/answer.h"
#include "stratoscope/base/progress.h"

namespace stratoscope::server {

// A file as an answer, such as a figure.
struct FileAnswer {
  std::string bytes, type, name;
};

// What a job tells before its result.
struct Event {
  std::string name;
  std::string data;  // JSON
};

// Rings when something is new of any job that has it.
class Bell {
 public:
  using Clock = std::chrono::steady_clock;
  void ring();
  // Returns at once when it has rung since the last wait.
  void wait_until(Clock::time_point time);

 private:
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;
};

// A client's quick jobs, each one answer, go before its steady ones, which stream many. Clients take turns at both;
// between them patient jobs, which take long, have a step.
enum class JobKind { quick, steady, patient };

class JobQueue;

// What a client waits for. Its steps run on the queue's thread; any thread may wait, read events and cancel.
class Job : public Progress {
 public:
  // Does a part of the work; true when that was the last one.
  using Step = std::function<bool(Job&)>;

  Job(JobKind kind, Step step, bool streams, std::chrono::seconds time);

  // For steps. An event reaches clients that stream; the result everyone.
  void emit(const std::string& event, const Json& data);
  void set_result(Answer answer) { answer_ = std::move(answer); }
  void set_result(FileAnswer file) { file_ = std::move(file); }
  void update(const char* what, std::size_t done, std::size_t total) override;
  // For patient steps that take long: jobs of other kinds have their turn now, in this thread. Throws Interrupted.
  void let_others_pass();
  bool cancelled() const override { return cancelled_.load() || Clock::now() > deadline_; }

  // Before it is submitted.
  void set_bell(std::shared_ptr<Bell> bell) { bell_ = std::move(bell); }

  // For work outside the queue, in the calling thread.
  void run_to_the_end(const Step& step);

  // For who waits.
  void cancel() { cancelled_.store(true); }
  // Until something is new or the time is over; true when the job is finished.
  bool wait(std::chrono::milliseconds time);
  bool wait_for_end(std::chrono::milliseconds time);
  bool finished();
  bool has_events();
  std::vector<Event> take_events();
  // Of a finished job. Throws what the work threw.
  const Answer& answer();
  const FileAnswer* file() const { return file_.bytes.empty() ? nullptr : &file_; }

 private:
  friend class JobQueue;
  using Clock = std::chrono::steady_clock;
  bool run_step();  // true when finished
  void finish(std::exception_ptr error);
  void tell_news();

  const JobKind kind_;
  Step step_;
  const bool streams_;
  const std::chrono::seconds time_;
  const Clock::time_point deadline_;
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<Bell> bell_;
  JobQueue* queue_ = nullptr;  // where it was submitted
  Clock::time_point last_update_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  bool finished_ = false;
  std::exception_ptr error_;
  Answer answer_;
  FileAnswer file_;
};

class JobQueue {
 public:
  JobQueue();
  // Cancels everything and waits for the step that runs.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // A job of the same client and (not empty) slot that is not finished is cancelled: it is stale. Throws Refusal (429)
  // where too many wait.
  void submit(const std::string& client, const std::string& slot, const std::shared_ptr<Job>& job);
  // Cancels everything; nothing is taken any more.
  void stop();
  // In the queue's thread, within a patient step.
  void let_others_pass();

 private:
  struct Waiting {
    std::string slot;
    std::shared_ptr<Job> job;
  };
  struct Running {
    std::string client;
    Waiting job;
  };
  struct Client {
    std::string name;
    std::deque<Waiting> jobs;
  };

  void work();
  // Of the first client that has any of these kinds, the first of them.
  bool take(std::initializer_list<JobKind> kinds, std::string& client, Waiting& next);
  void put_back(const std::string& client, Waiting waiting);
  void run_step(std::unique_lock<std::mutex>& lock, const std::string& client, Waiting next);
  Client& client_of(const std::string& name);

  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<Client> clients_;    // in the order of their turns; those without jobs are gone
  std::vector<Running> running_;  // the last one now, those before it wait for it
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace stratoscope::server
