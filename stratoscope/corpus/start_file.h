// Hidden states that a saved run left in a file, to start from.
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
  // A file that save_run wrote, or one with the same keys: input_ids [T], hidden_states [entries, T, d_model], and for
  // many texts row_offsets. An axis of 1 for a batch of one text may precede T. Nothing else in the file is looked at:
  // a .safetensors file is mapped, of a .npz file these arrays are unpacked. Throws Error for what does not
  // fit together, does not fit the model, or has nothing that enters `block`; for block n_layers that is `residual` of
  // a run that stopped there, or the last block's hook_resid_post, for the last hidden state is behind the final norm.
  StartFile(const std::filesystem::path& path, std::size_t block, const Session& session);

  std::size_t texts() const { return offsets_.size() - 1; }
  bool has_offsets() const { return has_offsets_; }
  TokenIds ids(std::size_t text) const;
  // Rows [first, first + count) of what enters the block. Throws Error for a number that is not finite.
  std::shared_ptr<const Start> rows(std::size_t first, std::size_t count) const;
  // Throws Error when the file was changed since it was opened.
  void check_unchanged() const;
  // What a user should know of it.
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
  std::map<std::string, StoredArray> unpacked_;  // of npz_
  std::vector<std::int64_t> ids_;
  std::vector<std::size_t> offsets_;
  bool has_offsets_ = false;
  Array stream_;  // [T, d_model]
  std::vector<std::string> notes_;
};

}  // namespace stratoscope
