// The steps of block.h in float32, for the rows of a policy: all rows of a run (the engine), or those that edits can
// change (the cone). Both compute a row by the same kernels, so that it has the same bits in both.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "stratoscope/model/pass/block.h"
#include "stratoscope/model/pass/rotary_tables.h"
#include "stratoscope/model/pass/weights.h"
#include "stratoscope/ops/activation.h"
#include "stratoscope/ops/add.h"
#include "stratoscope/ops/attention.h"
#include "stratoscope/ops/norm.h"
#include "stratoscope/ops/rotary.h"
#include "stratoscope/ops/scale.h"

namespace stratoscope {

// Memory of a pass, reused from block to block.
enum class Slot {
  resid,       // the input stream
  scale,       // divisors of a norm
  normalized,  // before the norm's weight and bias
  normed,      // after them
  final_normed,
  qkv,
  q_normed,  // if a query, key or activation must not overwrite its input
  k_normed,
  q_rotated,
  k_rotated,
  activated,
  z,
  heads,
  attn_out,
  middle,
  mlp,
  down,
  mlp_out,
  leaving,
  logits,
};
constexpr std::size_t kSlots = static_cast<std::size_t>(Slot::logits) + 1;

struct RowRange {
  std::size_t first = 0, end = 0;
  std::size_t count() const { return end - first; }
};

// A value of a pass: columns of a matrix with a row for each row of the pass. Serial numbers count the values of a
// block, or of the steps around the blocks, in the order of computation; they are the same in all passes over the same
// description.
struct PassValue {
  std::size_t serial = 0, first_col = 0, cols = 0;
};

// The same with its matrix.
struct KeptColumns {
  std::size_t serial, first_col;
  MatrixView<const float> matrix;
};

// The members of Rows:
//   RowRange range() const                  the rows that are computed at this step
//   void admit(Hook)                        extends the range by the rows that enter at this hook
//   MatrixView<float> place(serial, Slot, width)               memory of a new value
//   MatrixView<float> place_again(serial, of, Slot, matrix)    memory of a value that may overwrite value `of`
//   void made(serial)                       records that the rows in range are computed
//   void fill(serial, MatrixView<float>)    copies rows in range that are not computed from the unedited run
//   bool fire(Hook, MatrixView<float>)      applies edits, copies captures; returns whether an edit acted
//   void attend(q, KeptColumns k, KeptColumns v, z)
//   void fire_result(z, attn_out: MatrixView<float>)
//   MatrixView<const float> unembedded(MatrixView<const float>)   the rows with requested logits
//   std::span<const std::size_t> table_rows() const   for each row, the index of its position in the rotary tables
//   void count(const PackedMatrix&, rows)   counts a product of this number of rows
//   void leave(MatrixView<float>), void leave_logits(MatrixView<float>)
template <class Rows>
class FloatPass {
 public:
  // `layer` is 0 outside the blocks, where no block weights are used. All arguments must outlive the pass.
  FloatPass(Rows& rows, const ModelConfig& config, const Weights& weights, const RotaryTables& tables,
            std::size_t layer)
      : rows_(rows), config_(config), weights_(weights), tables_(tables), layer_(layer) {}

  PassValue entering() {
    const PassValue value = make(Slot::resid, config_.d_model);
    rows_.made(value.serial);
    return value;
  }

  PassValue fire(Hook hook, PassValue value) {
    rows_.admit(hook);
    fill(value);
    rows_.fire(hook, matrix(value));
    return value;
  }

  PassValue embed() {
    return embedded(config_.embed_norm.exists() ? Slot::middle : token_slot(),
                    [&](MatrixView<float> out) { rows_.embed(out); });
  }
  PassValue embed_positions() {
    return embedded(Slot::normalized, [&](MatrixView<float> out) { rows_.embed_positions(out); });
  }

