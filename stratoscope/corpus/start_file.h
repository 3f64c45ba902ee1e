// Hidden states of a saved run, to start from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/files/array.h"
#include "stratoscope/files/npz.h"
#include "stratoscope/files/safetensors.h"
#include "stratoscope/session/session.h"

namespace stratoscope {

class StartFile {
 public:
  // A file of save_run, or one with the same keys: input_ids [T], hidden_states [entries, T, d_model], and for many
  // texts row_offsets. An axis of 1 for a batch of one text may precede T. Other arrays are ignored: a .safetensors
  // file is mapped, and of a .npz file only these arrays are read. Throws Error for shapes that do not match each other
  // or the model, and for a file without the input of `block`; for block n_layers that is `residual` of a run that
  // stopped there, or the last block's hook_resid_post, since the last hidden state is after the final norm.
  StartFile(const std::filesystem::path& path, std::size_t block, const Session& session);

  std::size_t texts() const { return offsets_.size() - 1; }
  bool has_offsets() const { return has_offsets_; }
  TokenIds ids(std::size_t text) const;
  // Rows [first, first + count) of the block's input. Throws Error for a number that is not finite.
  std::shared_ptr<const Start> rows(std::size_t first, std::size_t count) const;
  // Throws Error if the file was changed since it was opened.
  void check_unchanged() const;
  // Warnings for the user.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Array {
    DType dtype = DType::f32;
    Shape shape;
    std::span<const std::byte> bytes;
  };
  bool contains(const std::string& name) const;
  std::optional<Array> find(const std::string& name);
  Array find_stream(const ModelConfig& config);
  std::vector<std::int64_t> read_integers(const std::string& name);
  void read_offsets();
  [[noreturn]] void fail(const std::string& problem, const std::string& hint = {}) const;

  std::filesystem::path path_;
  std::size_t block_;
  std::optional<SafetensorsFile> safetensors_;
  std::optional<NpzFile> npz_;
  std::map<std::string, StoredArray> unpacked_;  // arrays of npz_
  std::vector<std::int64_t> ids_;
  std::vector<std::size_t> offsets_;
  bool has_offsets_ = false;
  Array stream_;  // [T, d_model]
  std::vector<std::string> notes_;
};

}  // namespace stratoscope
