// Progress reports of a long job, and its cancellation.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"

namespace STRATOSCOPE_API stratoscope {

// One of several parallel tasks, such as the files of a download.
struct ProgressPart {
  std::string name;
  std::size_t done = 0, total = 0;  // bytes
  std::string note;                 // the reason why it waits; empty while it runs
};

// User interfaces (terminal, server, tests) derive from this; the library only calls it. Calls do not overlap.
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  virtual ~Progress() = default;

  // `done` of `total` steps of the job called `what` are finished.
  virtual void update(const char* what, std::size_t done, std::size_t total) {
    static_cast<void>(what);
    static_cast<void>(done);
    static_cast<void>(total);
  }
  // For parallel tasks: all of them, always in the same order, several times per second.
  virtual void update_parts(std::span<const ProgressPart> parts) { static_cast<void>(parts); }
  virtual bool cancelled() const { return false; }

  void throw_if_cancelled() const {
    if (cancelled()) throw Interrupted();
  }
};

// For work inside a longer job that reports its own progress: forwards only the cancellation.
class QuietProgress : public Progress {
 public:
  explicit QuietProgress(const Progress* outer) : outer_(outer) {}
  bool cancelled() const override { return outer_ != nullptr && outer_->cancelled(); }

 private:
  const Progress* outer_;
};

}  // namespace stratoscope
