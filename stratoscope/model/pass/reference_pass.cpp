#include "stratoscope/model/pass/reference_pass.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/pass/block.h"
#include "stratoscope/model/pass/forward.h"
#include "stratoscope/model/pass/hooks.h"
#include "stratoscope/model/pass/reference_steps.h"

namespace stratoscope {
namespace {

class ReferencePass {
 public:
  using Value = MatrixView<double>;

  ReferencePass(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request)
      : checkpoint_(checkpoint), config_(config), request_(request), blocks_(blocks_of(request, config)) {
    run_.row_offsets = offsets_of(request.sequences);
    hooks_.emplace(config, request, run_);
    for (const TokenIds& ids : request.sequences)
      for (std::size_t p = 0; p < ids.size(); ++p) positions_.push_back(p);
  }

  Run<double> forward() {
    const std::size_t d_model = config_.d_model;
    if (request_.hidden_states) run_.hidden_states = Tensor64({hidden_states_of(blocks_), run_.rows(), d_model});
    if (request_.start)
      resid_ = request_.start->residual.copy();
    else
      run_embedding(*this, config_);
    for (layer_ = blocks_.first; layer_ < blocks_.last; ++layer_) {
      report(request_, layer_, config_.n_layers());
      run_block(*this, config_.blocks[layer_]);
      values_.clear();
    }
    if (request_.stop_at) {
      keep_hidden_state(blocks_.last, resid_.matrix());
      run_.residual = std::move(resid_);
    } else {
      layer_ = 0;
      run_unembedding(*this, config_);
    }
    hooks_->check_that_all_fired();
    return std::move(run_);
  }

  Value embed() {
    const Value token = make(config_.d_model);
    std::size_t row = 0;
    for (const TokenIds& ids : request_.sequences)
      for (const std::int32_t id : ids) {
        checkpoint_.read_row(Role::embed, static_cast<std::size_t>(id), token.row_span(row));
        for (double& number : token.row_span(row)) number *= config_.embed_scale;
        ++row;
      }
    return token;
  }

  Value embed_positions() {
    const Value position = make(config_.d_model);
    for (std::size_t row = 0; row < run_.rows(); ++row)
      checkpoint_.read_row(Role::pos_embed, positions_[row] + config_.position_offset, position.row_span(row));
    return position;
  }

  Value entering() { return resid_.matrix(); }

  Value fire(Hook hook, Value value) {
    const HookPoint point{hook, layer_};
    if (hook == Hook::unembed_out && !unembeds_all()) {
      if (request_.logits == LogitRows::last) edit_last_logits(request_, *hooks_, value);
      return value;
    }
    hooks_->fire(point, value);
    if (hook == Hook::resid_pre) keep_hidden_state(layer_, value);
    if (hook == Hook::unembed_in) keep_hidden_state(blocks_.last, value);
    return value;
  }

  Value norm(Role role, const NormSpec& spec, Value x, Hook scale_hook, Hook normalized_hook,
             std::optional<Hook> out_hook = {}) {
    if (!spec.exists()) return x;
    const Value scale = make(groups_of(role, spec)), normalized = make(x.cols), y = make(x.cols);
    norm_scale(spec, x, scale);
    fire(scale_hook, scale);
    normalize(spec, x, scale, normalized);
    fire(normalized_hook, normalized);
    const auto weights = checkpoint_.read_norm<double>(role, layer_);
    weigh(normalized, weights.weight, weights.bias, y);
    return out_hook ? fire(*out_hook, y) : y;
  }

  std::array<Value, 3> project_qkv(Value x) {
    const std::array<Value, 3> qkv = {project(Role::q, x), project(Role::k, x), project(Role::v, x)};
    const double clip = attention().clip;
    if (clip > 0)
      for (const Value value : qkv)
        for_each(value, [&](double& number) {
          if (number > clip) number = clip;
          if (number < -clip) number = -clip;
        });
    return qkv;
  }

  Value rotate(Value x, Hook hook) {
    if (!config_.rotates()) return x;
    const Value y = make(x.cols);
    for (std::size_t r = 0; r < x.rows; ++r) std::copy_n(x.row(r), x.cols, y.row(r));
    for (std::size_t s = 0; s < run_.sequences(); ++s) {
      const std::size_t first = run_.row_offsets[s], count = run_.row_offsets[s + 1] - first;
      rotate_heads(attention().rotary, attention().d_head, y.rows_from(first, count));
    }
    return fire(hook, y);
  }

