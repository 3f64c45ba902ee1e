// Compares a run with stored float64 values of every hook point, hidden state and logit.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "stratoscope/files/safetensors.h"
#include "stratoscope/model/run.h"
#include "tests/support/compare.h"

namespace stratoscope::test {

// Each row within `tolerance` of its largest magnitude; scores relative to the largest of all scores, and of at least
// 1.
template <class T>
void expect_value(const SafetensorsFile& expected, const std::string& name, const BasicTensor<T>& actual,
                  double tolerance) {
  ASSERT_TRUE(expected.contains(name)) << name << " is not expected";
  const StoredTensor& stored = expected.at(name);
  ASSERT_EQ(actual.shape(), stored.shape) << name;
  const auto values = values_of(stored);
  const bool scores = name.ends_with("hook_attn_scores");
  const std::size_t cols = scores ? values.size() : stored.shape.back();
  const RowError error = largest_row_error(actual.values(), std::span<const double>(values), cols);
  double top = scores ? 0 : 1;
  for (const double value : values)
    if (scores && std::isfinite(value)) top = std::max(top, std::abs(value));
  EXPECT_LE(error.relative * std::min(top, 1.0), tolerance) << name << " at " << error.where();
}

template <class T>
void expect_run(const SafetensorsFile& expected, const Run<T>& run, double tolerance) {
  expect_value(expected, "hidden_states", run.hidden_states, tolerance);
  expect_value(expected, "logits", run.logits, tolerance);
  for (const auto& [point, value] : run.captured) expect_value(expected, name_of(point), value, tolerance);
}

}  // namespace stratoscope::test
