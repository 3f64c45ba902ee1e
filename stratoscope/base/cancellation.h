// The wish to stop, known to whatever a thread does: reading has no other way to learn of it.
#pragma once

#include "stratoscope/base/progress.h"

namespace stratoscope {

// While it lives, `throw_if_cancelled` on this thread asks `progress`, which may be null.
class CancellationScope {
 public:
  explicit CancellationScope(const Progress* progress);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

 private:
  const Progress* previous_;
};

// Throws Interrupted when the work is not wanted any more. Quick: for every step of a loop over what a file holds.
void throw_if_cancelled();

}  // namespace stratoscope