  Value attend(Value q, Value k, Value v, Hook scores, Hook pattern) {
    const Value z = make(attention().queries_width());
    for (std::size_t s = 0; s < run_.sequences(); ++s) attend_one(s, {scores, layer_}, {pattern, layer_}, q, k, v, z);
    return z;
  }

  // If attn.hook_result is edited, attn_out is the bias and the sum of the heads, in the rows that an edit changed.
  Value project_heads(Value z, Hook result_hook) {
    const Value heads = project(Role::o, z);
    const HookPoint point{result_hook, layer_};
    if (!hooks_->captures(point) && !hooks_->edits(point)) return heads;
    Tensor64 result = result_of(z);
    const Tensor64 unedited = result.copy();
    hooks_->fire(point, result.matrix());
    const auto bias = checkpoint_.read_bias<double>(Role::o, layer_);
    for (std::size_t r = 0; r < heads.rows; ++r) {
      const auto row = std::as_const(result).matrix().row_span(r);
      if (std::equal(row.begin(), row.end(), unedited.matrix().row(r))) continue;
      for (std::size_t j = 0; j < heads.cols; ++j) {
        double sum = bias.data()[j];
        for (std::size_t head = 0; head < attention().heads; ++head) sum += row[head * heads.cols + j];
        heads.row(r)[j] = sum;
      }
    }
    return heads;
  }

  std::pair<Value, Value> project_mlp(Value y) {
    if (!spec().mlp.gated) return {project(Role::up, y), {}};
    return {project(Role::gate, y), project(Role::up, y)};
  }

  Value activate(Value pre, Value linear) {
    const MlpSpec& mlp = spec().mlp;
    const Value post = make(pre.cols);
    for (std::size_t r = 0; r < pre.rows; ++r)
      for (std::size_t i = 0; i < pre.cols; ++i)
        post.row(r)[i] = activation_of(mlp.activation, pre.row(r)[i]) * (mlp.gated ? linear.row(r)[i] : 1);
    return post;
  }

  Value project_down(Value post) { return project(Role::down, post); }

  Value scale_branch(Value value) {
    for_each(value, [&](double& number) { number *= spec().branch_scale; });
    return value;
  }

  Value add(Sum, Value a, Value b) {
    const Value sum = make(a.cols);
    for (std::size_t r = 0; r < a.rows; ++r)
      for (std::size_t i = 0; i < a.cols; ++i) sum.row(r)[i] = a.row(r)[i] + b.row(r)[i];
    return sum;
  }

  void leave(Value value) {
    Tensor64 left({value.rows, value.cols});
    for (std::size_t r = 0; r < value.rows; ++r) std::copy_n(value.row(r), value.cols, left.matrix().row(r));
    resid_ = std::move(left);
  }

  Value unembed(Value normed) {
    if (!unembeds_all() && request_.logits == LogitRows::none) return {};
    const Tensor64 last = unembeds_all() ? Tensor64() : last_rows<double>(normed, run_.row_offsets);
    const Rows64 asked = unembeds_all() ? Rows64(normed) : last.matrix();
    const Tensor64 bias = checkpoint_.read_bias<double>(Role::unembed);
    logits_ = Tensor64({asked.rows, config_.d_vocab});
    parallel_for(config_.d_vocab, [&](std::size_t token) {
      std::vector<double> weights(asked.cols);  // the complete table is never in memory
      checkpoint_.read_row(Role::unembed, token, std::span(weights));
      for (std::size_t r = 0; r < asked.rows; ++r) {
        double dot = 0;
        for (std::size_t i = 0; i < asked.cols; ++i) dot += asked.row(r)[i] * weights[i];
        logits_.matrix().row(r)[token] = config_.unembed_bias ? dot + bias.data()[token] : dot;
      }
    });
    return logits_.matrix();
  }

  void leave_logits(Value logits) {
    if (logits.rows == 0) return;
    for (double& logit : logits_.values()) logit *= config_.logit_scale;
    if (config_.logit_cap > 0)
      for (double& logit : logits_.values()) logit = config_.logit_cap * std::tanh(logit / config_.logit_cap);
    if (request_.logits == LogitRows::all || !unembeds_all())
      run_.logits = std::move(logits_);
    else if (request_.logits == LogitRows::last)
      run_.logits = last_rows<double>(std::as_const(logits_).matrix(), run_.row_offsets);
  }

 private:
  const BlockSpec& spec() const { return config_.blocks[layer_]; }
  const AttentionSpec& attention() const { return spec().attention; }

  template <class Change>
  static void for_each(Value value, const Change& change) {
    for (std::size_t r = 0; r < value.rows; ++r)
      for (double& number : value.row_span(r)) change(number);
  }

