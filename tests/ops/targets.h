// Runs a check on every instruction set that Highway's kernels were compiled for and that this processor has.
#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

namespace stratoscope::test {

template <class Check>
void on_every_target(const Check& check) {
  for (std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0; targets &= targets - 1) {
    const std::int64_t target = targets & -targets;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace stratoscope::test
