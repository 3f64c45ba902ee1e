#include "apps/cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <string>

#include "apps/cli/output.h"

namespace stratoscope::cli {
namespace {

volatile std::sig_atomic_t interrupting_signal = 0;
volatile std::time_t first_seconds = 0;
volatile long first_nanoseconds = 0;

// A sender that ends a process group, such as a terminal or `timeout` of coreutils, may send the same signal twice.
extern "C" void on_interrupt(int signal) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  if (interrupting_signal == 0) {
    interrupting_signal = signal;
    first_seconds = now.tv_sec;
    first_nanoseconds = now.tv_nsec;
    return;
  }
  constexpr double kNanosecond = 1e-9;
  const auto passed = static_cast<double>(now.tv_sec - first_seconds) +
                      kNanosecond * static_cast<double>(now.tv_nsec - first_nanoseconds);
  if (passed < 1) return;
  std::signal(signal, SIG_DFL);
  ::raise(signal);  // delivered when this handler returns
}

std::string rate_text(double per_second) {
  return per_second >= 10 ? fmt::format("{:.0f}/s", per_second) : fmt::format("{:.1f}/s", per_second);
}

std::string left_text(double seconds) {
  const auto minutes = static_cast<long>(seconds / 60);
  return minutes < 2     ? fmt::format("{:.0f} s left", seconds)
         : minutes < 120 ? fmt::format("{} min left", minutes)
                         : fmt::format("{} h {} min left", minutes / 60, minutes % 60);
}

}  // namespace

void watch_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART, so that reading standard input is interrupted too
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)  // under nohup, SIGHUP stays ignored
    ::sigaction(SIGHUP, &action, nullptr);
}

int interrupted() { return interrupting_signal; }

ProgressBar::ProgressBar() : on_terminal_(::isatty(STDERR_FILENO) != 0), start_(Clock::now()), last_drawn_(start_) {}

ProgressBar::~ProgressBar() {
  tell(bars_.clear());
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::update(const char* what, std::size_t done, std::size_t total) {
  using std::chrono::milliseconds;
  const auto now = Clock::now();
  if (done == 0) start_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  // Work of less than two seconds has no bar; the bar is drawn at most ten times a second.
  if (!on_terminal_ || (!drawn_ && elapsed < 2) || (drawn_ && now - last_drawn_ < milliseconds(100))) return;
  drawn_ = true;
  last_drawn_ = now;
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
  if (total == 0) return tell(fmt::format("\r\033[K{} {}  {}", done, what, rate_text(rate)));
  constexpr std::size_t kWidth = 30;
  const std::size_t full = kWidth * std::min(done, total) / total;
  const double left =
      done > 0 ? elapsed / static_cast<double>(done) * static_cast<double>(total - std::min(done, total)) : 0;
  tell(fmt::format("\r\033[K{} [{}{}] {}/{}  {}  {}", what, std::string(full, '#'), std::string(kWidth - full, '.'),
                   done, total, rate_text(rate), left_text(left)));
  std::fflush(stderr);
}

void ProgressBar::update_parts(std::span<const ProgressPart> parts) {
  constexpr std::chrono::milliseconds kPatience{500};  // shorter transfers have no bars
  constexpr std::size_t kColumns = 80, kRows = 24;
  const auto now = Clock::now();
  if (!on_terminal_ || now - start_ < kPatience) return;
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  tell(bars_.draw(parts, now, known ? size.ws_col : kColumns, known ? size.ws_row : kRows));
}

}  // namespace stratoscope::cli
