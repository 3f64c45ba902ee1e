// Retries: back-off with jitter, and the waits that a server asks for.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <optional>
#include <string>

#include "stratoscope/hub/download/faults.h"
#include "stratoscope/hub/download/http.h"

namespace stratoscope {

struct RetryOptions {
  int tries = 8;         // in a row without progress
  int tries_seldom = 3;  // the same for failures that are rarely temporary
  std::chrono::milliseconds first_delay{500};
  std::chrono::milliseconds longest_delay{20'000};
  // If a server asks for a longer wait, the request fails.
  std::chrono::milliseconds longest_asked{600'000};
};

// Between half of it and all of it, by `jitter` from 0 to 1; it doubles with every failure, counted from 1.
std::chrono::milliseconds back_off(const RetryOptions& options, int failures, double jitter);

// The wait that a response asks for: Retry-After as seconds or as a date, or the hub's RateLimit ("api";r=0;t=55);
// nullopt if none.
std::optional<std::chrono::milliseconds> asked_wait(const HttpResponse& response, std::time_t now);

// Waits and shows `why`. Throws Interrupted when cancelled.
using Wait = std::function<void(std::chrono::milliseconds time, const std::string& why)>;

// Counts the failures of one job.
class Retry {
 public:
  Retry(const RetryOptions& options, Wait wait) : options_(options), wait_(std::move(wait)) {}
  // Waits before the next attempt, or throws the fault after the last one.
  void wait_after(const PassingFault& fault);
  void note_progress() { failures_ = 0; }

 private:
  RetryOptions options_;
  Wait wait_;
  int failures_ = 0;
};

// Calls it until it succeeds.
template <class Call>
auto with_retries(const RetryOptions& options, const Wait& wait, const Call& call) {
  Retry retry(options, wait);
  for (;;) {
    std::optional<PassingFault> failed;
    try {
      return call();
    } catch (const PassingFault& fault) {
      failed = fault;
    }
    retry.wait_after(*failed);
  }
}

}  // namespace stratoscope
