#include "stratoscope/hub/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/fingerprint.h"
#include "stratoscope/hub/model_files.h"
#include "stratoscope/hub/nonfinite_tensors.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEmbedding = "wte.weight", kHead = "lm_head.weight";

// What wrappers of a model put before every name ("module.", "_orig_mod."), found by a tensor that each model has.
std::string shared_prefix(const std::vector<SafetensorsFile>& files) {
  constexpr std::string_view kFirst = "h.0.ln_1.weight", kModel = "transformer.";
  std::optional<std::string> shortest;
  for (const SafetensorsFile& file : files)
    for (const auto& [name, tensor] : file.tensors()) {
      if (!name.ends_with(kFirst)) continue;
      std::string prefix = name.substr(0, name.size() - kFirst.size());
      if (prefix.ends_with(kModel)) prefix.resize(prefix.size() - kModel.size());
      if ((prefix.empty() || prefix.ends_with('.')) && (!shortest || prefix.size() < shortest->size()))
        shortest = std::move(prefix);
    }
  return shortest.value_or("");
}

std::string without_prefix(std::string_view name, std::string_view wrapper) {
  constexpr std::string_view kPrefix = "transformer.";
  if (!name.starts_with(wrapper)) return std::string(name);
  name.remove_prefix(wrapper.size());
  return std::string(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
}

// Buffers of old files: the causal mask and its fill value, which the architecture implies.
bool is_mask_buffer(const std::string& name) {
  return name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
}

// "h.12.ln_1.weight" of a model that has no such block: then config.json and the weights do not belong together.
// Another name below "h." is somebody's addition, such as an adapter.
bool is_part_of_a_block(const std::string& name) {
  constexpr std::array<std::string_view, 6> kParts = {"ln_1.",        "ln_2.",     "attn.c_attn.",
                                                      "attn.c_proj.", "mlp.c_fc.", "mlp.c_proj."};
  if (!name.starts_with("h.")) return false;
  const std::size_t dot = name.find('.', 2);
  const std::string part = dot == std::string::npos ? "" : name.substr(dot + 1);
  return std::any_of(kParts.begin(), kParts.end(), [&](std::string_view known) {
    return part == std::string(known) + "weight" || part == std::string(known) + "bias";
  });
}

// Every tensor of the architecture with its shape, in the order of the forward pass.
std::vector<std::pair<std::string, Shape>> expected_tensors(const ModelConfig& c) {
  std::vector<std::pair<std::string, Shape>> expected = {{"wte.weight", {c.d_vocab, c.d_model}},
                                                         {"wpe.weight", {c.n_ctx, c.d_model}}};
  for (std::size_t layer = 0; layer < c.n_layers; ++layer) {
    const std::string block = "h." + std::to_string(layer) + ".";
    const std::pair<const char*, Shape> parts[] = {
        {"ln_1.weight", {c.d_model}},
        {"ln_1.bias", {c.d_model}},
        {"attn.c_attn.weight", {c.d_model, 3 * c.d_model}},
        {"attn.c_attn.bias", {3 * c.d_model}},
        {"attn.c_proj.weight", {c.d_model, c.d_model}},
        {"attn.c_proj.bias", {c.d_model}},
        {"ln_2.weight", {c.d_model}},
        {"ln_2.bias", {c.d_model}},
        {"mlp.c_fc.weight", {c.d_model, c.d_mlp}},
        {"mlp.c_fc.bias", {c.d_mlp}},
        {"mlp.c_proj.weight", {c.d_mlp, c.d_model}},
        {"mlp.c_proj.bias", {c.d_model}},
    };
    for (const auto& [name, shape] : parts) expected.emplace_back(block + name, shape);
  }
  expected.emplace_back("ln_f.weight", Shape{c.d_model});
  expected.emplace_back("ln_f.bias", Shape{c.d_model});
  return expected;
}

// Reads both, and keeps no pages.
bool same_numbers(const StoredTensor& a, const StoredTensor& b) {
  const std::size_t count = element_count(a.shape);
  constexpr std::size_t kAtOnce = 4096;
  std::vector<double> left(std::min(count, kAtOnce)), right(left.size());
  bool same = true;
  for (std::size_t begin = 0; begin < count && same; begin += kAtOnce) {
    const std::size_t size = std::min(kAtOnce, count - begin);
    const auto read = [&](const StoredTensor& tensor, std::vector<double>& numbers) {
      const std::size_t width = size_of(tensor.dtype);
      convert(tensor.dtype, tensor.bytes.subspan(begin * width, size * width), std::span(numbers).first(size));
    };
    if (a.dtype == b.dtype) {
      const std::size_t width = size_of(a.dtype);
      same = std::memcmp(a.bytes.data() + begin * width, b.bytes.data() + begin * width, size * width) == 0;
    } else {
      read(a, left);
      read(b, right);
      same = std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size), right.begin());
    }
  }
  MappedFile::release_pages(a.bytes);
  MappedFile::release_pages(b.bytes);
  return same;
}

}  // namespace

Checkpoint::Checkpoint(const fs::path& folder, const ModelConfig& config) : folder_(folder) {
  for (const fs::path& file : weight_files(folder)) files_.emplace_back(file);
  take_names(config);
  check(config);
}

