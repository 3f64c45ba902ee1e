#include "stratoscope/model/pass/engine_pass.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/model/kv_cache.h"
#include "stratoscope/model/pass/engine_attention.h"
#include "stratoscope/model/pass/float_pass.h"
#include "stratoscope/model/pass/forward.h"
#include "stratoscope/model/pass/head_results.h"
#include "stratoscope/model/pass/slot_memory.h"

namespace stratoscope {
namespace {

// All rows of all sequences, at every step.
class EngineRows {
 public:
  EngineRows(const ModelConfig& config, const Checkpoint& checkpoint, const RunRequest& request, Run<float>& run,
             Hooks<float>& hooks)
      : config_(config), checkpoint_(checkpoint), request_(request), run_(run), hooks_(hooks), table_rows_(run.rows()) {
    std::iota(table_rows_.begin(), table_rows_.end(), std::size_t{0});
  }

  // Sets the input and output of the next block or of the steps around the blocks, [N, d_model]; `normed` is for the
  // final norm.
  void begin(std::size_t layer, MatrixView<float> entering, MatrixView<float> leaving) {
    layer_ = layer;
    entering_ = entering;
    leaving_ = leaving;
  }
  void put_final_norm_into(MatrixView<float> normed) { final_normed_ = normed; }

  RowRange range() const { return {0, run_.rows()}; }
  void admit(Hook) {}
  void made(std::size_t) {}
  void fill(std::size_t, MatrixView<float>) {}
  void count(const PackedMatrix&, std::size_t) {}
  std::span<const std::size_t> table_rows() const { return table_rows_; }

  MatrixView<float> place(std::size_t, Slot slot, std::size_t width) {
    switch (slot) {
      case Slot::resid: return entering_;
      case Slot::leaving: return leaving_;
      case Slot::final_normed:
        return final_normed_.rows > 0 ? final_normed_ : memory_.take(Slot::normed, run_.rows(), width);
      case Slot::logits: logits_ = Tensor({unembedded_rows_, width}); return logits_.matrix();
      default: return memory_.take(slot, run_.rows(), width);
    }
  }
  static MatrixView<float> place_again(std::size_t, std::size_t, Slot, MatrixView<float> matrix) { return matrix; }

  bool fire(Hook hook, MatrixView<float> value) {
    const HookPoint point{hook, layer_};
    if (hook != Hook::unembed_out || unembeds_all())
      hooks_.fire(point, value);
    else if (request_.logits == LogitRows::last)
      edit_last_logits(request_, hooks_, value);
    return hooks_.edits(point);
  }

  void embed(MatrixView<float> out) {
    const auto scale = static_cast<float>(config_.embed_scale);
    for_tokens([&](std::size_t row, std::size_t sequence, std::size_t index) {
      const auto id = static_cast<std::size_t>(request_.sequences[sequence][index]);
      checkpoint_.read_row<float>(Role::embed, id, out.row_span(row));
      if (config_.embed_scale != 1)
        for (float& number : out.row_span(row)) number *= scale;
    });
    checkpoint_.release_pages();  // one row of the table also loads many of its neighbours
  }
  void embed_positions(MatrixView<float> out) {
    for_tokens([&](std::size_t row, std::size_t sequence, std::size_t index) {
      const std::size_t position = hooks_.first_position(sequence) + index + config_.position_offset;
      checkpoint_.read_row<float>(Role::pos_embed, position, out.row_span(row));
    });
    checkpoint_.release_pages();
  }

  template <class Keys, class Values>
  void attend(MatrixView<const float> q, const Keys& k, const Values& v, MatrixView<float> z) {
    causal_attention(q, attended(k.matrix, v.matrix), config_.blocks[layer_].attention, layer_, hooks_, z);
  }

