#include "stratoscope/model/reference.h"

#include <algorithm>
#include <cmath>
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

// normalized = (x - mean) / scale, scale = sqrt(biased variance + eps).
void normalize(Rows x, double eps, Tensor64& normalized, Tensor64& scale) {
  const auto n = static_cast<double>(x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < x.cols; ++i) mean += x.row(r)[i] / n;
    for (std::size_t i = 0; i < x.cols; ++i) variance += (x.row(r)[i] - mean) * (x.row(r)[i] - mean) / n;
    scale.data()[r] = std::sqrt(variance + eps);
    for (std::size_t i = 0; i < x.cols; ++i) normalized.matrix().row(r)[i] = (x.row(r)[i] - mean) / scale.data()[r];
  }
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
    default: return x < 0 ? 0 : x;
  }
}

// One head over one sequence: rows [first, first + count).
void attend(Rows q, Rows k, Rows v, double scale, std::size_t head, std::size_t first, Tensor64* scores,
            Tensor64* pattern, std::size_t total_rows, MatrixView<double> z) {
  std::vector<double> row(q.rows);
  for (std::size_t i = 0; i < q.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (std::size_t d = 0; d < q.cols; ++d) dot += q.row(i)[d] * k.row(j)[d];
      row[j] = dot * scale;
    }
    const auto write_to = [&](Tensor64* out) {
      if (out != nullptr)
        std::copy_n(row.data(), i + 1, out->data() + (head * total_rows + first + i) * out->shape()[2]);
    };
    write_to(scores);
    const double top = *std::max_element(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) sum += row[j] = std::exp(row[j] - top);
    for (std::size_t j = 0; j <= i; ++j) row[j] /= sum;
    write_to(pattern);
    std::fill_n(z.row(i), z.cols, 0.0);
    for (std::size_t j = 0; j <= i; ++j)
      for (std::size_t d = 0; d < z.cols; ++d) z.row(i)[d] += row[j] * v.row(j)[d];
  }
}

class Reference {
 public:
  Reference(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request)
      : checkpoint_(checkpoint), config_(config), request_(request) {
    run_.row_offsets = offsets_of(request.sequences);
    hooks_.emplace(config, request, run_);
  }