  Value make(std::size_t width) { return values_.emplace_back(Shape{run_.rows(), width}).matrix(); }

  std::size_t groups_of(Role role, const NormSpec& norm) const {
    if (norm.wide) return 1;
    if (role == Role::q_norm) return attention().heads;
    return role == Role::k_norm ? attention().kv_heads : 1;
  }

  Value project(Role role, Value x) {
    const Tensor64 bias = checkpoint_.read_bias<double>(role, layer_);
    const Value y = make(bias.size());
    for_columns(role, y.cols, [&](std::size_t first, const Tensor64& columns) {
      linear(x, columns, bias.data() + first, y.cols_from(first, columns.shape()[1]));
    });
    return y;
  }

  // A matrix piece by piece, since as a whole in double it would need several times the memory of the file.
  template <class Use>
  void for_columns(Role role, std::size_t out, const Use& use) const {
    constexpr std::size_t kColumns = 1024;
    for (std::size_t first = 0; first < out; first += kColumns)
      use(first, checkpoint_.read_columns<double>(role, layer_, first, std::min(kColumns, out - first)));
  }

  // One sequence, with complete scores and patterns: [head, query, key].
  void attend_one(std::size_t sequence, HookPoint scores, HookPoint pattern, Value q, Value k, Value v, Value z) {
    const AttentionSpec& spec = attention();
    const std::size_t first = run_.row_offsets[sequence], count = run_.row_offsets[sequence + 1] - first;
    const auto part = [&](Value of, std::size_t head) {
      return of.rows_from(first, count).cols_from(head * spec.d_head, spec.d_head);
    };
    Tensor64 values({spec.heads, count, count});
    const auto fire_rows = [&](HookPoint point, double unseen) {
      hooks_->edit(point, sequence, {values.data(), {spec.heads, count, count}, {count * count, count, 1}, 0});
      for (std::size_t head = 0; head < spec.heads; ++head) hide_unseen(spec, values.slice(head), unseen);
      if (KeyRows<double>* captured = hooks_->key_rows(point))
        for (std::size_t head = 0; head < spec.heads; ++head)
          for (std::size_t r = 0; r < count; ++r) captured->write(head, first + r, {values.slice(head).row(r), r + 1});
    };
    for (std::size_t head = 0; head < spec.heads; ++head)
      write_scores(spec, head, part(q, head), part(k, spec.key_head_of(head)), values.slice(head));
    fire_rows(scores, -std::numeric_limits<double>::infinity());
    for (std::size_t head = 0; head < spec.heads; ++head) softmax(spec, values.slice(head));
    fire_rows(pattern, 0);
    for (std::size_t head = 0; head < spec.heads; ++head)
      mix(spec, values.slice(head), part(v, spec.key_head_of(head)), part(z, head));
  }

  // result[row, head] = z[row, head] W_O[head]
  Tensor64 result_of(Value z) const {
    const std::size_t d_model = config_.d_model, heads = attention().heads, d_head = attention().d_head;
    Tensor64 result = Tensor64::zeros({z.rows, heads * d_model});
    for_columns(Role::o, d_model, [&](std::size_t first, const Tensor64& w_o) {
      const std::size_t count = w_o.shape()[1];
      for (std::size_t r = 0; r < z.rows; ++r)
        for (std::size_t i = 0; i < z.cols; ++i)
          for (std::size_t j = 0; j < count; ++j)
            result.data()[(r * heads + i / d_head) * d_model + first + j] += z.row(r)[i] * w_o.data()[i * count + j];
    });
    return result;
  }

  bool unembeds_all() const { return request_.logits == LogitRows::all || hooks_->captures({Hook::unembed_out, 0}); }

  void keep_hidden_state(std::size_t entry, Rows64 value) {
    if (!request_.hidden_states) return;
    const auto kept = run_.hidden_states.slice(entry - blocks_.first);
    for (std::size_t r = 0; r < value.rows; ++r) std::copy_n(value.row(r), value.cols, kept.row(r));
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const RunRequest& request_;
  BlockRange blocks_;
  Run<double> run_;
  std::optional<Hooks<double>> hooks_;
  std::vector<std::size_t> positions_;  // of each row in its text
  std::size_t layer_ = 0;
  Tensor64 resid_, logits_;
  std::deque<Tensor64> values_;  // of this block
};

}  // namespace

Run<double> reference_forward(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request) {
  return ReferencePass(checkpoint, config, request).forward();
}

}  // namespace stratoscope
