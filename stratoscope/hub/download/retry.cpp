#include "stratoscope/hub/download/retry.h"

#include <curl/curl.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

namespace stratoscope {
namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> in_seconds(std::string_view text) {
  constexpr long kMost = 1'000'000;
  long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool ends = end == text.data() + text.size() || *end == ';' || *end == ',' || *end == ' ';
  if (error != std::errc() || !ends || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, kMost));
}

// std::random_device of a static libstdc++ needs glibc 2.36.
unsigned random_seed() {
  unsigned seed = 1;
  static_cast<void>(::getrandom(&seed, sizeof seed, GRND_NONBLOCK));  // without it the jitter is the same each time
  return seed;
}

double random_jitter() {
  thread_local std::minstd_rand generator{random_seed()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::string seconds_text(milliseconds time) {
  return std::to_string(std::max<long long>(1, (time.count() + 999) / 1000)) + " s";
}

}  // namespace

milliseconds back_off(const RetryOptions& options, int failures, double jitter) {
  const double doubled = static_cast<double>(options.first_delay.count()) * std::exp2(failures - 1);
  const double longest = std::min(doubled, static_cast<double>(options.longest_delay.count()));
  return milliseconds(std::lround(longest * (1 + jitter) / 2));
}

std::optional<milliseconds> asked_wait(const HttpResponse& response, std::time_t now) {
  if (const std::string after = response.header("retry-after"); !after.empty()) {
    if (const auto seconds = in_seconds(after)) return seconds;
    if (const std::time_t date = curl_getdate(after.c_str(), nullptr); date != -1)
      return std::chrono::seconds(std::max<std::time_t>(0, date - now));
  }
  const std::string limit = response.header("ratelimit");
  if (const auto reset = limit.find(";t="); reset != std::string::npos) return in_seconds(limit.substr(reset + 3));
  return std::nullopt;
}

void Retry::wait_after(const PassingFault& fault) {
  ++failures_;
  if (fault.asked_wait) {
    if (*fault.asked_wait > options_.longest_asked)
      throw Error(fault.where(), fault.problem() + ", and asks to wait " + seconds_text(*fault.asked_wait),
                  "run it again then; with a token ($HF_TOKEN) the hub allows more");
  }
  const int tries = fault.seldom_passes ? std::min(options_.tries_seldom, options_.tries) : options_.tries;
  if (failures_ >= tries)
    throw Error(fault.where(), fault.problem() + " (tried " + std::to_string(failures_) + " times)",
                fault.hint().empty() ? "the received bytes are kept: the same command resumes" : fault.hint());
  const milliseconds own = back_off(options_, failures_, random_jitter());
  const milliseconds time = std::max(own, fault.asked_wait.value_or(milliseconds(0)));
  wait_(time, (fault.asked_wait ? "the hub asks to wait " : "trying again in ") + seconds_text(time));
}

}  // namespace stratoscope
