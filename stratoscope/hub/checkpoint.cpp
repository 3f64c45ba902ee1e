#include "stratoscope/hub/checkpoint.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/hub/model_files.h"

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

std::string without_prefix(const std::string& name) {
  constexpr std::string_view kPrefix = "transformer.";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

// Buffers of old files: the causal mask and its fill value, which the architecture implies.
bool is_mask_buffer(const std::string& name) {
  return name.starts_with("h.") && (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"));
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

// XXH3 over what is added, piece by piece.
class Fingerprint {
 public:
  Fingerprint() : state_(XXH3_createState(), XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(state_.get());
  }
  void add(std::span<const std::byte> bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }
  void add(std::string_view text) { XXH3_64bits_update(state_.get(), text.data(), text.size()); }
  std::string hex() const {
    constexpr int kDigits = 16, kBitsPerDigit = 4;
    std::string text(kDigits, '0');
    XXH64_hash_t hash = XXH3_64bits_digest(state_.get());
    for (int i = kDigits - 1; i >= 0; --i, hash >>= kBitsPerDigit)
      text[static_cast<std::size_t>(i)] = "0123456789abcdef"[hash & 15];
    return text;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

// Whether any number has all bits of its exponent set: NaN or infinity. The loop has no branch.
template <class Bits>
bool any_full_exponent(std::span<const std::byte> bytes, Bits exponent) {
  Bits found = 0;
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(Bits)) {
    Bits bits = 0;
    std::memcpy(&bits, bytes.data() + i, sizeof(Bits));
    found |= static_cast<Bits>((bits & exponent) == exponent);
  }
  return found != 0;
}

bool has_nonfinite(const StoredTensor& stored) {
  switch (stored.dtype) {
    case DType::f64: return any_full_exponent<std::uint64_t>(stored.bytes, 0x7ff0000000000000U);
    case DType::f32: return any_full_exponent<std::uint32_t>(stored.bytes, 0x7f800000U);
    case DType::f16: return any_full_exponent<std::uint16_t>(stored.bytes, 0x7c00U);
    case DType::bf16: return any_full_exponent<std::uint16_t>(stored.bytes, 0x7f80U);
    default: return false;
  }
}

}  // namespace

Checkpoint::Checkpoint(const fs::path& folder, const ModelConfig& config) : folder_(folder) {
  for (const fs::path& file : weight_files(folder)) open(file);
  check(config);
}

void Checkpoint::open(const fs::path& file) {
  files_.emplace_back(file);
  for (const auto& [stored_name, tensor] : files_.back().tensors()) {
    const std::string name = without_prefix(stored_name);
    if (is_mask_buffer(name)) continue;
    if (!tensors_.emplace(name, tensor).second)
      throw Error("safetensors", file.filename().string() + ": tensor '" + name + "' is stored twice");
    file_of_[name] = file.filename().string();
  }
}

void Checkpoint::check(const ModelConfig& config) {
  const auto expected = expected_tensors(config);
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
  for (const auto& [name, shape] : expected) check_one(name, shape);
  unembedding_ = config.tie_word_embeddings ? "wte.weight" : "lm_head.weight";
  if (!config.tie_word_embeddings) check_one(unembedding_, {config.d_vocab, config.d_model});
  for (const auto& [name, tensor] : tensors_) {
    if (known.contains(name)) continue;
    if (name.starts_with("h."))
      throw Error("safetensors",
                  file_of_.at(name) + ": tensor '" + name + "' is not part of a GPT-2 of " +
                      std::to_string(config.n_layers) + " blocks",
                  "do config.json and the weights belong together?");
    if (name != "lm_head.weight") ignored_.push_back(name);
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
    const bool tied = tensor.first == "lm_head.weight" && unembedding_ != tensor.first;
    return tied || std::find(ignored_.begin(), ignored_.end(), tensor.first) != ignored_.end();
  });
  std::vector<char> bad(tensors.size(), 0);
  parallel_for(tensors.size(), [&](std::size_t i) {
    bad[i] = has_nonfinite(tensors[i].second) ? 1 : 0;
    MappedFile::release_pages(tensors[i].second.bytes);  // a model is not to be in memory twice while it is packed
  });
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (bad[i] != 0) names.push_back(tensors[i].first);
  return names;
}

void Checkpoint::release_pages() const {
  for (const SafetensorsFile& file : files_) file.release_pages();
}

void Checkpoint::check_unchanged() const {
  for (const SafetensorsFile& file : files_) file.check_unchanged();
}

std::string Checkpoint::fingerprint() const {
  constexpr std::size_t kPiece = 4096, kPieces = 16;
  Fingerprint hash;
  hash.add(read_text_file(folder_ / "config.json"));
  for (const auto& [name, tensor] : tensors_) {
    hash.add(name + " " + tensor.type + " " + to_string(tensor.shape) + "\n");
    const std::size_t size = tensor.bytes.size();
    if (size <= kPiece * kPieces) {
      hash.add(tensor.bytes);
    } else {
      for (std::size_t i = 0; i < kPieces; ++i)
        hash.add(tensor.bytes.subspan((size - kPiece) / (kPieces - 1) * i, kPiece));
    }
  }
  check_unchanged();
  return hash.hex();
}

}  // namespace stratoscope
