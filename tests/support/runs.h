// Comparison of complete runs bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "stratoscope/model/model.h"
#include "tests/support/compare.h"

namespace stratoscope::test {

template <class T>
bool same_bits(const BasicTensor<T>& a, const BasicTensor<T>& b) {
  return a.shape() == b.shape() && same_bits(a.values(), b.values());
}

// A request for every hook point of these texts.
inline RunRequest everything_of(const ModelConfig& config, std::vector<TokenIds> sequences) {
  RunRequest request;
  request.sequences = std::move(sequences);
  request.captures = captures_of(all_hook_points(config));
  return request;
}

// The outputs of a block's norms are newer than the stored goldens and frozen bits.
inline bool is_output_of_norm(Hook hook) { return hook == Hook::ln1_out || hook == Hook::ln2_out; }
inline RunRequest everything_but_outputs_of_norms(const ModelConfig& config, std::vector<TokenIds> sequences) {
  RunRequest request = everything_of(config, std::move(sequences));
  std::erase_if(request.captures, [](const Capture& capture) { return is_output_of_norm(capture.at.hook); });
  return request;
}

template <class T>
void expect_same_bits(const Run<T>& a, const Run<T>& b) {
  EXPECT_TRUE(same_bits(a.hidden_states, b.hidden_states)) << "hidden states";
  EXPECT_TRUE(same_bits(a.logits, b.logits)) << "logits";
  ASSERT_EQ(a.captured.size(), b.captured.size());
  for (std::size_t i = 0; i < a.captured.size(); ++i)
    EXPECT_TRUE(same_bits(a.captured[i].second, b.captured[i].second)) << name_of(a.captured[i].first);
}

// The rows [first, first + count) of the pos axis of a captured value, flattened; keys beyond `count` are omitted.
template <class T>
std::vector<T> rows_of_value(HookPoint point, const BasicTensor<T>& value, std::size_t first, std::size_t count) {
  const HookInfo& info = info_of(point.hook);
  std::vector<T> rows;
  if (info.has_axis(HookAxis::key)) {  // [head, pos, key]
    const std::size_t heads = value.shape()[0], total = value.shape()[1], keys = value.shape()[2];
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t r = first; r < first + count; ++r) {
        const T* row = value.data() + (head * total + r) * keys;
        rows.insert(rows.end(), row, row + count);
      }
    return rows;
  }
  const std::size_t width = value.size() / value.shape()[0];
  rows.assign(value.data() + first * width, value.data() + (first + count) * width);
  return rows;
}

// Whether sequence `s` of the batch has the same bits as `single`, a run of that sequence alone.
template <class T>
void expect_sequence_has_bits_of(const Run<T>& batch, std::size_t s, const Run<T>& single) {
  const std::size_t first = batch.row_offsets[s], count = batch.row_offsets[s + 1] - first;
  ASSERT_EQ(count, single.rows());
  for (std::size_t entry = 0; entry < batch.hidden_states.shape()[0]; ++entry) {
    const auto all = batch.hidden_states.slice(entry), own = single.hidden_states.slice(entry);
    EXPECT_TRUE(
        same_bits(std::span<const T>(all.row(first), count * all.cols), std::span<const T>(own.data, count * own.cols)))
        << "hidden state " << entry << " of sequence " << s;
  }
  const auto logits = batch.logits.matrix();
  EXPECT_TRUE(same_bits(std::span<const T>(logits.row(first), count * logits.cols), single.logits.values()))
      << "logits of sequence " << s;
  for (const auto& [point, value] : batch.captured) {
    const auto rows = rows_of_value(point, value, first, count),
               own = rows_of_value(point, single.value(point), 0, count);
    EXPECT_TRUE(same_bits(std::span<const T>(rows), std::span<const T>(own))) << name_of(point) << " of sequence " << s;
  }
}

}  // namespace stratoscope::test
