#include "stratoscope/model/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/forward.h"
#include "stratoscope/model/hooks.h"

namespace stratoscope {
namespace {

using Tensor64 = BasicTensor<double>;
using Rows = MatrixView<const double>;

// y = x W + b with W stored [in, out]; the sum over `in` runs upwards.
Tensor64 linear(Rows x, const Tensor64& weight, const Tensor64& bias) {
  const std::size_t out = weight.shape()[1];
  Tensor64 y({x.rows, out});
  parallel_for(x.rows, [&](std::size_t r) {
    double* row = y.matrix().row(r);
    std::copy_n(bias.data(), out, row);
    for (std::size_t i = 0; i < x.cols; ++i)
      for (std::size_t j = 0; j < out; ++j) row[j] += x.row(r)[i] * weight.data()[i * out + j];
  });
  return y;
}

std::vector<double> mean_of_rows(Rows x) {
  std::vector<double> means(x.rows);
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t i = 0; i < x.cols; ++i) means[r] += x.row(r)[i] / static_cast<double>(x.cols);
  return means;
}

// scale = sqrt(biased variance + eps)
Tensor64 scale_of(Rows x, const std::vector<double>& means, double eps) {
  Tensor64 scale({x.rows, 1});
  for (std::size_t r = 0; r < x.rows; ++r) {
    double variance = 0;
    for (std::size_t i = 0; i < x.cols; ++i)
      variance += (x.row(r)[i] - means[r]) * (x.row(r)[i] - means[r]) / static_cast<double>(x.cols);
    scale.data()[r] = std::sqrt(variance + eps);
  }
  return scale;
}

// normalized = (x - mean) / scale
Tensor64 normalize(Rows x, const std::vector<double>& means, const Tensor64& scale) {
  Tensor64 normalized({x.rows, x.cols});
  for (std::size_t r = 0; r < x.rows; ++r)
    for (std::size_t i = 0; i < x.cols; ++i) normalized.matrix().row(r)[i] = (x.row(r)[i] - means[r]) / scale.data()[r];
  return normalized;
}

Tensor64 scale_and_shift(Rows normalized, const Tensor64& weight, const Tensor64& bias) {
  Tensor64 y({normalized.rows, normalized.cols});
  for (std::size_t r = 0; r < normalized.rows; ++r)
    for (std::size_t i = 0; i < normalized.cols; ++i)
      y.matrix().row(r)[i] = normalized.row(r)[i] * weight.data()[i] + bias.data()[i];
  return y;
}

double activate(Activation activation, double x) {
  constexpr double kRootTwoOverPi = 0.79788456080286535588, kRootTwo = 1.41421356237309504880;
  switch (activation) {
    case Activation::gelu_new: return 0.5 * x * (1 + std::tanh(kRootTwoOverPi * (x + 0.044715 * x * x * x)));
    case Activation::gelu: return 0.5 * x * (1 + std::erf(x / kRootTwo));
    case Activation::relu2: return x < 0 ? 0 : x * x;
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
    default: return x < 0 ? 0 : x;
  }
}

// scores[i, j] = scale * q[i] . k[j] for the keys up to the query, -inf behind it.
void write_scores(Rows q, Rows k, double scale, MatrixView<double> scores) {
  for (std::size_t i = 0; i < q.rows; ++i) {
    std::fill_n(scores.row(i), scores.cols, -std::numeric_limits<double>::infinity());
    for (std::size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (std::size_t d = 0; d < q.cols; ++d) dot += q.row(i)[d] * k.row(j)[d];
      scores.row(i)[j] = dot * scale;
    }
  }
}

// In place; keys behind the query become 0.
void softmax(MatrixView<double> scores) {
  for (std::size_t i = 0; i < scores.rows; ++i) {
    double* row = scores.row(i);
    const double top = *std::max_element(row, row + i + 1);
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) sum += row[j] = std::exp(row[j] - top);
    for (std::size_t j = 0; j < scores.cols; ++j) row[j] = j <= i ? row[j] / sum : 0;
  }
}

// z[i] = sum over j <= i of pattern[i, j] v[j]
void mix(Rows pattern, Rows v, MatrixView<double> z) {
  for (std::size_t i = 0; i < pattern.rows; ++i) {
    std::fill_n(z.row(i), z.cols, 0.0);
    for (std::size_t j = 0; j <= i; ++j)
      for (std::size_t d = 0; d < z.cols; ++d) z.row(i)[d] += pattern.row(i)[j] * v.row(j)[d];
  }
}

class Reference {
 public:
  Reference(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request)
      : checkpoint_(checkpoint), config_(config), request_(request), blocks_(blocks_of(request, config)) {
    run_.row_offsets = offsets_of(request.sequences);
    hooks_.emplace(config, request, run_);
  }

