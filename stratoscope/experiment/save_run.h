// One forward pass, kept in a file: hidden states, logits, and every hook point that was asked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/experiment/document.h"

namespace STRATOSCOPE_API stratoscope {

struct SaveRunRequest {
  std::vector<std::string> texts = {};  // one or more; they are laid end to end along T
  TextOptions text_options = {};
  Edits edits = {};
  std::vector<std::string> captures = {};  // names, aliases, globs
  std::filesystem::path file = {};         // .safetensors or .npz
  bool packed = false;                     // from a list of texts: row_offsets are written too
};

struct SavedRun {
  std::vector<Text> texts;
  std::vector<std::pair<std::string, Shape>> keys;
  std::filesystem::path file;
  std::optional<Effect> effect;
};

SavedRun save_run(const Session& session, const SaveRunRequest& request);
Document to_json(const Session& session, const SavedRun& saved);

// The field "text" of every line of a JSON-lines file. Throws Error with the line's number.
std::vector<std::string> read_texts(const std::filesystem::path& path);

}  // namespace stratoscope
