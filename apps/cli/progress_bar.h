// Progress on standard error, only on a terminal: one bar, or one for each of several files. Ctrl-C is the request to
// stop.
#pragma once

#include <chrono>

#include "apps/cli/transfer_bars.h"
#include "stratoscope/base/progress.h"

namespace stratoscope::cli {

// The first SIGINT, SIGTERM or SIGHUP asks the running work to stop; another one more than a second later ends the
// process at once.
void watch_for_interrupts();
// The number of the received signal; 0 if none was received.
int interrupted();

class ProgressBar : public Progress {
 public:
  ProgressBar();
  ~ProgressBar() override;
  void update(const char* what, std::size_t done, std::size_t total) override;
  void update_parts(std::span<const ProgressPart> parts) override;
  bool cancelled() const override { return interrupted() != 0; }

 private:
  using Clock = std::chrono::steady_clock;
  bool on_terminal_;
  bool drawn_ = false;
  Clock::time_point start_, last_drawn_;
  TransferBars bars_;
};

}  // namespace stratoscope::cli