void Checkpoint::take_names(const ModelConfig& config) {
  const std::string wrapper = shared_prefix(files_);
  for (const SafetensorsFile& opened : files_) {
    const std::string file = opened.path().filename().string();
    for (const auto& [stored_name, tensor] : opened.tensors()) {
      const std::string name = without_prefix(stored_name, wrapper);
      if (is_mask_buffer(name)) continue;
      if (!tensors_.emplace(name, tensor).second)
        throw Error("safetensors", file + ": tensor '" + name + "' is stored twice");
      file_of_[name] = file;
    }
  }
  // The shared matrix under the other name of its two.
  const std::string embedding(kEmbedding), head(kHead);
  if (!config.tie_word_embeddings || contains(embedding) || !contains(head)) return;
  auto stored = tensors_.extract(head);
  stored.key() = embedding;
  tensors_.insert(std::move(stored));
  file_of_[embedding] = file_of_.at(head);
}

void Checkpoint::check(const ModelConfig& config) {
  std::set<std::string> known;
  const auto check_one = [&](const std::string& name, const Shape& shape) {
    const StoredTensor& tensor = at(name);
    if (tensor.shape != shape)
      throw Error("safetensors",
                  file_of_.at(name) + ": tensor '" + name + "' has shape " + to_string(tensor.shape) + ", expected " +
                      to_string(shape),
                  "do config.json and the weights belong together, and is this a GPT-2 checkpoint?");
    if (!is_floating(tensor.dtype))
      throw Error("safetensors", file_of_.at(name) + ": tensor '" + name + "' is stored as " + in_quotes(tensor.type) +
                                     ", expected F32, F16 or BF16");
    parameters_ += element_count(shape);
    known.insert(name);
  };
  for (const auto& [name, shape] : expected_tensors(config)) check_one(name, shape);
  const std::string head(kHead);
  if (!config.tie_word_embeddings || contains(head)) check_one(head, {config.d_vocab, config.d_model});
  choose_unembedding(config);
  if (unembedding_ != head && contains(head)) parameters_ -= element_count(at(head).shape);
  for (const auto& [name, tensor] : tensors_) {
    if (known.contains(name)) continue;
    if (is_part_of_a_block(name))
      throw Error("safetensors",
                  file_of_.at(name) + ": tensor '" + name + "' is not part of a GPT-2 of " +
                      std::to_string(config.n_layers) + " blocks",
                  "do config.json and the weights belong together?");
    ignored_.insert(name);
    warnings_.push_back("tensor " + in_quotes(name) + " is not part of a GPT-2 and is ignored");
  }
}

void Checkpoint::choose_unembedding(const ModelConfig& config) {
  const std::string embedding(kEmbedding), head(kHead);
  unembedding_ = contains(head) ? head : embedding;
  if (!contains(head) || !config.tie_word_embeddings) return;
  if (same_numbers(at(embedding), at(head))) {
    unembedding_ = embedding;
  } else {
    warnings_.push_back(file_of_.at(head) +
                        ": 'lm_head.weight' differs from the embedding and is used, although config.json ties the two");
  }
}

const StoredTensor& Checkpoint::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    const std::string file = files_.size() == 1 ? files_[0].path().string() : folder_.string();
    throw Error("safetensors", file + ": tensor '" + name + "' is missing", "is this a GPT-2 checkpoint?");
  }
  return found->second;
}

template <class T>
BasicTensor<T> Checkpoint::read(const std::string& name) const {
  const StoredTensor& stored = at(name);
  BasicTensor<T> tensor(stored.shape);
  convert(stored.dtype, stored.bytes, tensor.values());
  return tensor;
}

void Checkpoint::lend(const std::string& name, const std::function<void(const float*)>& use) const {
  const StoredTensor& stored = at(name);
  const void* numbers = stored.bytes.data();
  if (stored.dtype == DType::f32 && reinterpret_cast<std::uintptr_t>(numbers) % alignof(float) == 0)
    use(static_cast<const float*>(numbers));
  else
    use(read<float>(name).data());
  MappedFile::release_pages(stored.bytes);
}

template <class T>
void Checkpoint::read_row(const std::string& name, std::size_t row, std::span<T> out) const {
  const StoredTensor& stored = at(name);
  const std::size_t width = size_of(stored.dtype) * out.size();
  convert(stored.dtype, stored.bytes.subspan(row * width, width), out);
}

template BasicTensor<float> Checkpoint::read(const std::string&) const;
template BasicTensor<double> Checkpoint::read(const std::string&) const;
template void Checkpoint::read_row(const std::string&, std::size_t, std::span<float>) const;
template void Checkpoint::read_row(const std::string&, std::size_t, std::span<double>) const;

std::vector<std::string> Checkpoint::nonfinite_tensors() const {
  std::vector<std::pair<std::string, StoredTensor>> tensors(tensors_.begin(), tensors_.end());
  std::erase_if(tensors, [&](const auto& tensor) {
    return (tensor.first == kHead && unembedding_ != kHead) || ignored_.contains(tensor.first);
  });
  return names_of_nonfinite(tensors);
}

void Checkpoint::release_pages() const {
  for (const SafetensorsFile& file : files_) file.release_pages();
}

void Checkpoint::check_unchanged() const {
  for (const SafetensorsFile& file : files_) file.check_unchanged();
}

std::string Checkpoint::fingerprint() const {
  const std::vector<std::pair<std::string, StoredTensor>> tensors(tensors_.begin(), tensors_.end());
  std::string hash = fingerprint_of(read_text_file(folder_ / "config.json"), tensors);
  check_unchanged();
  return hash;
}

}  // namespace stratoscope
