// An open text: its runs with and without edits are computed once, only in part if that is enough, and kept for further
// requests. Every number has the same bits as in the complete run of the other experiments.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/session/final_norm.h"
#include "stratoscope/session/session.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// The results of a run that are kept for later requests.
struct KeptRun {
  Tensor hidden_states;  // [n_layers + 1, pos, d_model], the last entry after the final norm
  Tensor last_residual;  // [pos, d_model]: the output of the last block, before the final norm
};

enum class Which { clean, edited };

// Only for the engine (fp32). One thread at a time.
class OpenText {
 public:
  OpenText(const Session& session, const std::string& text, const TextOptions& options = {});

  const Session& session() const { return session_; }
  const Text& text() const { return text_; }
  std::size_t positions() const { return text_.ids.size(); }

  // Sets the edits of `edited`; if they are unchanged, its run is kept. Throws Error as resolve_edits does; then the
  // edits are not changed.
  void set_edits(const Edits& edits);
  bool has_edits() const { return !edits_.empty(); }
  // Those that were set.
  const Edits& edits() const { return asked_; }

  // `edited` without edits is the clean run. The reference is valid until the edits change.
  const KeptRun& run(Which which);
  // The residual stream at a depth of the logit lens: hidden states 0 to n_layers - 1, then the last block's output.
  MatrixView<const float> residual(Which which, std::size_t depth);
  // Logits of `residual` at these positions, read through the final norm, if it is applied, and the unembedding:
  // [positions, d_vocab].
  Tensor logits(Which which, std::size_t depth, std::span<const std::size_t> positions,
                FinalNorm norm = FinalNorm::applied);
  // Logits of the complete passes at one position, clean and then edited: [2, d_vocab], or [1, d_vocab] without edits.
  Tensor last_logits(std::size_t position);
  // Attention patterns of a block, [head, query, key], of chosen heads; of all heads if `heads` is empty.
  Tensor patterns(Which which, std::size_t layer, const std::vector<std::size_t>& heads = {});

  // Of the edits on the logits of every position; nothing without edits. The place of a number that is not finite is
  // left out.
  const std::optional<Effect>& effect();
  // The same at one position, from its clean and its edited logits.
  std::optional<Effect> effect_of(std::span<const float> clean, std::span<const float> edited) const;
  // False where a number of the passes is not finite, at an edited hook point or in a hidden state: a whole run then
  // finds the place.
  bool is_finite();

  // Memory that the kept runs take.
  std::size_t bytes() const;

 private:
  RunRequest request() const;
  Tensor read_out(MatrixView<const float> rows, FinalNorm norm);
  KeptRun run_edited();
  std::vector<HookEdit> edits_in(Which which, std::size_t first_block, std::size_t end_block) const;

  Session session_;
  TextOptions options_;
  Text text_;
  Edits asked_;
  std::vector<HookEdit> edits_;
  std::optional<KeptRun> clean_, edited_;
  bool clean_is_finite_ = true, edited_is_finite_ = true;
  std::optional<Effect> effect_;
};

}  // namespace stratoscope