  PassValue norm(Role role, const NormSpec& spec, PassValue x, Hook scale_hook, Hook normalized_hook,
                 std::optional<Hook> out_hook = {}) {
    if (!spec.exists()) return x;
    rows_.admit(scale_hook);
    fill(x);
    const auto [weights, groups] = norm_of(role, spec);
    const PassValue scale = make(Slot::scale, groups), normalized = make(Slot::normalized, x.cols);
    norm_statistics(spec.kind, live(x), static_cast<float>(spec.eps), live(normalized), live(scale));
    rows_.made(scale.serial);
    rows_.made(normalized.serial);
    if (rows_.fire(scale_hook, matrix(scale))) normalize_by(spec.kind, live(x), live(scale), live(normalized));
    rows_.fire(normalized_hook, matrix(normalized));
    const PassValue y = normed_place(role, x);
    scale_and_shift(live(normalized), numbers(weights->weight), numbers(weights->bias), live(y));
    rows_.made(y.serial);
    if (out_hook) rows_.fire(*out_hook, matrix(y));
    return y;
  }

  std::array<PassValue, 3> project_qkv(PassValue x) {
    const AttentionSpec& spec = attention();
    const PassValue qkv = product(block().qkv, x, Slot::qkv);
    const std::size_t queries = spec.queries_width(), keys = spec.keys_width();
    if (spec.clip > 0) clip_rows(live(qkv), static_cast<float>(spec.clip));
    return {part(qkv, 0, queries), part(qkv, queries, keys), part(qkv, queries + keys, keys)};
  }

  PassValue rotate(PassValue x, Hook hook) {
    if (!config_.rotates()) return x;
    const AttentionSpec& spec = attention();
    if (spec.rotary.dims > 0) {
      fill(x);
      const PassValue y = again(x, hook == Hook::rot_q ? Slot::q_rotated : Slot::k_rotated);
      const RowRange range = rows_.range();
      stratoscope::rotate(live(x), rows_.table_rows().subspan(range.first, range.count()), tables_.of(spec.rotary),
                          spec.d_head, spec.rotary.interleaved, live(y));
      rows_.made(y.serial);
      x = y;
    }
    return fire(hook, x);
  }

  // Rows whose first edit is one of the scores enter here.
  PassValue attend(PassValue q, PassValue k, PassValue v, Hook scores_hook, Hook) {
    rows_.admit(scores_hook);
    fill(q);
    const PassValue z = make(Slot::z, attention().queries_width());
    rows_.attend(matrix(q), KeptColumns{k.serial, k.first_col, matrix(k)},
                 KeptColumns{v.serial, v.first_col, matrix(v)}, matrix(z));
    rows_.made(z.serial);
    return z;
  }

  PassValue project_heads(PassValue z, Hook) {
    const PassValue heads = product(block().o, z, spec().ln1_post.exists() ? Slot::heads : Slot::attn_out);
    rows_.fire_result(matrix(z), matrix(heads));
    return heads;
  }

  std::pair<PassValue, PassValue> project_mlp(PassValue y) {
    const PassValue in = product(block().mlp_in, y, Slot::mlp);
    const std::size_t width = spec().mlp.width;
    return {part(in, 0, width), spec().mlp.gated ? part(in, width, width) : PassValue{}};
  }

  PassValue activate(PassValue pre, PassValue linear) {
    const MlpSpec& mlp = spec().mlp;
    fill(pre);
    const PassValue post = again(pre, Slot::activated);
    const auto from = live(pre), to = live(post);
    if (mlp.gated) {
      activate_and_multiply(mlp.activation, from, live(linear), to);
    } else {
      if (from.data != to.data)
        for (std::size_t r = 0; r < from.rows; ++r) std::copy_n(from.row(r), from.cols, to.row(r));
      stratoscope::activate(mlp.activation, to);
    }
    rows_.made(post.serial);
    return post;
  }

  PassValue project_down(PassValue post) {
    return product(block().down, post, spec().ln2_post.exists() ? Slot::down : Slot::mlp_out);
  }

  PassValue scale_branch(PassValue value) {
    if (spec().branch_scale != 1) scale_rows(live(value), static_cast<float>(spec().branch_scale));
    return value;
  }

  PassValue add(Sum sum, PassValue a, PassValue b) {
    fill(a);
    fill(b);
    const PassValue out = make(sum == Sum::middle ? Slot::middle : Slot::leaving, config_.d_model);
    stratoscope::add(live(a), live(b), live(out));
    rows_.made(out.serial);
    return out;
  }

  void leave(PassValue value) { rows_.leave(matrix(value)); }

  PassValue unembed(PassValue in) {
    const auto asked = rows_.unembedded(live(in));
    const PassValue logits = make(Slot::logits, config_.d_vocab);
    if (asked.rows > 0) weights_.unembed.multiply(asked, live_logits(logits, asked.rows));
    rows_.count(weights_.unembed, asked.rows);
    rows_.made(logits.serial);
    return logits;
  }

