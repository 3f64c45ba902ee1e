// Forward passes saved in a file: hidden states, logits, and every requested hook point; of one text or of any number
// of texts, complete or from one block to another.
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
  std::vector<std::string> texts = {};  // one or more; their rows are concatenated along T
  TokenIds ids = {};                    // instead of `texts`: one text
  // Instead of `texts`: a file of JSON lines with a field "text"; "-" is standard input. It may be larger than memory:
  // texts share a pass while their arrays stay below about 64 MiB, and each pass is written to the disk.
  std::optional<std::filesystem::path> texts_file = {};
  // For many texts: a text without a token (an empty text; in a file an empty line that other lines follow) has no
  // rows, and its entry in row_offsets repeats. With `skip_empty` it is left out.
  bool skip_empty = false;
  bool replace_invalid = false;  // of texts_file: invalid characters are read as U+FFFD
  TextOptions text_options = {};
  Edits edits = {};
  std::vector<HookExpression> captures =
      {};  // names, aliases, globs; in a part of a pass a glob matches the hook points that it computes
  std::optional<std::filesystem::path> file = {};  // .safetensors or .npz
  bool packed = false;                             // made from a list of texts: row_offsets are written too
  // A part of a pass, with the same bits as in the complete pass: up to block `stop_at`, which does not run (n_layers
  // runs all blocks), or from block `start_at` on, with the tokens and hidden states of the file `from` instead of
  // texts.
  std::optional<Index> stop_at = {}, start_at = {};  // negative ones count from the end
  std::optional<std::filesystem::path> from = {};
};
void describe(SaveRunRequest& request, Fields& fields);

// A block, or n_layers for the position after the last one. Throws Error for an index out of range.
std::size_t block_at(Index index, const ModelConfig& config);

struct SavedRun {
  std::size_t texts = 0, tokens = 0;
  std::vector<std::string> notes;  // on texts and tokens that were added, cut, empty or replaced
  std::vector<std::pair<std::string, Shape>> keys;
  std::vector<GlobMatch> capture_globs;
  std::filesystem::path file;
  std::optional<Effect> effect;  // measured at the logits, also if the run stops before them
};

// Throws UsageError for texts from two sources.
void check(const SaveRunRequest& request);
SavedRun run(const Session& session, const SaveRunRequest& request);
Document to_json(const Session& session, const SavedRun& saved);

}  // namespace stratoscope
