// A text held open: its runs with and without edits are made once, in parts where that is enough, and answer any number
// of questions. Every number has the bits of the whole run that the other experiments make.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stratoscope/session/session.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

// What a run leaves for later questions.
struct KeptRun {
  Tensor hidden_states;  // [n_layers + 1, pos, d_model], the last entry after the final norm
  Tensor last_residual;  // [pos, d_model]: what the last block leaves, before the final norm
};

enum class Which { clean, edited };

// Of the engine (fp32) alone. One thread at a time.
class OpenText {
 public:
  OpenText(const Session& session, const std::string& text, const TextOptions& options = {});

  const Session& session() const { return session_; }
  const Text& text() const { return text_; }
  std::size_t positions() const { return text_.ids.size(); }

  // From now on `edited` means with these; a run of unchanged edits is kept. Throws Error as resolve_edits does; then
  // the edits are those of before.
  void set_edits(const Edits& edits);
  bool has_edits() const { return !edits_.empty(); }
  // Those that were set.
  const Edits& edits() const { return asked_; }

  // `edited` without edits is the clean run. The reference lives until the edits change.
  const KeptRun& run(Which which);
  // The residual stream at a depth of the logit lens: hidden states 0 to n_layers - 1, then the last block's output.
  MatrixView<const float> residual(Which which, std::size_t depth);
  // What `residual` at these positions predicts, read through the final norm and the unembedding: [positions, d_vocab].
  Tensor logits(Which which, std::size_t depth, std::span<const std::size_t> positions);
  // Of the whole passes at one position, clean and then edited: [2, d_vocab], or [1, d_vocab] without edits.
  Tensor last_logits(std::size_t position);
  // Attention patterns of a block, [head, query, key], of chosen heads; all of them when empty.
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
  Tensor read_out(MatrixView<const float> rows);
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