  Run<double> forward() {
    const std::size_t rows = run_.rows(), d_model = config_.d_model;
    if (request_.hidden_states) run_.hidden_states = Tensor64({config_.n_layers + 1, rows, d_model});
    Tensor64 resid = embed();
    for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
      report(request_, layer, config_.n_layers);
      block(layer, resid);
    }
    Tensor64 normed = norm(resid, "ln_f", {Point::ln_final_scale, 0}, {Point::ln_final_normalized, 0});
    fire(Point::unembed_in, 0, normed);
    keep_hidden_state(config_.n_layers, normed);
    unembed(normed);
    hooks_->check_that_all_fired();
    return std::move(run_);
  }

 private:
  Tensor64 weight(const std::string& name) const { return checkpoint_.read<double>(name); }
  void fire(Point point, std::size_t layer, Tensor64& value) { hooks_->fire({point, layer}, value.matrix()); }

  Tensor64 embed() {
    Tensor64 token({run_.rows(), config_.d_model}), position({run_.rows(), config_.d_model});
    std::size_t row = 0;
    for (const TokenIds& ids : request_.sequences) {
      for (std::size_t p = 0; p < ids.size(); ++p, ++row) {
        checkpoint_.read_row("wte.weight", static_cast<std::size_t>(ids[p]), token.matrix().row_span(row));
        checkpoint_.read_row("wpe.weight", p, position.matrix().row_span(row));
      }
    }
    fire(Point::embed, 0, token);
    fire(Point::pos_embed, 0, position);
    return sum(token, position);
  }

  void block(std::size_t layer, Tensor64& resid) {
    const std::string prefix = "h." + std::to_string(layer) + ".";
    fire(Point::resid_pre, layer, resid);
    keep_hidden_state(layer, resid);
    const Tensor64 x = norm(resid, prefix + "ln_1", {Point::ln1_scale, layer}, {Point::ln1_normalized, layer});
    Tensor64 attn_out = attention(layer, x, prefix);
    fire(Point::attn_out, layer, attn_out);
    Tensor64 resid_mid = sum(resid, attn_out);
    fire(Point::resid_mid, layer, resid_mid);

    const Tensor64 y = norm(resid_mid, prefix + "ln_2", {Point::ln2_scale, layer}, {Point::ln2_normalized, layer});
    Tensor64 mlp = linear(y.matrix(), weight(prefix + "mlp.c_fc.weight"), weight(prefix + "mlp.c_fc.bias"));
    fire(Point::mlp_pre, layer, mlp);
    for (double& value : mlp.values()) value = activate(config_.activation, value);
    fire(Point::mlp_post, layer, mlp);
    Tensor64 mlp_out =
        linear(std::as_const(mlp).matrix(), weight(prefix + "mlp.c_proj.weight"), weight(prefix + "mlp.c_proj.bias"));
    fire(Point::mlp_out, layer, mlp_out);
    resid = sum(resid_mid, mlp_out);
    fire(Point::resid_post, layer, resid);
  }

  Tensor64 attention(std::size_t layer, const Tensor64& x, const std::string& prefix) {
    const std::size_t d_model = config_.d_model, d_head = config_.d_head, rows = run_.rows();
    Tensor64 qkv = linear(x.matrix(), weight(prefix + "attn.c_attn.weight"), weight(prefix + "attn.c_attn.bias"));
    const auto q = qkv.matrix().cols_from(0, d_model), k = qkv.matrix().cols_from(d_model, d_model);
    const auto v = qkv.matrix().cols_from(2 * d_model, d_model);
    hooks_->fire({Point::q, layer}, q);
    hooks_->fire({Point::k, layer}, k);
    hooks_->fire({Point::v, layer}, v);
    Tensor64 z({rows, d_model});
    Tensor64* scores = hooks_->destination({Point::attn_scores, layer});
    Tensor64* pattern = hooks_->destination({Point::pattern, layer});
    for (std::size_t s = 0; s < run_.sequences(); ++s) {
      const std::size_t first = run_.row_offsets[s], count = run_.row_offsets[s + 1] - first;
      for (std::size_t head = 0; head < config_.n_heads; ++head) {
        const auto part = [&](auto m) { return m.rows_from(first, count).cols_from(head * d_head, d_head); };
        attend(part(q), part(k), part(v), config_.attention_scale(layer), head, first, scores, pattern, rows,
               part(z.matrix()));
      }
    }
    fire(Point::z, layer, z);
    const Tensor64 w_o = weight(prefix + "attn.c_proj.weight");
    if (Tensor64* result = hooks_->destination({Point::result, layer})) write_result(z, w_o, *result);
    return linear(std::as_const(z).matrix(), w_o, weight(prefix + "attn.c_proj.bias"));
  }

  // result[row, head] = z[row, head] W_O[head]
  void write_result(const Tensor64& z, const Tensor64& w_o, Tensor64& result) const {
    const std::size_t d_model = config_.d_model;
    std::fill_n(result.data(), result.size(), 0.0);
    for (std::size_t r = 0; r < z.shape()[0]; ++r)
      for (std::size_t i = 0; i < d_model; ++i)
        for (std::size_t j = 0; j < d_model; ++j)
          result.data()[(r * config_.n_heads + i / config_.d_head) * d_model + j] +=
              z.matrix().row(r)[i] * w_o.data()[i * d_model + j];
  }

  Tensor64 norm(const Tensor64& x, const std::string& name, Site scale_site, Site normalized_site) {
    Tensor64 normalized(x.shape()), scale({x.shape()[0], 1});
    normalize(x.matrix(), config_.layer_norm_eps, normalized, scale);
    hooks_->fire(scale_site, scale.matrix());
    hooks_->fire(normalized_site, normalized.matrix());
    return scale_and_shift(std::as_const(normalized).matrix(), weight(name + ".weight"), weight(name + ".bias"));
  }

  void unembed(const Tensor64& normed) {
    const Tensor64 table = weight(checkpoint_.unembedding());  // [d_vocab, d_model]
    const auto logits_of = [&](Rows x) {
      Tensor64 logits({x.rows, config_.d_vocab});
      parallel_for(config_.d_vocab, [&](std::size_t token) {
        for (std::size_t r = 0; r < x.rows; ++r) {
          double dot = 0;
          for (std::size_t i = 0; i < x.cols; ++i) dot += x.row(r)[i] * table.matrix().row(token)[i];
          logits.matrix().row(r)[token] = dot;
        }
      });
      return logits;
    };
    if (request_.logits == LogitRows::all || hooks_->captures({Point::unembed_out, 0})) {
      Tensor64 logits = logits_of(normed.matrix());
      fire(Point::unembed_out, 0, logits);
      if (request_.logits == LogitRows::all) run_.logits = std::move(logits);
    }
    if (request_.logits == LogitRows::last) {
      const Tensor64 last = last_rows(normed.matrix(), run_.row_offsets);
      run_.logits = logits_of(last.matrix());
    }
  }

  void keep_hidden_state(std::size_t entry, const Tensor64& value) {
    if (!request_.hidden_states) return;
    std::copy_n(value.data(), value.size(), run_.hidden_states.data() + entry * value.size());
  }

  static Tensor64 sum(const Tensor64& a, const Tensor64& b) {
    Tensor64 total(a.shape());
    for (std::size_t i = 0; i < a.size(); ++i) total.data()[i] = a.data()[i] + b.data()[i];
    return total;
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const RunRequest& request_;
  Run<double> run_;
  std::optional<Hooks<double>> hooks_;
};

}  // namespace

Run<double> reference_forward(const Checkpoint& checkpoint, const ModelConfig& config, const RunRequest& request) {
  return Reference(checkpoint, config, request).forward();
}

}  // namespace stratoscope
