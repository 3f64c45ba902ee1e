// Forward passes kept in a file: hidden states, logits, and every hook point that was asked; of one text or of any
// number, whole or from one block to another.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/session/document.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct SaveRunRequest {
  std::vector<std::string> texts = {};  // one or more; they are laid end to end along T
  // Instead of `texts`: a file of JSON lines with a field "text"; "-" is standard input. It may be larger than memory:
  // texts share a pass while their arrays stay below about 64 MiB, and go to the disk pass by pass.
  std::optional<std::filesystem::path> texts_file = {};
  // Of many texts: one without a token (an empty text; in a file an empty line that other lines follow) has no rows,
  // and row_offsets repeats; or it is left out.
  bool skip_empty = false;
  bool replace_invalid = false;  // of texts_file: what is no character is read as U+FFFD
  TextOptions text_options = {};
  Edits edits = {};
  std::vector<HookExpression> captures =
      {};  // names, aliases, globs; of a part of a pass a glob means what it computes
  std::optional<std::filesystem::path> file = {};  // .safetensors or .npz
  bool packed = false;                             // from a list of texts: row_offsets are written too
  // A part of a pass, with the bits of the whole: up to block `stop_at`, which does not run (n_layers runs all blocks),
  // or from block `start_at` on, with the tokens and hidden states of the file `from` instead of texts.
  std::optional<Index> stop_at = {}, start_at = {};  // negative ones from the end
  std::optional<std::filesystem::path> from = {};
};
void describe(SaveRunRequest& request, Fields& fields);

// A block, or n_layers, which stands for what comes after the last one. Throws Error for an index out of range.
std::size_t block_at(Index index, const ModelConfig& config);

struct SavedRun {
  std::size_t texts = 0, tokens = 0;
  std::vector<std::string> notes;  // what was added, cut, empty or replaced
  std::vector<std::pair<std::string, Shape>> keys;
  std::vector<GlobMatch> capture_globs;
  std::filesystem::path file;
  std::optional<Effect> effect;  // measured at the logits, also where the run stops before them
};

// Throws UsageError for texts of two places.
void check(const SaveRunRequest& request);
SavedRun run(const Session& session, const SaveRunRequest& request);
Document to_json(const Session& session, const SavedRun& saved);

}  // namespace stratoscope
