// The job queue: turns, replaced jobs, limits, stopping.
#include "apps/server/jobs.h"

#include <gtest/gtest.h>

#include <future>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<Job> job_of(Job::Step step, JobPriority kind = JobPriority::high, bool streams = false) {
  return std::make_shared<Job>(kind, std::move(step), streams, std::chrono::seconds(60));
}

void finish(Job& job) {
  while (!job.wait(milliseconds(1000))) job.take_events();
}

// A job that blocks the queue until it is opened.
class Gate {
 public:
  std::shared_ptr<Job> job() {
    return job_of([this](Job&) {
      begun_.set_value();
      open_.get_future().wait();
      return true;
    });
  }
  void wait_until_begun() { begun_.get_future().wait(); }
  void open() { open_.set_value(); }

 private:
  std::promise<void> begun_, open_;
};

TEST(JobQueue, RunsAJobAndReturnsItsResult) {
  JobQueue queue;
  const auto job = job_of([](Job& self) {
    JobResult result;
    result.json["x"] = 1;
    self.set_result(result);
    return true;
  });
  queue.submit("a", "", job);
  finish(*job);
  EXPECT_EQ(job->result().json["x"], 1);
}

TEST(JobQueue, AnErrorReachesTheWaitingThread) {
  JobQueue queue;
  const auto job = job_of([](Job&) -> bool { throw Error("edit", "is wrong"); });
  queue.submit("a", "", job);
  finish(*job);
  EXPECT_THROW(job->result(), Error);
}

TEST(JobQueue, ANewerJobOfTheSameSlotReplacesAnOlderOne) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  const auto holder = gate.job();
  queue.submit("z", "", holder);
  gate.wait_until_begun();
  bool old_ran = false;
  const auto old = job_of([&](Job&) { return old_ran = true; });
  const auto other_slot = job_of([](Job&) { return true; });
  const auto other_client = job_of([](Job&) { return true; });
  const auto newer = job_of([](Job&) { return true; });
  queue.submit("a", "lens", old);
  queue.submit("a", "predict", other_slot);
  queue.submit("b", "lens", other_client);
  queue.submit("a", "lens", newer);
  EXPECT_TRUE(old->finished());
  EXPECT_THROW(old->result(), Interrupted);
  gate.open();
  for (const auto& job : {other_slot, other_client, newer}) {
    finish(*job);
    EXPECT_NO_THROW(job->result());
  }
  EXPECT_FALSE(old_ran);
}

TEST(JobQueue, ARunningJobIsCancelledByANewerOne) {
  std::promise<void> begun;
  JobQueue queue;
  const auto old = job_of([&](Job& self) {
    begun.set_value();
    while (!self.cancelled()) std::this_thread::yield();
    self.throw_if_cancelled();
    return true;
  });
  queue.submit("a", "lens", old);
  begun.get_future().wait();
  const auto newer = job_of([](Job&) { return true; });
  queue.submit("a", "lens", newer);
  finish(*old);
  finish(*newer);
  EXPECT_THROW(old->result(), Interrupted);
}

TEST(JobQueue, ClientsTakeTurns) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  const auto holder = gate.job();
  queue.submit("z", "", holder);
  gate.wait_until_begun();
  std::string order;
  std::vector<std::shared_ptr<Job>> jobs;
  const auto add = [&](const std::string& client, char name) {
    jobs.push_back(job_of([&order, name](Job&) {
      order += name;
      return true;
    }));
    queue.submit(client, "", jobs.back());
  };
  for (int i = 0; i < 4; ++i) add("busy", 'b');
  add("other", 'o');
  gate.open();
  for (const auto& job : jobs) finish(*job);
  EXPECT_EQ(order, "bobbb");
}

TEST(JobQueue, HighPriorityRunsBetweenTheStepsOfLowPriority) {
  std::promise<void> begun, high_submitted;
  std::string order;
  int steps = 0;
  JobQueue queue;
  const auto low = job_of(
      [&](Job&) {
        if (steps == 0) {
          begun.set_value();
          high_submitted.get_future().wait();
        }
        order += 'l';
        return ++steps == 3;
      },
      JobPriority::low);
  queue.submit("a", "", low);
  begun.get_future().wait();
  const auto high = job_of([&](Job&) {
    order += 'h';
    return true;
  });
  queue.submit("b", "", high);
  high_submitted.set_value();
  finish(*low);
  finish(*high);
  EXPECT_EQ(order, "lhll");
}