  // If attn.hook_result is edited, attn_out is the sum of the heads in the rows that an edit changed: the others keep
  // the product's bits.
  void fire_result(MatrixView<const float> z, MatrixView<float> attn_out) {
    const HookPoint point{Hook::result, layer_};
    if (!hooks_.captures(point) && !hooks_.edits(point)) return;
    const HeadResults heads(checkpoint_, config_, layer_);
    Tensor result = heads.of(z);
    if (!hooks_.edits(point)) return hooks_.fire(point, result.matrix());
    const Tensor unedited = result.copy();
    hooks_.fire(point, result.matrix());
    for (std::size_t r = 0; r < z.rows; ++r) {
      const auto row = std::as_const(result).matrix().row_span(r);
      if (std::memcmp(row.data(), unedited.matrix().row(r), row.size_bytes()) != 0) heads.sum(row, attn_out.row(r));
    }
  }

  // Copies the output of the steps around the blocks, which without learned positions is not in the memory of the
  // stream.
  void leave(MatrixView<float> value) {
    if (value.data == leaving_.data) return;
    copy_rows(value, leaving_);
  }

  MatrixView<const float> unembedded(MatrixView<const float> normed) {
    if (final_normed_.rows > 0 && normed.data != final_normed_.data) copy_rows(normed, final_normed_);  // no final norm
    if (!unembeds_all())
      last_normed_ = request_.logits == LogitRows::last ? last_rows<float>(normed, run_.row_offsets) : Tensor();
    const auto asked = unembeds_all()         ? normed
                       : last_normed_.empty() ? MatrixView<const float>(normed.data, 0, normed.cols)
                                              : std::as_const(last_normed_).matrix();
    unembedded_rows_ = asked.rows;
    return asked;
  }
  void leave_logits(MatrixView<float>) {
    if (request_.logits == LogitRows::all || !unembeds_all()) {
      if (unembedded_rows_ > 0) run_.logits = std::move(logits_);
    } else if (request_.logits == LogitRows::last) {
      run_.logits = last_rows<float>(std::as_const(logits_).matrix(), run_.row_offsets);
    }
  }

 private:
  static void copy_rows(MatrixView<const float> from, MatrixView<float> to) {
    for (std::size_t r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, to.row(r));
  }

  bool unembeds_all() const { return request_.logits == LogitRows::all || hooks_.captures({Hook::unembed_out, 0}); }

  template <class Use>
  void for_tokens(const Use& use) const {
    std::size_t row = 0;
    for (std::size_t s = 0; s < request_.sequences.size(); ++s)
      for (std::size_t i = 0; i < request_.sequences[s].size(); ++i, ++row) use(row, s, i);
  }

  // The keys and values that each sequence's queries see: those of the cache, then those of this run.
  std::vector<AttendedSequence> attended(MatrixView<const float> k, MatrixView<const float> v) const {
    std::vector<AttendedSequence> sequences;
    for (std::size_t s = 0; s + 1 < run_.row_offsets.size(); ++s) {
      const std::size_t first = run_.row_offsets[s], rows = run_.row_offsets[s + 1] - first;
      const auto own_k = k.rows_from(first, rows), own_v = v.rows_from(first, rows);
      KvCache* cache = request_.cache;
      if (cache == nullptr) {
        sequences.push_back({first, rows, 0, own_k, own_v});
        continue;
      }
      const std::size_t past = cache->length(s);
      cache->write(layer_, s, own_k, own_v);
      sequences.push_back(
          {first, rows, past, cache->keys(layer_, s, past + rows), cache->values(layer_, s, past + rows)});
    }
    return sequences;
  }

  const ModelConfig& config_;
  const Checkpoint& checkpoint_;
  const RunRequest& request_;
  Run<float>& run_;
  Hooks<float>& hooks_;
  std::size_t layer_ = 0, unembedded_rows_ = 0;
  MatrixView<float> entering_, leaving_, final_normed_;
  SlotMemory memory_;
  Tensor logits_, last_normed_;
  std::vector<std::size_t> table_rows_;
};

class Engine {
 public:
  Engine(const ModelConfig& config, const Checkpoint& checkpoint, const Weights& weights, const RunRequest& request)
      : config_(config),
        weights_(weights),
        request_(request),
        blocks_(blocks_of(request, config)),
        run_{offsets_of(request.sequences), {}, {}, {}, {}},
        hooks_(config, request, run_),
        rows_(config, checkpoint, request, run_, hooks_),
        tables_(config, positions()) {
    const std::size_t rows = run_.rows(), d_model = config.d_model;
    if (request.hidden_states) run_.hidden_states = Tensor({hidden_states_of(blocks_), rows, d_model});
    streams_[0] = Tensor({rows, d_model});
    if (!request.hidden_states) streams_[1] = Tensor({rows, d_model});
  }

