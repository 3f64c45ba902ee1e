// The caller's functions, called from the work of one call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "stratoscope/base/progress.h"
#include "stratoscope/c/stratoscope.h"
#include "stratoscope/model/run.h"
#include "stratoscope/session/document.h"

namespace stratoscope::c {

// Calls of them come from the thread that made it alone, on the cores that this thread had before the call. Work in
// other threads leaves its progress here, and stops when a callback has asked for it.
class CallerProgress : public Progress {
 public:
  // Throws a StatusError for a struct of no size that was ever known; `callbacks` may be NULL.
  explicit CallerProgress(const stratoscope_callbacks* callbacks);

  void update(const char* what, std::size_t done, std::size_t total) override;
  void update_parts(std::span<const ProgressPart> parts) override;
  // Also asks the callback `progress`, now and then: long work may have nothing new to report.
  bool cancelled() const override;

  // Throws Interrupted where the callback asks to stop.
  void event(const std::string& name, const std::string& json);
  bool takes_events() const { return callbacks_.event != nullptr; }

  bool edits() const { return callbacks_.edit != nullptr; }
  // An edit of `point` in the request's sequence `sequence` by the callback `edit`. This object must outlive it.
  std::shared_ptr<const Edit> edit_of(HookPoint point, std::size_t sequence, const ModelConfig& config);

 private:
  using Clock = std::chrono::steady_clock;
  class CallbackEdit;

  bool is_caller() const { return std::this_thread::get_id() == caller_; }
  void ask() const;
  void stop_unless(const std::function<int()>& callback) const;

  stratoscope_callbacks callbacks_{};
  const std::thread::id caller_ = std::this_thread::get_id();
  mutable std::atomic<bool> stopped_{false};
  mutable Clock::time_point asked_ = Clock::now();  // used by the caller's thread alone
  std::string task_ = "work";
  std::size_t done_ = 0, total_ = 0;
};

}  // namespace stratoscope::c
