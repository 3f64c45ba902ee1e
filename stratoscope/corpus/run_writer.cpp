#include "stratoscope/corpus/run_writer.h"

#include <algorithm>
#include <limits>

#include "stratoscope/corpus/run_arrays.h"
#include "stratoscope/model/pass/join_runs.h"

namespace stratoscope {
namespace {

// A hidden state is the input of a block, or the output of the final norm. The output of the last block is not a hidden
// state.
std::size_t hidden_states_of(const SavedBlocks& blocks, const ModelConfig& config) {
  if (!blocks.stops) return config.n_layers() - blocks.first + 1;
  return blocks.last - blocks.first + (blocks.last < config.n_layers() ? 1 : 0);
}

std::size_t heads_of(const Capture& capture, const ModelConfig& config) {
  return capture.heads ? capture.heads->size() : heads_of(capture.at, config);
}

Shape shape_of_capture(const Capture& capture, const ModelConfig& config, std::size_t rows, std::size_t longest) {
  const auto axes = axes_of(capture.at, config);
  Shape shape = shape_of(capture.at, config, rows);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis] == HookAxis::head) shape[axis] = heads_of(capture, config);
    if (axes[axis] == HookAxis::key) shape[axis] = longest;
  }
  return shape;
}

std::vector<PlannedArray> plan(const ModelConfig& config, DType dtype, const RunSizes& sizes, const SavedBlocks& blocks,
                               bool with_offsets) {
  std::vector<PlannedArray> arrays;
  arrays.push_back({"input_ids", DType::i64, {sizes.rows}});
  arrays.push_back({"hidden_states", dtype, {hidden_states_of(blocks, config), sizes.rows, config.d_model}});
  if (!blocks.stops) arrays.push_back({"logits", dtype, {sizes.rows, config.d_vocab}});
  if (with_offsets) arrays.push_back({"row_offsets", DType::i64, {sizes.texts + 1}});
  if (blocks.stops) arrays.push_back({"residual", dtype, {sizes.rows, config.d_model}});
  if (blocks.is_part()) arrays.push_back({"block_range", DType::i64, {2}});
  for (std::size_t i = 0; i < sizes.captures.size(); ++i)
    arrays.push_back({name_of(sizes.captures[i].at), dtype,
                      shape_of_capture(sizes.captures[i], config, sizes.captured_rows[i], sizes.longest)});
  return arrays;
}

template <class T>
constexpr DType kType = std::is_same_v<T, float> ? DType::f32 : DType::f64;

}  // namespace

std::size_t bytes_of_row(const RunSizes& sizes, const SavedBlocks& blocks, const ModelConfig& config, DType dtype) {
  std::size_t numbers = 0;
  for (const PlannedArray& array :
       plan(config, dtype, {1, 1, sizes.longest, sizes.captures, std::vector<std::size_t>(sizes.captures.size(), 1)},
            blocks, false))
    numbers += element_count(array.shape);
  return numbers * size_of(dtype);
}

template <class T>
RunWriter<T>::RunWriter(const std::filesystem::path& path, const Session& session, const RunSizes& sizes,
                        const SavedBlocks& blocks, bool with_offsets)
    : writer_(path, plan(session.config(), kType<T>, sizes, blocks, with_offsets), metadata_of(session)),
      captured_rows_(sizes.captures.size(), 0) {
  for (std::size_t i = 0; i < arrays().size(); ++i) {
    const std::string& name = arrays()[i].name;
    if (name == "logits") logits_ = i;
    if (name == "row_offsets") offsets_ = i;
    if (name == "residual") residual_ = i;
    if (name == "block_range")
      write_integers(i, 0, {static_cast<std::int64_t>(blocks.first), static_cast<std::int64_t>(blocks.last)});
  }
  captured_ = arrays().size() - sizes.captures.size();
  if (offsets_) write_integers(*offsets_, 0, {0});
}

template <class T>
void RunWriter<T>::write_integers(std::size_t array, std::size_t first, const std::vector<std::int64_t>& numbers) {
  writer_.write(array, first * sizeof(std::int64_t), std::as_bytes(std::span(numbers)));
}

// `part` may be shorter than the array along `axis`. Its last axis may be shorter too: keys beyond a text are written
// as masked keys.
template <class T>
void RunWriter<T>::write_rows(std::size_t array, const BasicTensor<T>& part, std::size_t axis, std::size_t first) {
  const PlannedArray& whole = arrays()[array];
  const Shape &from = part.shape(), &to = whole.shape;
  const std::size_t outer = axis == 0 ? 1 : from[0], rows = from[axis];
  std::size_t inner = 1, inner_to = 1;
  for (std::size_t a = axis + 1; a < from.size(); ++a) inner *= from[a], inner_to *= to[a];
  std::vector<T> padded;
  const bool is_scores = whole.name.ends_with("hook_attn_scores");
  const T unseen = is_scores ? -std::numeric_limits<T>::infinity() : T{0};
  for (std::size_t o = 0; o < outer; ++o) {
    const T* numbers = part.data() + o * rows * inner;
    if (inner != inner_to) {
      padded.assign(rows * inner_to, unseen);
      for (std::size_t r = 0; r < rows; ++r)
        std::copy_n(numbers + r * inner, inner, padded.begin() + static_cast<std::ptrdiff_t>(r * inner_to));
      numbers = padded.data();
    }
    writer_.write(array, (o * to[axis] + first) * inner_to * sizeof(T),
                  std::as_bytes(std::span(numbers, rows * inner_to)));
  }
}

template <class T>
void RunWriter<T>::write_texts(const std::vector<TokenIds>& texts) {
  std::vector<std::int64_t> ids, ends;
  for (const TokenIds& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    ends.push_back(static_cast<std::int64_t>(rows_ + ids.size()));
  }
  write_integers(0, rows_, ids);
  if (offsets_) write_integers(*offsets_, texts_ + 1, ends);
  rows_ += ids.size();
  texts_ += texts.size();
}

template <class T>
void RunWriter<T>::write_values(const Run<T>& run) {
  // A run that stops after the last block has one more entry than hidden states: the residual.
  const std::size_t entries = arrays()[1].shape[0], width = arrays()[1].shape[2];
  for (std::size_t entry = 0; entry < entries; ++entry)
    writer_.write(1, (entry * arrays()[1].shape[1] + rows_) * width * sizeof(T),
                  std::as_bytes(std::span(run.hidden_states.slice(entry).data, run.rows() * width)));
  if (logits_) write_rows(*logits_, run.logits, 0, rows_);
  if (residual_) write_rows(*residual_, run.residual, 0, rows_);
  for (std::size_t i = 0; i < captured_rows_.size(); ++i) {
    const auto& [point, value] = run.captured[i];
    const std::size_t axis = pos_axis_of(point);
    write_rows(captured_ + i, value, axis, captured_rows_[i]);
    captured_rows_[i] += value.shape()[axis];
  }
}

template class RunWriter<float>;
template class RunWriter<double>;

}  // namespace stratoscope