TEST(JobQueue, RunsInOrderOfPriority) {
  Gate gate;  // outlives the queue's thread
  std::string order;
  JobQueue queue;
  queue.submit("z", "", gate.job());
  gate.wait_until_begun();
  std::vector<std::shared_ptr<Job>> jobs;
  for (const auto& [kind, name] :
       {std::pair{JobPriority::low, 'l'}, {JobPriority::normal, 'n'}, {JobPriority::high, 'h'}}) {
    jobs.push_back(job_of(
        [&order, name = name, steps = 0](Job&) mutable {
          order += name;
          return ++steps == 2;
        },
        kind));
    queue.submit("a", "", jobs.back());
  }
  gate.open();
  for (const auto& job : jobs) finish(*job);
  EXPECT_EQ(order, "hhnnll");
}

TEST(JobQueue, HighPriorityDoesNotStarveOthers) {
  bool normal_ran = false, low_ran = false;
  std::function<bool(Job&)> flood;
  const auto normal = job_of([&](Job&) { return normal_ran = true; }, JobPriority::normal);
  const auto low = job_of([&](Job&) { return low_ran = true; }, JobPriority::low);
  JobQueue queue;
  // Each job of high priority submits the next one.
  flood = [&](Job&) {
    if (!normal_ran || !low_ran) queue.submit("a", "", job_of(flood));
    return true;
  };
  queue.submit("a", "", job_of([&](Job& self) {
                 queue.submit("b", "", normal);
                 queue.submit("b", "", low);
                 return flood(self);
               }));
  finish(*normal);
  finish(*low);
  EXPECT_TRUE(normal_ran);
  EXPECT_TRUE(low_ran);
}

TEST(JobQueue, HighPriorityRunsWhenAStepYields) {
  std::promise<void> begun, high_submitted;
  std::string order;
  JobQueue queue;
  const auto low = job_of(
      [&](Job& self) {
        begun.set_value();
        high_submitted.get_future().wait();
        order += 'l';
        self.yield();
        order += 'l';
        return true;
      },
      JobPriority::low);
  queue.submit("a", "sweep", low);
  begun.get_future().wait();
  int steps = 0;
  const auto high = job_of([&](Job&) {
    order += 'h';
    return ++steps == 2;
  });
  const auto other_low = job_of([&](Job&) { return true; }, JobPriority::low);
  queue.submit("b", "", other_low);
  queue.submit("b", "", high);
  high_submitted.set_value();
  finish(*low);
  finish(*other_low);
  EXPECT_TRUE(high->finished());
  EXPECT_EQ(order, "lhhl");
}

TEST(JobQueue, AJobThatHasYieldedIsStillReplacedByANewerOne) {
  std::promise<void> begun, high_submitted;
  JobQueue queue;
  bool went_on = false;
  const auto low = job_of(
      [&](Job& self) {
        begun.set_value();
        high_submitted.get_future().wait();
        self.yield();
        return went_on = true;
      },
      JobPriority::low);
  queue.submit("a", "sweep", low);
  begun.get_future().wait();
  const auto newer = job_of([](Job&) { return true; }, JobPriority::low);
  const auto high = job_of([&](Job&) {
    queue.submit("a", "sweep", newer);
    return true;
  });
  queue.submit("b", "", high);
  high_submitted.set_value();
  finish(*low);
  finish(*newer);
  EXPECT_THROW(low->result(), Interrupted);
  EXPECT_FALSE(went_on);
}

TEST(JobQueue, RejectsJobsOverItsLimits) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  queue.submit("z", "", gate.job());
  gate.wait_until_begun();
  const auto idle = [] { return job_of([](Job&) { return true; }); };
  for (std::size_t i = 0; i < kWaitingJobsPerClient; ++i) queue.submit("a", "", idle());
  EXPECT_THROW(queue.submit("a", "", idle()), HttpError);
  for (std::size_t i = kWaitingJobsPerClient; i < kWaitingJobs; ++i) queue.submit("b" + std::to_string(i), "", idle());
  EXPECT_THROW(queue.submit("c", "", idle()), HttpError);
  gate.open();
}

