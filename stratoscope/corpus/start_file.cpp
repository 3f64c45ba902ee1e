#include "stratoscope/corpus/start_file.h"

#include <algorithm>
#include <cmath>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/save_arrays.h"
#include "stratoscope/model/hook_points.h"

namespace stratoscope {
namespace {

// The shape with `axes` axes, without an axis of 1 at `batch`.
Shape without_batch(Shape shape, std::size_t axes, std::size_t batch) {
  if (shape.size() == axes + 1 && shape[batch] == 1) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(batch));
  return shape;
}

}  // namespace

void StartFile::fail(const std::string& problem, const std::string& hint) const {
  throw Error("start", path_.string() + ": " + problem, hint);
}

StartFile::StartFile(const std::filesystem::path& path, std::size_t block, const Session& session)
    : path_(path), block_(block) {
  check_array_ending(path);
  if (path.extension() == ".npz")
    npz_.emplace(path);
  else
    safetensors_.emplace(path);
  ids_ = read_integers("input_ids");
  for (const std::int64_t id : ids_)
    if (id < 0 || static_cast<std::uint64_t>(id) >= session.config().d_vocab)
      fail("input_ids holds " + std::to_string(id) + ", which is not in the model's vocabulary of " +
           std::to_string(session.config().d_vocab));
  read_offsets();
  stream_ = find_stream(session.config());
  if (!safetensors_) return;
  const auto& metadata = safetensors_->metadata();
  const auto hash = metadata.find("model_hash"), name = metadata.find("model");
  if (hash != metadata.end() && hash->second != session.model_hash())
    notes_.push_back("the hidden states of " + path.string() + " are those of another model" +
                     (name == metadata.end() ? "" : ", " + in_quotes(name->second)));
}

bool StartFile::contains(const std::string& name) const {
  return safetensors_ ? safetensors_->contains(name) : npz_->contains(name);
}

std::optional<StartFile::Array> StartFile::find(const std::string& name) {
  if (!contains(name)) return std::nullopt;
  if (safetensors_) {
    const StoredTensor& tensor = safetensors_->at(name);
    return Array{tensor.dtype, tensor.shape, tensor.bytes};
  }
  auto found = unpacked_.find(name);
  if (found == unpacked_.end()) found = unpacked_.emplace(name, npz_->read(name)).first;
  return Array{found->second.dtype, found->second.shape, found->second.bytes};
}

std::vector<std::int64_t> StartFile::read_integers(const std::string& name) {
  const auto array = find(name);
  if (!array) fail("has no " + in_quotes(name), "--from takes a file that 'run --save' wrote");
  const Shape shape = without_batch(array->shape, 1, 0);
  if (shape.size() != 1 || is_floating(array->dtype))
    fail(name + " is " + std::string(name_of(array->dtype)) + " " + to_string(array->shape) +
             ", expected one row of integers",
         name == "input_ids" ? "its texts are concatenated, and row_offsets marks where each begins" : "");
  std::vector<double> numbers(shape[0]);  // exact below 2^53, which is enough for row offsets
  convert(array->dtype, array->bytes, std::span<double>(numbers));
  std::vector<std::int64_t> integers;
  integers.reserve(numbers.size());
  for (const double number : numbers)
    integers.push_back(std::abs(number) < 0x1p53 ? static_cast<std::int64_t>(number) : -1);
  return integers;
}

void StartFile::read_offsets() {
  has_offsets_ = contains("row_offsets");
  offsets_ = {0};
  if (!has_offsets_) {
    offsets_.push_back(ids_.size());
  } else {
    const auto given = read_integers("row_offsets");
    if (given.empty() || given[0] != 0) fail("row_offsets does not begin with 0");
    for (std::size_t i = 1; i < given.size(); ++i) {
      if (given[i] < given[i - 1]) fail("row_offsets falls");
      offsets_.push_back(static_cast<std::size_t>(given[i]));
    }
    if (offsets_.back() != ids_.size())
      fail("row_offsets ends at " + std::to_string(offsets_.back()) + ", but there are " + std::to_string(ids_.size()) +
           " input_ids");
  }
  if (ids_.empty()) fail("has no token");
}

// The block's input, [T, d_model].
StartFile::Array StartFile::find_stream(const ModelConfig& config) {
  const Shape expected{ids_.size(), config.d_model};
  const auto checked = [&](const std::string& name, const Array& array) {
    if (!is_floating(array.dtype) || without_batch(array.shape, expected.size(), 0) != expected)
      fail(name + " is " + std::string(name_of(array.dtype)) + " " + to_string(array.shape) + ", expected " +
           to_string(expected));
    return Array{array.dtype, expected, array.bytes};
  };
  std::size_t first = 0, end = config.n_layers() + 1;
  const bool is_part = contains("block_range");
  if (is_part) {
    const auto range = read_integers("block_range");
    if (range.size() != 2 || range[0] < 0 || range[1] < range[0] ||
        static_cast<std::uint64_t>(range[1]) > config.n_layers())
      fail("block_range does not fit a model of " + std::to_string(config.n_layers()) + " blocks");
    first = static_cast<std::size_t>(range[0]);
    end = static_cast<std::size_t>(range[1]);
  }
  if (is_part && end == block_)
    if (const auto residual = find("residual")) return checked("residual", *residual);
  if (block_ == config.n_layers()) {
    const std::string last = name_of(HookPoint{Hook::resid_post, config.n_layers() - 1});
    if (const auto stream = find(last)) return checked(last, *stream);
    fail("does not have the output of the last block: its last hidden state is after the final norm",
         "save it with --stop-at " + std::to_string(config.n_layers()) + " or --capture " + last);
  }
  const auto states = find("hidden_states");
  if (!states) fail("has no 'hidden_states'", "--from takes a file that 'run --save' wrote");
  const Shape shape = without_batch(states->shape, 3, 1);
  if (shape.size() != 3) fail("hidden_states has shape " + to_string(states->shape) + ", expected 3 axes");
  const std::size_t entries = shape[0];
  if (!is_part && entries != end)
    fail("hidden_states has " + std::to_string(entries) + " entries, but the model has " + std::to_string(end));
  if (block_ < first || block_ - first >= entries)
    fail("holds hidden states " + std::to_string(first) + " to " + std::to_string(first + entries - 1) + ", not " +
         std::to_string(block_));
  const std::size_t bytes = states->bytes.size() / entries;
  return checked("hidden_states, each entry,",
                 {states->dtype, {shape[1], shape[2]}, states->bytes.subspan((block_ - first) * bytes, bytes)});
}

TokenIds StartFile::ids(std::size_t text) const {
  TokenIds ids;
  for (std::size_t row = offsets_[text]; row < offsets_[text + 1]; ++row)
    ids.push_back(static_cast<std::int32_t>(ids_[row]));
  return ids;
}

std::shared_ptr<const Start> StartFile::rows(std::size_t first, std::size_t count) const {
  const std::size_t width = stream_.shape[1], bytes = width * size_of(stream_.dtype);
  Start start{block_, BasicTensor<double>({count, width})};
  convert(stream_.dtype, stream_.bytes.subspan(first * bytes, count * bytes), start.residual.values());
  for (std::size_t r = 0; r < count; ++r)
    for (const double number : start.residual.matrix().row_span(r))
      if (!std::isfinite(number))
        fail("the hidden state to start from holds NaN or infinity in row " + std::to_string(first + r));
  return std::make_shared<const Start>(std::move(start));
}

void StartFile::check_unchanged() const {
  if (safetensors_) safetensors_->check_unchanged();
}

}  // namespace stratoscope