  Run<double> forward() {
    const std::size_t rows = run_.rows(), d_model = config_.d_model;
    if (request_.hidden_states) run_.hidden_states = Tensor64({hidden_states_of(blocks_), rows, d_model});
    Tensor64 resid = request_.start ? request_.start->residual.copy() : embed();
    for (std::size_t layer = blocks_.first; layer < blocks_.last; ++layer) {
      report(request_, layer, config_.n_layers);
      block(layer, resid);
    }
    if (request_.stop_at) {
      keep_hidden_state(blocks_.last, resid);
      run_.residual = std::move(resid);
    } else {
      unembed(resid);
    }
    hooks_->check_that_all_fired();
    return std::move(run_);
  }

 private:
  Tensor64 weight(const std::string& name) const { return checkpoint_.read<double>(name); }
  void fire(Hook hook, std::size_t layer, Tensor64& value) { hooks_->fire({hook, layer}, value.matrix()); }

  Tensor64 embed() {
    Tensor64 token({run_.rows(), config_.d_model}), position({run_.rows(), config_.d_model});
    std::size_t row = 0;
    for (const TokenIds& ids : request_.sequences) {
      for (std::size_t p = 0; p < ids.size(); ++p, ++row) {
        checkpoint_.read_row("wte.weight", static_cast<std::size_t>(ids[p]), token.matrix().row_span(row));
        checkpoint_.read_row("wpe.weight", p, position.matrix().row_span(row));
      }
    }
    fire(Hook::embed, 0, token);
    fire(Hook::pos_embed, 0, position);
    return sum(token, position);
  }

  void block(std::size_t layer, Tensor64& resid) {
    const std::string prefix = "h." + std::to_string(layer) + ".";
    fire(Hook::resid_pre, layer, resid);
    keep_hidden_state(layer, resid);
    const Tensor64 x = norm(resid, prefix + "ln_1", {Hook::ln1_scale, layer}, {Hook::ln1_normalized, layer});
    Tensor64 attn_out = attention(layer, x, prefix);
    fire(Hook::attn_out, layer, attn_out);
    Tensor64 resid_mid = sum(resid, attn_out);
    fire(Hook::resid_mid, layer, resid_mid);

    const Tensor64 y = norm(resid_mid, prefix + "ln_2", {Hook::ln2_scale, layer}, {Hook::ln2_normalized, layer});
    Tensor64 mlp = linear(y.matrix(), weight(prefix + "mlp.c_fc.weight"), weight(prefix + "mlp.c_fc.bias"));
    fire(Hook::mlp_pre, layer, mlp);
    for (double& value : mlp.values()) value = activate(config_.activation, value);
    fire(Hook::mlp_post, layer, mlp);
    Tensor64 mlp_out =
        linear(std::as_const(mlp).matrix(), weight(prefix + "mlp.c_proj.weight"), weight(prefix + "mlp.c_proj.bias"));
    fire(Hook::mlp_out, layer, mlp_out);
    resid = sum(resid_mid, mlp_out);
    fire(Hook::resid_post, layer, resid);
  }

  Tensor64 attention(std::size_t layer, const Tensor64& x, const std::string& prefix) {
    const std::size_t d_model = config_.d_model, rows = run_.rows();
    Tensor64 qkv = linear(x.matrix(), weight(prefix + "attn.c_attn.weight"), weight(prefix + "attn.c_attn.bias"));
    const auto q = qkv.matrix().cols_from(0, d_model), k = qkv.matrix().cols_from(d_model, d_model);
    const auto v = qkv.matrix().cols_from(2 * d_model, d_model);
    hooks_->fire({Hook::q, layer}, q);
    hooks_->fire({Hook::k, layer}, k);
    hooks_->fire({Hook::v, layer}, v);
    Tensor64 z({rows, d_model});
    for (std::size_t s = 0; s < run_.sequences(); ++s) attend(layer, s, q, k, v, z.matrix());
    fire(Hook::z, layer, z);
    const Tensor64 w_o = weight(prefix + "attn.c_proj.weight"), bias = weight(prefix + "attn.c_proj.bias");
    Tensor64 attn_out = linear(std::as_const(z).matrix(), w_o, bias);
    if (const HookPoint point{Hook::result, layer}; hooks_->captures(point) || hooks_->edits(point)) {
      Tensor64 result = result_of(z, w_o);
      const Tensor64 unedited = result.copy();
      hooks_->fire(point, result.matrix());
      sum_edited_heads(unedited, result, bias, attn_out);
    }
    return attn_out;
  }

  // One sequence, with whole scores and patterns: [head, query, key].
  void attend(std::size_t layer, std::size_t sequence, Rows q, Rows k, Rows v, MatrixView<double> z) {
    const std::size_t first = run_.row_offsets[sequence], count = run_.row_offsets[sequence + 1] - first;
    const auto part = [&](auto m, std::size_t head) {
      return m.rows_from(first, count).cols_from(head * config_.d_head, config_.d_head);
    };
    Tensor64 values({config_.n_heads, count, count});
    const auto fire_rows = [&](HookPoint point) {
      hooks_->edit(point, sequence, {values.data(), {config_.n_heads, count, count}, {count * count, count, 1}, 0});
      if (KeyRows<double>* captured = hooks_->key_rows(point))
        for (std::size_t head = 0; head < config_.n_heads; ++head)
          for (std::size_t r = 0; r < count; ++r) captured->write(head, first + r, {values.slice(head).row(r), r + 1});
    };
    for (std::size_t head = 0; head < config_.n_heads; ++head)
      write_scores(part(q, head), part(k, head), config_.attention_scale(layer), values.slice(head));
    fire_rows({Hook::attn_scores, layer});
    for (std::size_t head = 0; head < config_.n_heads; ++head) softmax(values.slice(head));
    fire_rows({Hook::pattern, layer});
    for (std::size_t head = 0; head < config_.n_heads; ++head) mix(values.slice(head), part(v, head), part(z, head));
  }