TEST(JobQueue, LowPriorityLeavesRoomForOthers) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  queue.submit("first", "", gate.job());
  gate.wait_until_begun();
  const auto idle = [](JobPriority kind) {
    return std::make_shared<Job>(
        kind, [](Job&) { return true; }, false, std::chrono::seconds(60));
  };
  for (std::size_t i = 0; i < kWaitingLowPriorityJobs; ++i)
    queue.submit("b" + std::to_string(i / 8), "", idle(JobPriority::low));
  EXPECT_THROW(queue.submit("c", "", idle(JobPriority::low)), HttpError);
  EXPECT_NO_THROW(queue.submit("c", "", idle(JobPriority::high)));
  gate.open();
}

TEST(JobQueue, StopInterruptsWaitingJobs) {
  std::shared_ptr<Job> waiting = job_of([](Job&) { return true; });
  {
    std::promise<void> begun;
    JobQueue queue;
    queue.submit("a", "", job_of([&](Job& self) {
                   begun.set_value();
                   while (!self.cancelled()) std::this_thread::yield();
                   return true;
                 }));
    begun.get_future().wait();
    queue.submit("a", "", waiting);
    queue.stop();
    EXPECT_THROW(queue.submit("a", "", job_of([](Job&) { return true; })), HttpError);
  }
  EXPECT_TRUE(waiting->finished());
  EXPECT_THROW(waiting->result(), Interrupted);
}

TEST(Job, EventsKeepTheirOrderAndNeedAStream) {
  const auto say = [](Job& self) {
    self.emit("cells", {{"done", 1}});
    self.emit("cells", {{"done", 2}});
    return true;
  };
  const auto streaming = job_of(nullptr, JobPriority::high, true), not_streaming = job_of(nullptr);
  streaming->run_to_completion(say);
  not_streaming->run_to_completion(say);
  const auto events = streaming->take_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].name, "cells");
  EXPECT_EQ(events[0].data, "{\"done\":1}");
  EXPECT_EQ(events[1].data, "{\"done\":2}");
  EXPECT_TRUE(not_streaming->take_events().empty());
}

TEST(WakeUp, IsNotifiedByEveryJobThatSharesIt) {
  const auto wake_up = std::make_shared<WakeUp>();
  const auto is_notified = [&](milliseconds time) {
    const auto begin = WakeUp::Clock::now();
    wake_up->wait_until(begin + time);
    return WakeUp::Clock::now() < begin + time;
  };
  constexpr milliseconds kLong{60'000}, kShort{20};
  JobQueue queue;
  for (const char* slot : {"one", "other"}) {
    std::promise<void> seen;
    const auto job = job_of(
        [&](Job& self) {
          self.emit("x", {});
          seen.get_future().wait();
          return true;
        },
        JobPriority::high, true);
    job->set_wake_up(wake_up);
    queue.submit("a", slot, job);
    EXPECT_TRUE(is_notified(kLong));  // an event
    EXPECT_EQ(job->take_events().size(), 1U);
    EXPECT_FALSE(is_notified(kShort));
    seen.set_value();
    EXPECT_TRUE(is_notified(kLong));  // the end
    EXPECT_TRUE(job->finished());
  }
  wake_up->notify();
  EXPECT_TRUE(is_notified(kLong)) << "notified before the wait";
  EXPECT_FALSE(is_notified(kShort)) << "only once";
}

TEST(Job, TooManyUnreadEventsCancelIt) {
  const auto job = job_of(nullptr, JobPriority::high, true);
  for (std::size_t i = 0; i <= kPendingEvents; ++i) job->emit("x", {});
  EXPECT_TRUE(job->cancelled());
}

TEST(Job, HasATimeLimit) {
  const auto late = std::make_shared<Job>(JobPriority::high, nullptr, false, std::chrono::seconds(0));
  late->run_to_completion([](Job&) { return true; });
  try {
    static_cast<void>(late->result());
    FAIL();
  } catch (const HttpError& error) {
    EXPECT_EQ(error.status(), 408);
  }
}

}  // namespace
}  // namespace stratoscope::server
