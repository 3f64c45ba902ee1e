// The forward pass of any description in the plainest float64: loops over tokens, heads and keys, and the formulas as
// they are published. It shares with the library only the description and the kinds of activations and norms.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "tests/support/described_weights.h"

namespace stratoscope::test {

using Numbers = std::vector<double>;

struct PlainRun {
  std::map<std::string, Numbers> values;  // by the hook point's name, also of hook points that a model does not have
  std::vector<Numbers> hidden_states;     // [n_layers + 1][tokens, d_model]
  Numbers logits;                         // [tokens, d_vocab]
};

// A change of a value before it is read.
using PlainEdit = std::function<void(const std::string& name, Numbers& value)>;

inline Numbers plain_product(const PlainMatrix& matrix, const Numbers& x) {
  const std::size_t rows = x.size() / matrix.in;
  Numbers y(rows * matrix.out);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t o = 0; o < matrix.out; ++o) {
      double sum = 0;
      for (std::size_t i = 0; i < matrix.in; ++i)
        sum += x[r * matrix.in + i] * static_cast<double>(matrix.weight[o * matrix.in + i]);
      y[r * matrix.out + o] = matrix.bias.empty() ? sum : sum + static_cast<double>(matrix.bias[o]);
    }
  return y;
}

inline double plain_activation(Activation activation, double x) {
  switch (activation) {
    case Activation::gelu_new: return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::relu2: return x > 0 ? x * x : 0;
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

inline Numbers plain_sum(const Numbers& a, const Numbers& b) {
  Numbers sum = a;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

// Heads beyond the largest power of two n take every second step of the sequence for 2 n (ALiBi's own code).
inline double plain_slope(std::size_t head, std::size_t heads) {
  std::size_t n = 1;
  while (2 * n <= heads) n *= 2;
  const double start = std::pow(2.0, -8.0 / static_cast<double>(n));
  return head < n ? std::pow(start, static_cast<double>(head + 1))
                  : std::pow(std::sqrt(start), static_cast<double>(2 * (head - n) + 1));
}

// The angle of each pair from one position to the next, in a text of so many tokens.
inline Numbers plain_frequencies(const Rotary& rotary, std::size_t tokens) {
  const RotaryScaling& scaling = rotary.scaling;
  const double n = static_cast<double>(rotary.dims), s = scaling.factor, two_pi = 2 * M_PI;
  double base = rotary.base;
  if (scaling.kind == RotaryScalingKind::dynamic && static_cast<double>(tokens) > scaling.max_context)
    base *= std::pow(s * static_cast<double>(tokens) / scaling.max_context - (s - 1), n / (n - 2));
  const auto pair_of = [&](double turns) {
    return n * std::log(scaling.original_context / (two_pi * turns)) / (2 * std::log(base));
  };
  double low = pair_of(scaling.high_turns), high = pair_of(scaling.low_turns);
  if (scaling.whole_pairs) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0), high = std::min(high, n - 1);
  const bool is_long = static_cast<double>(tokens) > scaling.original_context;
  Numbers frequencies;
  for (std::size_t j = 0; 2 * j < rotary.dims; ++j) {
    const double f = std::pow(base, -2.0 * static_cast<double>(j) / n);
    const double turns = scaling.original_context * f / two_pi;
    const double kept = std::clamp((turns - scaling.low_turns) / (scaling.high_turns - scaling.low_turns), 0.0, 1.0);
    const double slowed = std::clamp((static_cast<double>(j) - low) / (high == low ? 0.001 : high - low), 0.0, 1.0);
    switch (scaling.kind) {
      case RotaryScalingKind::none:
      case RotaryScalingKind::dynamic: frequencies.push_back(f); break;
      case RotaryScalingKind::linear: frequencies.push_back(f / s); break;
      case RotaryScalingKind::llama3: frequencies.push_back((1 - kept) * f / s + kept * f); break;
      case RotaryScalingKind::yarn: frequencies.push_back(slowed * f / s + (1 - slowed) * f); break;
      case RotaryScalingKind::longrope:
        frequencies.push_back(f / (is_long ? scaling.long_divisors : scaling.short_divisors)[j]);
    }
  }
  return frequencies;
}

inline PlainRun plain_forward(const ModelConfig& config, const PlainWeights& weights,
                              const std::vector<std::int32_t>& ids, const PlainEdit& edit = {}) {
  PlainRun run;
  const std::size_t tokens = ids.size(), d = config.d_model;
  std::string prefix;
  const auto fire = [&](const char* hook, Numbers& value) {
    if (edit) edit(prefix + hook, value);
    run.values[prefix + hook] = value;
  };
  // Parts of `size` numbers are normalised apart; the weight is as long as a part, or as all parts of a token.
  const auto norm = [&](const NormSpec& spec, const PlainNorm& stored, const Numbers& x, std::size_t size,
                        const std::string& hook) {
    if (!spec.exists()) return x;
    const std::size_t parts = x.size() / size;
    Numbers centred = x, scale(parts);
    for (std::size_t p = 0; p < parts; ++p) {
      double mean = 0, squares = 0;
      for (std::size_t i = 0; i < size; ++i) mean += x[p * size + i] / static_cast<double>(size);
      for (std::size_t i = 0; i < size; ++i) {
        if (spec.kind == NormKind::layer) centred[p * size + i] -= mean;
        squares += centred[p * size + i] * centred[p * size + i];
      }
      scale[p] = std::sqrt(squares / static_cast<double>(size) + spec.eps);
    }
    fire((hook + ".hook_scale").c_str(), scale);
    Numbers y = centred;
    for (std::size_t i = 0; i < y.size(); ++i) y[i] /= scale[i / size];
    fire((hook + ".hook_normalized").c_str(), y);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (spec.weight) y[i] *= static_cast<double>(stored.weight[i % stored.weight.size()]) + (spec.plus_one ? 1 : 0);
      if (spec.bias) y[i] += static_cast<double>(stored.bias[i % stored.bias.size()]);
    }
    if (hook == "ln1" || hook == "ln2") fire((hook + ".hook_out").c_str(), y);
    return y;
  };
  const auto rotate = [&](const Rotary& rotary, Numbers x, std::size_t heads, std::size_t d_head) {
    const Numbers frequencies = plain_frequencies(rotary, tokens);
    for (std::size_t p = 0; p < tokens; ++p)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t j = 0; 2 * j < rotary.dims; ++j) {
          const double angle = static_cast<double>(p) * frequencies[j], size = rotary.scaling.magnitude;
          double* head = x.data() + (p * heads + h) * d_head;
          double& a = head[rotary.interleaved ? 2 * j : j];
          double& b = head[rotary.interleaved ? 2 * j + 1 : j + rotary.dims / 2];
          const double turned = size * (a * std::cos(angle) - b * std::sin(angle));
          b = size * (b * std::cos(angle) + a * std::sin(angle));
          a = turned;
        }
    return x;
  };

  Numbers residual(tokens * d), positions(tokens * d);
  for (std::size_t p = 0; p < tokens; ++p)
    for (std::size_t i = 0; i < d; ++i) {
      residual[p * d + i] =
          config.embed_scale * static_cast<double>(weights.embed.weight[static_cast<std::size_t>(ids[p]) * d + i]);
      if (config.learned_positions)
        positions[p * d + i] = static_cast<double>(weights.pos_embed.weight[(p + config.position_offset) * d + i]);
    }
  residual = norm(config.embed_norm, weights.embed_norm, residual, d, "embed.ln");
  fire("hook_embed", residual);
  if (config.learned_positions) {
    fire("hook_pos_embed", positions);
    residual = plain_sum(residual, positions);
  }

  for (std::size_t layer = 0; layer < config.blocks.size(); ++layer) {
    const BlockSpec& spec = config.blocks[layer];
    const AttentionSpec& attention = spec.attention;
    const PlainBlock& block = weights.blocks[layer];
    const std::size_t heads = attention.heads, kv_heads = attention.kv_heads, d_head = attention.d_head;
    prefix = "blocks." + std::to_string(layer) + ".";
    fire("hook_resid_pre", residual);
    run.hidden_states.push_back(residual);
    const Numbers x = norm(spec.ln1, block.ln1, residual, d, "ln1");

    Numbers q = plain_product(block.q, x), k = plain_product(block.k, x), v = plain_product(block.v, x);
    if (attention.clip > 0)
      for (Numbers* values : {&q, &k, &v})
        for (double& x_i : *values) x_i = std::min(std::max(x_i, -attention.clip), attention.clip);
    fire("attn.hook_q", q);
    fire("attn.hook_k", k);
    fire("attn.hook_v", v);
    q = norm(spec.q_norm, block.q_norm, q, spec.q_norm.wide ? heads * d_head : d_head, "attn.q_norm");
    k = norm(spec.k_norm, block.k_norm, k, spec.k_norm.wide ? kv_heads * d_head : d_head, "attn.k_norm");
    q = rotate(attention.rotary, q, heads, d_head);
    k = rotate(attention.rotary, k, kv_heads, d_head);
    fire("attn.hook_rot_q", q);
    fire("attn.hook_rot_k", k);

    const auto sees = [&](std::size_t query, std::size_t key) {
      return key <= query && (attention.window == 0 || query - key < attention.window);
    };
    const auto key_row = [&](const Numbers& from, std::size_t head, std::size_t key) {
      return from.data() + (key * kv_heads + head / (heads / kv_heads)) * d_head;
    };
    Numbers scores(heads * tokens * tokens, -std::numeric_limits<double>::infinity());
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t query = 0; query < tokens; ++query)
        for (std::size_t key = 0; key <= query; ++key) {
          if (!sees(query, key)) continue;
          double score = 0;
          for (std::size_t i = 0; i < d_head; ++i) score += q[(query * heads + h) * d_head + i] * key_row(k, h, key)[i];
          score *= attention.scale;
          if (attention.score_cap > 0) score = attention.score_cap * std::tanh(score / attention.score_cap);
          if (attention.slopes) score -= plain_slope(h, heads) * static_cast<double>(query - key);
          scores[(h * tokens + query) * tokens + key] = score;
        }
    // Values written for keys that the query does not see have no effect.
    const auto fire_masked = [&](const char* hook, Numbers& value, double masked) {
      fire(hook, value);
      for (std::size_t i = 0; i < value.size(); ++i)
        if (!sees(i / tokens % tokens, i % tokens)) value[i] = masked;
      run.values[prefix + hook] = value;
    };
    fire_masked("attn.hook_attn_scores", scores, -std::numeric_limits<double>::infinity());
    Numbers pattern(scores.size(), 0);
    for (std::size_t row = 0; row < heads * tokens; ++row) {
      double most = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::size_t key = 0; key < tokens; ++key) most = std::max(most, scores[row * tokens + key]);
      for (std::size_t key = 0; key < tokens; ++key) sum += std::exp(scores[row * tokens + key] - most);
      for (std::size_t key = 0; key < tokens; ++key)
        pattern[row * tokens + key] = std::exp(scores[row * tokens + key] - most) / sum;
    }
    fire_masked("attn.hook_pattern", pattern, 0);
    Numbers z(tokens * heads * d_head, 0);
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t query = 0; query < tokens; ++query)
        for (std::size_t key = 0; key <= query; ++key)
          for (std::size_t i = 0; i < d_head; ++i)
            z[(query * heads + h) * d_head + i] += pattern[(h * tokens + query) * tokens + key] * key_row(v, h, key)[i];
    fire("attn.hook_z", z);

    Numbers result(tokens * heads * d, 0);
    for (std::size_t p = 0; p < tokens; ++p)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t o = 0; o < d; ++o)
          for (std::size_t i = 0; i < d_head; ++i)
            result[(p * heads + h) * d + o] += z[(p * heads + h) * d_head + i] *
                                               static_cast<double>(block.o.weight[o * heads * d_head + h * d_head + i]);
    fire("attn.hook_result", result);
    Numbers attn_out(tokens * d, 0);
    for (std::size_t p = 0; p < tokens; ++p)
      for (std::size_t o = 0; o < d; ++o) {
        for (std::size_t h = 0; h < heads; ++h) attn_out[p * d + o] += result[(p * heads + h) * d + o];
        if (attention.out_bias) attn_out[p * d + o] += static_cast<double>(block.o.bias[o]);
      }
    attn_out = norm(spec.ln1_post, block.ln1_post, attn_out, d, "ln1_post");
    for (double& x_i : attn_out) x_i *= spec.branch_scale;
    fire("hook_attn_out", attn_out);

    Numbers mid = residual;
    if (!spec.parallel) {
      mid = plain_sum(residual, attn_out);
      fire("hook_resid_mid", mid);
    }
    const Numbers y = spec.shared_norm ? x : norm(spec.ln2, block.ln2, mid, d, "ln2");
    Numbers pre = plain_product(spec.mlp.gated ? block.gate : block.up, y);
    fire("mlp.hook_pre", pre);
    Numbers post(pre.size());
    for (std::size_t i = 0; i < pre.size(); ++i) post[i] = plain_activation(spec.mlp.activation, pre[i]);
    if (spec.mlp.gated) {
      Numbers linear = plain_product(block.up, y);
      fire("mlp.hook_pre_linear", linear);
      for (std::size_t i = 0; i < post.size(); ++i) post[i] *= linear[i];
    }
    fire("mlp.hook_post", post);
    Numbers mlp_out = norm(spec.ln2_post, block.ln2_post, plain_product(block.down, post), d, "ln2_post");
    for (double& x_i : mlp_out) x_i *= spec.branch_scale;
    fire("hook_mlp_out", mlp_out);
    residual = plain_sum(spec.parallel ? plain_sum(residual, attn_out) : mid, mlp_out);
    fire("hook_resid_post", residual);
  }

  prefix.clear();
  Numbers last = norm(config.ln_final, weights.ln_final, residual, d, "ln_final");
  fire("unembed.hook_in", last);
  run.hidden_states.push_back(last);
  PlainMatrix unembed = config.tied ? weights.embed : weights.unembed;
  unembed.in = d, unembed.out = config.d_vocab;
  unembed.bias = weights.unembed.bias;
  run.logits = plain_product(unembed, last);
  fire("unembed.hook_out", run.logits);
  for (double& logit : run.logits) logit *= config.logit_scale;
  if (config.logit_cap > 0)
    for (double& logit : run.logits) logit = config.logit_cap * std::tanh(logit / config.logit_cap);
  return run;
}

}  // namespace stratoscope::test
