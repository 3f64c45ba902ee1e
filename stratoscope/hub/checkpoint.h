// The weights of one model folder: a model.safetensors, or several by their index. Mapped, read tensor by tensor.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/hub/model_config.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

class Checkpoint {
 public:
  // Opens the folder's safetensors and checks every tensor that the architecture needs against the configuration:
  // presence, shape, floating type. Throws Error naming the file and the tensor.
  Checkpoint(const std::filesystem::path& folder, const ModelConfig& config);

  // Names are Hugging Face's without the prefix "transformer." ("h.0.attn.c_attn.weight"). Throws Error if missing.
  const StoredTensor& at(const std::string& name) const;
  bool contains(const std::string& name) const { return tensors_.contains(name); }

  // The whole tensor, converted. T is float or double.
  template <class T>
  BasicTensor<T> read(const std::string& name) const;
  // Calls use(numbers) with the whole tensor in float32, straight from the file where it is stored so, and then gives
  // its pages back: for who makes something else of the numbers.
  void lend(const std::string& name, const std::function<void(const float*)>& use) const;
  // Row `row` of a matrix, converted: an embedding without the table.
  template <class T>
  void read_row(const std::string& name, std::size_t row, std::span<T> out) const;

  // The tensor that holds the unembedding, [d_vocab, d_model]: "lm_head.weight" where it is separate, else
  // "wte.weight". A stored lm_head is ignored when the configuration ties them, as Hugging Face does.
  const std::string& unembedding() const { return unembedding_; }

  // Numbers that the model is made of; a tied unembedding counts once.
  std::size_t parameters() const { return parameters_; }
  // Of the largest tensor: what the file stores ("F16").
  DType dtype() const { return at("wte.weight").dtype; }
  // The names of tensors that hold NaN or infinity. Reads everything, and keeps no pages.
  std::vector<std::string> nonfinite_tensors() const;
  const std::vector<std::string>& ignored() const { return ignored_; }
  // Throws Error when a file of the weights was changed since it was opened; for after reading from them.
  void check_unchanged() const;
  // Gives back the memory of pages that were read; they are read again from the file when they are needed.
  void release_pages() const;

  // 16 hexadecimal digits, an XXH3 over config.json, the tensors' names, types and shapes, and the numbers: all of
  // a small tensor's, evenly spaced pieces of a large one's.
  std::string fingerprint() const;

 private:
  void open(const std::filesystem::path& file);
  void check(const ModelConfig& config);

  std::filesystem::path folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> file_of_;
  std::vector<std::string> ignored_;  // sorted
  std::string unembedding_;
  std::size_t parameters_ = 0;
};

}  // namespace stratoscope
