// Writes the arrays of a saved run to disk, pass by pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "stratoscope/files/array_writer.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

// The blocks [first, last) of a saved run.
struct SavedBlocks {
  std::size_t first = 0, last = 0;
  bool starts = false, stops = false;  // starts from hidden states; stops before the final norm
  bool is_part() const { return starts || stops; }
};

// The sizes of the arrays, known before the first pass.
struct RunSizes {
  std::size_t texts = 0, rows = 0, longest = 0;
  std::vector<Capture> captures;           // hook points and heads
  std::vector<std::size_t> captured_rows;  // for each capture, over all texts
};

// Bytes of the arrays for one row of a pass.
std::size_t bytes_of_row(const RunSizes& sizes, const SavedBlocks& blocks, const ModelConfig& config, DType dtype);

template <class T>
class RunWriter {
 public:
  RunWriter(const std::filesystem::path& path, const Session& session, const RunSizes& sizes, const SavedBlocks& blocks,
            bool with_offsets);

  const std::vector<PlannedArray>& arrays() const { return writer_.arrays(); }
  // Writes the run of the next texts that have tokens; `texts` are these texts, concatenated, and the empty ones
  // between them.
  void write_values(const Run<T>& run);
  void write_texts(const std::vector<TokenIds>& texts);
  void commit(const Progress* progress) { writer_.commit(progress); }

 private:
  void write_integers(std::size_t array, std::size_t first, const std::vector<std::int64_t>& numbers);
  void write_rows(std::size_t array, const BasicTensor<T>& part, std::size_t axis, std::size_t first);

  ArrayWriter writer_;
  std::optional<std::size_t> logits_, offsets_,
      residual_;  // indices of these arrays, after input_ids and hidden_states
  std::size_t captured_ = 0;
  std::size_t texts_ = 0, rows_ = 0;        // written so far
  std::vector<std::size_t> captured_rows_;  // for each capture
};

}  // namespace stratoscope
