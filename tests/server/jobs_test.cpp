// The queue: turns, stale work, limits, the end.
#include "apps/server/jobs.h"

#include <gtest/gtest.h>

#include <future>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<Job> job_of(Job::Step step, JobKind kind = JobKind::quick, bool streams = false) {
  return std::make_shared<Job>(kind, std::move(step), streams, std::chrono::seconds(60));
}

void finish(Job& job) {
  while (!job.wait(milliseconds(1000))) job.take_events();
}

// Holds the queue until let go.
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

TEST(JobQueue, RunsAJobAndHandsOverItsAnswer) {
  JobQueue queue;
  const auto job = job_of([](Job& self) {
    Answer answer;
    answer.json["x"] = 1;
    self.set_result(answer);
    return true;
  });
  queue.submit("a", "", job);
  finish(*job);
  EXPECT_EQ(job->answer().json["x"], 1);
}

TEST(JobQueue, AnErrorReachesWhoWaits) {
  JobQueue queue;
  const auto job = job_of([](Job&) -> bool { throw Error("edit", "is wrong"); });
  queue.submit("a", "", job);
  finish(*job);
  EXPECT_THROW(job->answer(), Error);
}

TEST(JobQueue, ANewerRequestOfTheSameSlotReplacesAnOlderOne) {
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
  EXPECT_THROW(old->answer(), Interrupted);
  gate.open();
  for (const auto& job : {other_slot, other_client, newer}) {
    finish(*job);
    EXPECT_NO_THROW(job->answer());
  }
  EXPECT_FALSE(old_ran);
}

TEST(JobQueue, ARunningStaleJobIsAskedToStop) {
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
  EXPECT_THROW(old->answer(), Interrupted);
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
  for (int i = 0; i < 4; ++i) add("greedy", 'g');
  add("other", 'o');
  gate.open();
  for (const auto& job : jobs) finish(*job);
  EXPECT_EQ(order, "goggg");
}

TEST(JobQueue, QuickWorkPassesBetweenTheStepsOfPatientWork) {
  std::promise<void> begun, quick_is_there;
  std::string order;
  int steps = 0;
  JobQueue queue;
  const auto patient = job_of(
      [&](Job&) {
        if (steps == 0) {
          begun.set_value();
          quick_is_there.get_future().wait();
        }
        order += 'p';
        return ++steps == 3;
      },
      JobKind::patient);
  queue.submit("a", "", patient);
  begun.get_future().wait();
  const auto quick = job_of([&](Job&) {
    order += 'q';
    return true;
  });
  queue.submit("b", "", quick);
  quick_is_there.set_value();
  finish(*patient);
  finish(*quick);
  EXPECT_EQ(order, "pqpp");
}

TEST(JobQueue, AnAnswerGoesBeforeAStreamAndBothBeforeWhatTakesLong) {
  Gate gate;  // outlives the queue's thread
  std::string order;
  JobQueue queue;
  queue.submit("z", "", gate.job());
  gate.wait_until_begun();
  std::vector<std::shared_ptr<Job>> jobs;
  for (const auto& [kind, name] : {std::pair{JobKind::patient, 'p'}, {JobKind::steady, 's'}, {JobKind::quick, 'q'}}) {
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
  EXPECT_EQ(order, "qqsspp");
}

TEST(JobQueue, AFloodOfQuickWorkStarvesNobody) {
  bool steady_ran = false, patient_ran = false;
  std::function<bool(Job&)> flood;
  const auto steady = job_of([&](Job&) { return steady_ran = true; }, JobKind::steady);
  const auto patient = job_of([&](Job&) { return patient_ran = true; }, JobKind::patient);
  JobQueue queue;
  // Each quick job submits the next one.
  flood = [&](Job&) {
    if (!steady_ran || !patient_ran) queue.submit("a", "", job_of(flood));
    return true;
  };
  queue.submit("a", "", job_of([&](Job& self) {
                 queue.submit("b", "", steady);
                 queue.submit("b", "", patient);
                 return flood(self);
               }));
  finish(*steady);
  finish(*patient);
  EXPECT_TRUE(steady_ran);
  EXPECT_TRUE(patient_ran);
}

TEST(JobQueue, QuickWorkPassesWithinAStepThatLetsIt) {
  std::promise<void> begun, quick_is_there;
  std::string order;
  JobQueue queue;
  const auto patient = job_of(
      [&](Job& self) {
        begun.set_value();
        quick_is_there.get_future().wait();
        order += 'p';
        self.let_others_pass();
        order += 'p';
        return true;
      },
      JobKind::patient);
  queue.submit("a", "sweep", patient);
  begun.get_future().wait();
  int steps = 0;
  const auto quick = job_of([&](Job&) {
    order += 'q';
    return ++steps == 2;
  });
  const auto other_patient = job_of([&](Job&) { return true; }, JobKind::patient);
  queue.submit("b", "", other_patient);
  queue.submit("b", "", quick);
  quick_is_there.set_value();
  finish(*patient);
  finish(*other_patient);
  EXPECT_TRUE(quick->finished());
  EXPECT_EQ(order, "pqqp");
}

TEST(JobQueue, APatientJobThatIsPassedIsStillReplacedByANewerOne) {
  std::promise<void> begun, quick_is_there;
  JobQueue queue;
  bool went_on = false;
  const auto patient = job_of(
      [&](Job& self) {
        begun.set_value();
        quick_is_there.get_future().wait();
        self.let_others_pass();
        return went_on = true;
      },
      JobKind::patient);
  queue.submit("a", "sweep", patient);
  begun.get_future().wait();
  const auto newer = job_of([](Job&) { return true; }, JobKind::patient);
  const auto quick = job_of([&](Job&) {
    queue.submit("a", "sweep", newer);
    return true;
  });
  queue.submit("b", "", quick);
  quick_is_there.set_value();
  finish(*patient);
  finish(*newer);
  EXPECT_THROW(patient->answer(), Interrupted);
  EXPECT_FALSE(went_on);
}

TEST(JobQueue, RefusesMoreThanItsLimits) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  queue.submit("z", "", gate.job());
  gate.wait_until_begun();
  const auto idle = [] { return job_of([](Job&) { return true; }); };
  for (std::size_t i = 0; i < kWaitingJobsPerClient; ++i) queue.submit("a", "", idle());
  EXPECT_THROW(queue.submit("a", "", idle()), Refusal);
  for (std::size_t i = kWaitingJobsPerClient; i < kWaitingJobs; ++i) queue.submit("b" + std::to_string(i), "", idle());
  EXPECT_THROW(queue.submit("c", "", idle()), Refusal);
  gate.open();
}

