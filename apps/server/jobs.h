// The job queue: one job computes at a time, with all cores. Clients take turns, short jobs go before long ones, and
// outdated jobs are cancelled.
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

#include "apps/server/job_result.h"
#include "stratoscope/base/progress.h"

namespace stratoscope::server {

// A file as a result, such as a figure.
struct FileResult {
  std::string bytes, type, name;
};

// A message of a job before its result, as in text/event-stream.
struct Event {
  std::string name;
  std::string data;  // JSON
};

// Wakes one waiting thread when any of the jobs that share it has an event or is finished.
class WakeUp {
 public:
  using Clock = std::chrono::steady_clock;
  void notify();
  // Returns at `time`, or earlier when notified; at once after a notification since the last wait.
  void wait_until(Clock::time_point time);

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool notified_ = false;
};

// high: one short result; normal: a stream of many parts. Clients take turns at both, and a client's high ones go
// first. low: long work, which has a step when no other job waits, and after every few steps of others.
enum class JobPriority { high, normal, low };

class JobQueue;

// The work of one request. Its steps run on the queue's thread; any thread may wait, read events and cancel.
class Job : public Progress {
 public:
  // Does a part of the work; returns true after the last one.
  using Step = std::function<bool(Job&)>;

  // A job that streams keeps its events for a reader. After `time` it ends with HttpError (408).
  Job(JobPriority priority, Step step, bool streams, std::chrono::seconds time);

  // For steps. Events are dropped unless the job streams.
  void emit(const std::string& event, const Json& data);
  void set_result(JobResult result) { result_ = std::move(result); }
  void set_result(FileResult file) { file_ = std::move(file); }
  void update(const char* what, std::size_t done, std::size_t total) override;
  // For long steps: runs waiting jobs of higher priority in this thread. Throws Interrupted.
  void yield();
  bool cancelled() const override { return cancelled_.load() || Clock::now() > deadline_; }

  // Call it before submit().
  void set_wake_up(std::shared_ptr<WakeUp> wake_up) { wake_up_ = std::move(wake_up); }

  // Runs all steps in the calling thread, outside the queue.
  void run_to_completion(const Step& step);

  // For the thread that waits.
  void cancel() { cancelled_.store(true); }
  // Waits for an event, the end of the job or the time limit; true when the job is finished.
  bool wait(std::chrono::milliseconds time);
  bool wait_for_end(std::chrono::milliseconds time);
  bool finished();
  bool has_events();
  std::vector<Event> take_events();
  // The result of a finished job. Throws the exception of its step.
  const JobResult& result();
  const FileResult* file() const { return file_.bytes.empty() ? nullptr : &file_; }

 private:
  friend class JobQueue;
  using Clock = std::chrono::steady_clock;
  bool run_step();  // true when finished
  void finish(std::exception_ptr error);
  void notify();

  const JobPriority priority_;
  Step step_;
  const bool streams_;
  const std::chrono::seconds time_;
  const Clock::time_point deadline_;
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<WakeUp> wake_up_;
  JobQueue* queue_ = nullptr;  // that it was submitted to
  Clock::time_point last_update_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
  bool finished_ = false;
  std::exception_ptr error_;
  JobResult result_;
  FileResult file_;
};

class JobQueue {
 public:
  JobQueue();
  // Cancels all jobs and waits for the running step.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // Cancels an unfinished job of the same client and slot, unless the slot is empty. Throws HttpError: 429 over a limit
  // of waiting jobs, 503 after stop().
  void submit(const std::string& client, const std::string& slot, const std::shared_ptr<Job>& job);
  // Cancels all jobs and accepts no more.
  void stop();
  // Runs waiting jobs of a higher priority, within a step on the queue's thread.
  void run_higher_priorities(JobPriority than);

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

  void run();
  // Takes the first job of these priorities, from the first client that has one; that client goes to the end.
  bool take(std::initializer_list<JobPriority> priorities, std::string& client, Waiting& next);
  void put_back(const std::string& client, Waiting waiting);
  void run_step(std::unique_lock<std::mutex>& lock, const std::string& client, Waiting next);
  Client& find_or_add_client(const std::string& name);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Client> clients_;    // with waiting jobs, in the order of their turns
  std::vector<Running> running_;  // a stack: the last one computes, the others have yielded to it
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace stratoscope::server
