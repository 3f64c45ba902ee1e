// Cancellation for code without a Progress argument, such as readers of files: the thread's current Progress.
#pragma once

#include "stratoscope/base/progress.h"

namespace stratoscope {

// While it lives, `throw_if_cancelled` on this thread checks `progress`, which may be null.
class CancellationScope {
 public:
  explicit CancellationScope(const Progress* progress);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

 private:
  const Progress* previous_;
};

// Throws Interrupted when cancelled. It is fast enough for every step of a loop over the content of a file.
void throw_if_cancelled();

}  // namespace stratoscope