TEST(JobQueue, WhatTakesLongLeavesRoomForTheRest) {
  Gate gate;  // outlives the queue's thread
  JobQueue queue;
  queue.submit("first", "", gate.job());
  gate.wait_until_begun();
  const auto idle = [](JobKind kind) {
    return std::make_shared<Job>(
        kind, [](Job&) { return true; }, false, std::chrono::seconds(60));
  };
  for (std::size_t i = 0; i < kWaitingPatientJobs; ++i)
    queue.submit("b" + std::to_string(i / 8), "", idle(JobKind::patient));
  EXPECT_THROW(queue.submit("c", "", idle(JobKind::patient)), Refusal);
  EXPECT_NO_THROW(queue.submit("c", "", idle(JobKind::quick)));
  gate.open();
}

TEST(JobQueue, ItsEndInterruptsWhatWaits) {
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
    EXPECT_THROW(queue.submit("a", "", job_of([](Job&) { return true; })), Refusal);
  }
  EXPECT_TRUE(waiting->finished());
  EXPECT_THROW(waiting->answer(), Interrupted);
}

TEST(Job, EventsComeInOrderAndOnlyToStreams) {
  const auto say = [](Job& self) {
    self.emit("cells", {{"done", 1}});
    self.emit("cells", {{"done", 2}});
    return true;
  };
  const auto streaming = job_of(nullptr, JobKind::quick, true), silent = job_of(nullptr);
  streaming->run_to_the_end(say);
  silent->run_to_the_end(say);
  const auto events = streaming->take_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].name, "cells");
  EXPECT_EQ(events[0].data, "{\"done\":1}");
  EXPECT_EQ(events[1].data, "{\"done\":2}");
  EXPECT_TRUE(silent->take_events().empty());
}

TEST(Bell, RingsForEveryJobThatHasIt) {
  const auto bell = std::make_shared<Bell>();
  const auto rings = [&](milliseconds time) {
    const auto begin = Bell::Clock::now();
    bell->wait_until(begin + time);
    return Bell::Clock::now() < begin + time;
  };
  constexpr milliseconds kLong{60'000}, kShort{20};
  JobQueue queue;
  for (const char* slot : {"one", "other"}) {
    std::promise<void> heard;
    const auto job = job_of(
        [&](Job& self) {
          self.emit("x", {});
          heard.get_future().wait();
          return true;
        },
        JobKind::quick, true);
    job->set_bell(bell);
    queue.submit("a", slot, job);
    EXPECT_TRUE(rings(kLong));  // an event
    EXPECT_EQ(job->take_events().size(), 1U);
    EXPECT_FALSE(rings(kShort));
    heard.set_value();
    EXPECT_TRUE(rings(kLong));  // the end
    EXPECT_TRUE(job->finished());
  }
  bell->ring();
  EXPECT_TRUE(rings(kLong)) << "it rang before anybody waited";
  EXPECT_FALSE(rings(kShort)) << "once";
}

TEST(Job, AReaderWhoFallsBehindEndsIt) {
  const auto job = job_of(nullptr, JobKind::quick, true);
  for (std::size_t i = 0; i <= kEventsAhead; ++i) job->emit("x", {});
  EXPECT_TRUE(job->cancelled());
}

TEST(Job, ItsTimeIsBounded) {
  const auto late = std::make_shared<Job>(JobKind::quick, nullptr, false, std::chrono::seconds(0));
  late->run_to_the_end([](Job&) { return true; });
  try {
    static_cast<void>(late->answer());
    FAIL();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.status(), 408);
  }
}

}  // namespace
}  // namespace stratoscope::server