  void leave_logits(PassValue logits) {
    const auto numbers_of = matrix(logits);
    if (config_.logit_scale != 1) scale_rows(numbers_of, static_cast<float>(config_.logit_scale));
    if (config_.logit_cap > 0)
      for (std::size_t r = 0; r < numbers_of.rows; ++r)
        cap_scores(numbers_of.row(r), 0, numbers_of.cols, static_cast<float>(config_.logit_cap));
    rows_.leave_logits(numbers_of);
  }

 private:
  struct NormOf {
    const NormWeights* weights;
    std::size_t groups;
  };

  const BlockSpec& spec() const { return config_.blocks[layer_]; }
  const AttentionSpec& attention() const { return spec().attention; }
  const BlockWeights& block() const { return weights_.blocks[layer_]; }
  static const float* numbers(const Tensor& vector) { return vector.empty() ? nullptr : vector.data(); }

  NormOf norm_of(Role role, const NormSpec& norm) const {
    const auto heads = [&](std::size_t count) { return norm.wide ? 1 : count; };
    switch (role) {
      case Role::ln1: return {&block().ln1, 1};
      case Role::q_norm: return {&block().q_norm, heads(attention().heads)};
      case Role::k_norm: return {&block().k_norm, heads(attention().kv_heads)};
      case Role::ln1_post: return {&block().ln1_post, 1};
      case Role::ln2: return {&block().ln2, 1};
      case Role::ln2_post: return {&block().ln2_post, 1};
      case Role::embed_norm: return {&weights_.embed_norm, 1};
      default: return {&weights_.ln_final, 1};
    }
  }

  PassValue normed_place(Role role, PassValue x) {
    switch (role) {
      case Role::q_norm: return again(x, Slot::q_normed);
      case Role::k_norm: return again(x, Slot::k_normed);
      case Role::ln1_post: return make(Slot::attn_out, x.cols);
      case Role::ln2_post: return make(Slot::mlp_out, x.cols);
      case Role::ln_final: return make(Slot::final_normed, x.cols);
      case Role::embed_norm: return make(token_slot(), x.cols);
      default: return make(Slot::normed, x.cols);
    }
  }

  // The slot of a token's embedding, before that of its position is added.
  Slot token_slot() const { return config_.learned_positions ? Slot::normed : Slot::leaving; }

  PassValue make(Slot slot, std::size_t width) {
    const std::size_t serial = matrices_.size();
    matrices_.push_back(rows_.place(serial, slot, width));
    return {serial, 0, width};
  }
  // A value that may overwrite `x`, which is not read again.
  PassValue again(PassValue x, Slot slot) {
    const std::size_t serial = matrices_.size();
    matrices_.push_back(rows_.place_again(serial, x.serial, slot, matrix(x)));
    return {serial, 0, x.cols};
  }
  static PassValue part(PassValue whole, std::size_t first, std::size_t cols) { return {whole.serial, first, cols}; }

  PassValue product(const PackedMatrix& weights, PassValue x, Slot slot) {
    fill(x);
    const PassValue y = make(slot, weights.out());
    const auto from = live(x);
    weights.multiply(from, live(y));
    rows_.count(weights, from.rows);
    rows_.made(y.serial);
    return y;
  }

  template <class Embed>
  PassValue embedded(Slot slot, const Embed& embed) {
    const PassValue value = make(slot, config_.d_model);
    embed(matrix(value));
    rows_.made(value.serial);
    return value;
  }

  void fill(PassValue value) { rows_.fill(value.serial, matrices_[value.serial]); }
  MatrixView<float> matrix(PassValue value) const {
    return matrices_[value.serial].cols_from(value.first_col, value.cols);
  }
  MatrixView<float> live(PassValue value) const {
    const RowRange range = rows_.range();
    return matrix(value).rows_from(range.first, range.count());
  }
  MatrixView<float> live_logits(PassValue logits, std::size_t rows) const { return matrix(logits).rows_from(0, rows); }

  Rows& rows_;
  const ModelConfig& config_;
  const Weights& weights_;
  const RotaryTables& tables_;
  std::size_t layer_;
  std::vector<MatrixView<float>> matrices_;  // by serial number
};

}  // namespace stratoscope