  // result[row, head] = z[row, head] W_O[head]
  Tensor64 result_of(const Tensor64& z, const Tensor64& w_o) const {
    const std::size_t d_model = config_.d_model;
    Tensor64 result = Tensor64::zeros({z.shape()[0], config_.n_heads * d_model});
    for (std::size_t r = 0; r < z.shape()[0]; ++r)
      for (std::size_t i = 0; i < d_model; ++i)
        for (std::size_t j = 0; j < d_model; ++j)
          result.data()[(r * config_.n_heads + i / config_.d_head) * d_model + j] +=
              z.matrix().row(r)[i] * w_o.data()[i * d_model + j];
    return result;
  }

  // attn_out = bias + the sum of the heads, in the rows that an edit changed.
  void sum_edited_heads(const Tensor64& unedited, const Tensor64& result, const Tensor64& bias,
                        Tensor64& attn_out) const {
    const std::size_t d_model = config_.d_model;
    for (std::size_t r = 0; r < attn_out.shape()[0]; ++r) {
      const auto row = result.matrix().row_span(r);
      if (std::equal(row.begin(), row.end(), unedited.matrix().row(r))) continue;
      for (std::size_t j = 0; j < d_model; ++j) {
        double sum = bias.data()[j];
        for (std::size_t head = 0; head < config_.n_heads; ++head) sum += row[head * d_model + j];
        attn_out.matrix().row(r)[j] = sum;
      }
    }
  }

  Tensor64 norm(const Tensor64& x, const std::string& name, HookPoint scale_point, HookPoint normalized_point) {
    const auto means = mean_of_rows(x.matrix());
    Tensor64 scale = scale_of(x.matrix(), means, config_.layer_norm_eps);
    hooks_->fire(scale_point, scale.matrix());
    Tensor64 normalized = normalize(x.matrix(), means, scale);
    hooks_->fire(normalized_point, normalized.matrix());
    return scale_and_shift(std::as_const(normalized).matrix(), weight(name + ".weight"), weight(name + ".bias"));
  }

  Tensor64 logits_of(Rows x, const Tensor64& table) const {
    Tensor64 logits({x.rows, config_.d_vocab});
    parallel_for(config_.d_vocab, [&](std::size_t token) {
      for (std::size_t r = 0; r < x.rows; ++r) {
        double dot = 0;
        for (std::size_t i = 0; i < x.cols; ++i) dot += x.row(r)[i] * table.matrix().row(token)[i];
        logits.matrix().row(r)[token] = dot;
      }
    });
    return logits;
  }

  void unembed(const Tensor64& resid) {
    Tensor64 normed = norm(resid, "ln_f", {Hook::ln_final_scale, 0}, {Hook::ln_final_normalized, 0});
    fire(Hook::unembed_in, 0, normed);
    keep_hidden_state(blocks_.last, normed);
    if (request_.logits == LogitRows::none && !hooks_->captures({Hook::unembed_out, 0})) return;
    const Tensor64 table = weight(checkpoint_.unembedding());  // [d_vocab, d_model]
    if (request_.logits == LogitRows::all || hooks_->captures({Hook::unembed_out, 0})) {
      Tensor64 logits = logits_of(std::as_const(normed).matrix(), table);
      fire(Hook::unembed_out, 0, logits);
      if (request_.logits == LogitRows::all) run_.logits = std::move(logits);
      if (request_.logits == LogitRows::last)
        run_.logits = last_rows<double>(std::as_const(logits).matrix(), run_.row_offsets);
    } else {
      const Tensor64 last = last_rows<double>(std::as_const(normed).matrix(), run_.row_offsets);
      run_.logits = logits_of(last.matrix(), table);
      edit_last_logits(request_, *hooks_, run_.logits);
    }
  }

  void keep_hidden_state(std::size_t entry, const Tensor64& value) {
    if (!request_.hidden_states) return;
    std::copy_n(value.data(), value.size(), run_.hidden_states.slice(entry - blocks_.first).data);
  }

  static Tensor64 sum(const Tensor64& a, const Tensor64& b) {
    Tensor64 total(a.shape());
    for (std::size_t i = 0; i < a.size(); ++i) total.data()[i] = a.data()[i] + b.data()[i];
    return total;
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const RunRequest& request_;
  BlockRange blocks_;
  Run<double> run_;
  std::optional<Hooks<double>> hooks_;
};

}  // namespace

Run<double> reference_forward(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request) {
  return Reference(checkpoint, config, request).forward();
}

}  // namespace stratoscope
