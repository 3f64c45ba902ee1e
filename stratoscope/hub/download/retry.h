// When to try again: back-off with jitter, and the waits that a server asks for.
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
  int tries = 8;         // in a row without any progress
  int tries_seldom = 3;  // the same for what seldom passes
  std::chrono::milliseconds first_delay{500};
  std::chrono::milliseconds longest_delay{20'000};
  // A server that asks for a longer wait is not waited for.
  std::chrono::milliseconds longest_asked{600'000};
};

// Between half of it and all of it, by `jitter` from 0 to 1: twice as long with every failure, counted from 1.
std::chrono::milliseconds back_off(const RetryOptions& options, int failures, double jitter);

// What an answer asks for: Retry-After as seconds or as a date, or the hub's RateLimit ("api";r=0;t=55). Nothing where
// it asks for nothing.
std::optional<std::chrono::milliseconds> asked_wait(const HttpResponse& response, std::time_t now);

// Waits so long; `why` is shown meanwhile. Throws Interrupted when cancelled.
using Wait = std::function<void(std::chrono::milliseconds time, const std::string& why)>;

// Counts the failures of one job.
class Retry {
 public:
  Retry(const RetryOptions& options, Wait wait) : options_(options), wait_(std::move(wait)) {}
  // Waits before the next try, or throws the fault where enough were made.
  void wait_after(const PassingFault& fault);
  void note_progress() { failures_ = 0; }

 private:
  RetryOptions options_;
  Wait wait_;
  int failures_ = 0;
};

// Calls until it succeeds.
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