  Run<float> run() {
    if (request_.start) {
      begin(*request_.start);
    } else {
      rows_.begin(0, {}, entering(0));
      FloatPass pass(rows_, config_, weights_, tables_, 0);
      run_embedding(pass, config_);
    }
    for (std::size_t layer = blocks_.first; layer < blocks_.last; ++layer) {
      report(request_, layer, config_.n_layers());
      rows_.begin(layer, entering(layer), entering(layer + 1));
      FloatPass pass(rows_, config_, weights_, tables_, layer);
      run_block(pass, config_.blocks[layer]);
    }
    if (request_.stop_at)
      stop();
    else
      unembed();
    hooks_.check_that_all_fired();
    if (request_.cache != nullptr)
      for (std::size_t s = 0; s < request_.sequences.size(); ++s)
        request_.cache->advance(s, request_.sequences[s].size());
    return std::move(run_);
  }

 private:
  std::vector<TextPosition> positions() const {
    std::vector<TextPosition> positions;
    for (std::size_t s = 0; s < request_.sequences.size(); ++s) {
      const std::size_t past = hooks_.first_position(s), rows = request_.sequences[s].size();
      if (past > 0) check_turns(past, past + rows);
      for (std::size_t i = 0; i < rows; ++i) positions.push_back({past + i, past + rows});
    }
    return positions;
  }

  // Cached keys were rotated as in a text of `past` tokens; the rotation must be the same in the longer text.
  void check_turns(std::size_t past, std::size_t length) const {
    for (const BlockSpec& block : config_.blocks) {
      const Rotary& rotary = block.attention.rotary;
      if (!turns_alike(rotary, past, length))
        throw Error("run",
                    "keys of " + std::to_string(past) + " tokens are cached, and a text of " + std::to_string(length) +
                        " rotates them by other angles: those change after " +
                        std::to_string(*turns_change_after(rotary)) + " tokens",
                    "run the whole text without a cache");
    }
  }

  // The input of block `layer`: a slice of hidden_states if they are requested, otherwise one of two alternating
  // buffers. The output of the last block is not a hidden state.
  MatrixView<float> entering(std::size_t layer) {
    if (!request_.hidden_states) return streams_[layer % 2].matrix();
    const bool is_hidden_state = layer < blocks_.last || request_.stop_at;
    return is_hidden_state ? run_.hidden_states.slice(layer - blocks_.first) : streams_[0].matrix();
  }

  void begin(const Start& start) {
    const auto stream = entering(start.block);
    for (std::size_t r = 0; r < stream.rows; ++r)
      std::transform(start.residual.matrix().row(r), start.residual.matrix().row(r) + stream.cols, stream.row(r),
                     [](double x) { return static_cast<float>(x); });
  }

  void stop() {
    const auto stream = entering(blocks_.last);
    run_.residual = Tensor({stream.rows, stream.cols});
    for (std::size_t r = 0; r < stream.rows; ++r)
      std::copy_n(stream.row(r), stream.cols, run_.residual.matrix().row(r));
  }

  void unembed() {
    rows_.begin(0, entering(blocks_.last), {});
    if (request_.hidden_states) rows_.put_final_norm_into(run_.hidden_states.slice(blocks_.last - blocks_.first));
    FloatPass pass(rows_, config_, weights_, tables_, 0);
    run_unembedding(pass, config_);
  }

  const ModelConfig& config_;
  const Weights& weights_;
  const RunRequest& request_;
  BlockRange blocks_;
  Run<float> run_;
  Hooks<float> hooks_;
  EngineRows rows_;
  RotaryTables tables_;
  Tensor streams_[2];
};

}  // namespace

Run<float> engine_forward(const Checkpoint& checkpoint, const ModelConfig& config, const Weights& weights,
                          const RunRequest& request) {
  return Engine(config, checkpoint, weights, request).run();
}

}  // namespace stratoscope
