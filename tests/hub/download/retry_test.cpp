// How long is waited, and how often it is tried again.
#include "stratoscope/hub/download/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::refuses;

TEST(Retry, WaitsTwiceAsLongEachTimeUpToALimit) {
  const RetryOptions options;
  EXPECT_EQ(back_off(options, 1, 1), milliseconds(500));
  EXPECT_EQ(back_off(options, 1, 0), milliseconds(250));
  EXPECT_EQ(back_off(options, 2, 1), milliseconds(1000));
  EXPECT_EQ(back_off(options, 5, 1), milliseconds(8000));
  EXPECT_EQ(back_off(options, 50, 1), options.longest_delay);
  EXPECT_EQ(back_off(options, 5000, 0), options.longest_delay / 2);
}

TEST(Retry, WhatAnAnswerAsksFor) {
  const std::time_t now = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  const auto asked = [&](const char* name, const char* value) { return asked_wait({429, {{name, value}}, {}}, now); };
  EXPECT_EQ(asked("retry-after", "7"), seconds(7));
  EXPECT_EQ(asked("retry-after", "0"), seconds(0));
  EXPECT_EQ(asked("retry-after", "Tue, 14 Nov 2023 22:14:00 GMT"), seconds(40));
  EXPECT_EQ(asked("retry-after", "Tue, 14 Nov 2023 22:00:00 GMT"), seconds(0)) << "it is over";
  EXPECT_EQ(asked("ratelimit", "\"api\";r=0;t=55"), seconds(55));
  EXPECT_EQ(asked("ratelimit", "\"resolvers\";r=0;t=12;x=1"), seconds(12));
  for (const char* nonsense : {"", "soon", "-1", "7x", "99999999999999999999"})
    EXPECT_EQ(asked("retry-after", nonsense), std::nullopt) << nonsense;
  EXPECT_EQ(asked("ratelimit", "limit=10"), std::nullopt);
  EXPECT_EQ(asked("server", "7"), std::nullopt);
}

class Waits : public ::testing::Test {
 protected:
  // Every wait is recorded.
  const Wait wait_ = [this](milliseconds time, const std::string& why) {
    times_.push_back(time);
    reasons_.push_back(why);
  };
  std::vector<milliseconds> times_;
  std::vector<std::string> reasons_;
};

TEST_F(Waits, CallsUntilItSucceeds) {
  int calls = 0;
  const int result = with_retries({}, wait_, [&] {
    if (++calls < 4) throw PassingFault("pull", "not yet");
    return calls;
  });
  EXPECT_EQ(result, 4);
  EXPECT_EQ(times_.size(), 3U);
  EXPECT_LT(times_[0], times_[2]);
}

TEST_F(Waits, GivesUpWithTheLastReason) {
  RetryOptions options;
  options.tries = 5;
  const auto broken = [] { throw PassingFault("pull", "it broke", "mend it"); };
  EXPECT_TRUE(refuses([&] { with_retries(options, wait_, broken); }, "it broke (tried 5 times); mend it"));
  EXPECT_EQ(times_.size(), 4U);
  EXPECT_TRUE(refuses([&] { with_retries(options, wait_, [] { throw Error("pull", "for good"); }); }, "for good"));
  EXPECT_EQ(times_.size(), 4U) << "what does not pass is not tried again";
}

TEST_F(Waits, GivesUpSoonerOnWhatSeldomPasses) {
  const auto unreachable = [] { throw PassingFault("pull", "no network", {}, true); };
  EXPECT_TRUE(refuses([&] { with_retries({}, wait_, unreachable); }, "tried 3 times"));
}

TEST_F(Waits, ProgressStartsTheCountAnew) {
  RetryOptions options;
  options.tries = 3;
  Retry retry(options, wait_);
  for (int i = 0; i < 20; ++i) {
    retry.wait_after(PassingFault("pull", "dropped"));
    retry.note_progress();
  }
  EXPECT_EQ(times_.size(), 20U);
  for (const milliseconds time : times_) EXPECT_LE(time, options.first_delay);
}

TEST_F(Waits, AsLongAsTheServerAsks) {
  Retry retry({}, wait_);
  PassingFault fault("pull", "busy");
  fault.asked_wait = seconds(33);
  retry.wait_after(fault);
  EXPECT_EQ(times_[0], seconds(33));
  EXPECT_EQ(reasons_[0], "the hub asks to wait 33 s");
  fault.asked_wait = seconds(601);
  EXPECT_TRUE(refuses([&] { retry.wait_after(fault); }, "busy, and asks to wait 601 s"));
  fault.asked_wait = seconds(0);  // the default, without a request of the server
  retry.wait_after(fault);
  EXPECT_GT(times_[1], milliseconds(0));
}

}  // namespace
}  // namespace stratoscope
