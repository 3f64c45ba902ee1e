// The weights of one model folder: a model.safetensors, or several by their index. Mapped, read tensor by tensor.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/families/tensor_roles.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/tensor/tensor.h"

namespace STRATOSCOPE_API stratoscope {

class Checkpoint {
 public:
  // Opens the folder's safetensors and checks every tensor of the architecture: presence, shape, floating-point type.
  // Throws Error with the names of the file and the tensor.
  Checkpoint(const std::filesystem::path& folder, const ModelConfig& config);

  // Names are those of Hugging Face without the family's prefix ("transformer.") and the prefix of wrappers
  // ("module."): "h.0.attn.c_attn.weight". Throws Error if missing.
  const StoredTensor& at(const std::string& name) const;
  bool contains(const std::string& name) const { return tensors_.contains(name); }
  // All tensors of the files, also ignored ones, under the names that they have there; in the order of the names.
  std::map<std::string, const StoredTensor*> stored_tensors() const;
  // A tensor by its name in the files, by its name above, or by that with the family's prefix; null if there is none.
  const StoredTensor* find(const std::string& name) const;

  // A matrix of the model as [in, out], independent of its layout in the file, converted. T is float or double.
  template <class T>
  BasicTensor<T> read_matrix(Role role, std::size_t layer = 0) const;
  // `count` columns of it from `first` on, [in, count].
  template <class T>
  BasicTensor<T> read_columns(Role role, std::size_t layer, std::size_t first, std::size_t count) const;
  // Its bias, [out]; zeros without one.
  template <class T>
  BasicTensor<T> read_bias(Role role, std::size_t layer = 0) const;
  // The vectors of a norm, repeated to the length of its rows; empty for ones and zeros.
  template <class T>
  struct Norm {
    BasicTensor<T> weight, bias;
  };
  template <class T>
  Norm<T> read_norm(Role role, std::size_t layer = 0) const;
  // Row `row` of a table ([d_vocab or positions, d_model]), converted: an embedding without the table.
  template <class T>
  void read_row(Role role, std::size_t row, std::span<T> out) const;

  // Float32 weights of matrices with the same input, side by side: [in, out] or [out, in], by the layout.
  struct LentMatrix {
    const float* numbers;
    std::size_t in, out;
    WeightLayout layout;
    bool finite;  // all numbers are finite
  };
  // Whether they are stored in the file in this form.
  bool lie_as_lent(std::span<const Role> roles, std::size_t layer) const;
  // The same matrices piece by piece, converted on request.
  struct LentColumns {
    std::size_t in, out;
    std::function<void(std::size_t first, std::size_t count, float* columns)> copy;  // columns [count, in]
  };
  // The checkpoint must outlive them.
  LentColumns columns_of(std::span<const Role> roles, std::size_t layer) const;
  // Calls `use` with them, directly from the mapped file if they are stored in this form, and then releases its pages;
  // for callers that transform the numbers.
  void lend(std::span<const Role> roles, std::size_t layer, const std::function<void(const LentMatrix&)>& use) const;
  void lend(Role role, const std::function<void(const LentMatrix&)>& use) const { lend({&role, 1}, 0, use); }

  // Whether the unembedding is a separate matrix: if it is stored, also if it differs from the embedding although the
  // configuration ties them (as in transformers 5). A single matrix stored under the name of the unembedding is both.
  bool has_own_unembedding() const { return unembedding_ != embedding_; }

  // The number of parameters; a tied unembedding counts once.
  std::size_t parameters() const { return parameters_; }
  // The stored type of the largest tensor ("F16").
  DType dtype() const { return at(embedding_).dtype; }
  // The names of tensors with NaN or infinity, except for matrices that were lent and are `finite`. Reads all others,
  // and keeps no pages.
  std::vector<std::string> nonfinite_tensors(bool lent_are_finite = false) const;
  // Warnings for the user: ignored tensors, an untied unembedding that config.json does not mention.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Throws Error if a file of the weights was changed since it was opened; call it after reading them.
  void check_unchanged() const;
  // Releases the memory of the pages that were read; they are read again from the file when needed.
  void release_pages() const;

  // 16 hexadecimal digits, an XXH3 over config.json, the tensors' names, types and shapes, and the numbers: all of
  // a small tensor's, evenly spaced pieces of a large one's.
  std::string fingerprint() const;

 private:
  void take_names();
  void check();
  void choose_unembedding();
  StoredMatrix matrix(Role role, std::size_t layer) const;
  template <class T>
  void copy_units(const StoredMatrix& matrix, std::size_t first, std::size_t count, T* out, std::size_t unit_stride,
                  std::size_t in_stride) const;
  void release_units(const StoredMatrix& matrix, std::size_t first, std::size_t count) const;
  struct MatrixGroup;
  MatrixGroup matrix_group(std::span<const Role> roles, std::size_t layer) const;
  bool are_finite(const MatrixGroup& all) const;

  std::filesystem::path folder_;
  ModelConfig config_;
  std::string embedding_, unembedding_;  // names of tensors
  std::vector<SafetensorsFile> files_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> file_of_;
  std::set<std::string> ignored_;
  std::vector<std::string> warnings_;
  std::size_t parameters_ = 0;
};

}  // namespace stratoscope
