#include "stratoscope/experiments/attribution.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "stratoscope/analysis/attribution.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/metrics.h"
#include "stratoscope/probe/text_selectors.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr std::size_t kUsualHeads = 3;

Heads wanted_heads(const AttributionRequest& request, const ModelConfig& config) {
  return heads_named(request.heads, config, "attribution");
}

// The hook points at which an edit changes the requested row.
std::set<HookPoint> edited_points(const AttributionRequest& request, const Session& session, const TokenIds& ids,
                                  std::size_t row) {
  std::set<HookPoint> points;
  for (const EditExpression& edit : request.edits.expressions) {
    if (edit.positions) {
      const auto rows = positions_with_texts(*edit.positions, ids, session.tokenizer()).set_in(ids.size(), "position");
      if (!std::binary_search(rows.begin(), rows.end(), row)) continue;
    }
    for (const HookPoint point : match_hook_points(edit.hook, session.config())) points.insert(point);
  }
  return points;
}

bool larger(double a, double b) {
  if (std::isnan(a) != std::isnan(b)) return std::isnan(b);
  return std::abs(a) > std::abs(b);
}

// The captures, as far as the model has these hook points: row `row` of every summand, and all rows of attention's keys
// and values.
std::vector<Capture> captures_for(const ModelConfig& config, std::size_t row, const std::set<HookPoint>& edited) {
  std::vector<Capture> captures;
  const auto add = [&](Hook hook, std::size_t layer) {
    if (exists({hook, layer}, config)) captures.push_back({{hook, layer}, std::vector{row}, std::nullopt});
  };
  for (const Hook hook : {Hook::embed, Hook::pos_embed}) add(hook, 0);
  for (std::size_t layer = 0; layer < config.n_layers(); ++layer) {
    for (const Hook hook : {Hook::resid_pre, Hook::pattern, Hook::z, Hook::ln1_post_scale, Hook::attn_out,
                            Hook::resid_mid, Hook::mlp_post, Hook::ln2_post_scale, Hook::mlp_out, Hook::resid_post})
      add(hook, layer);
    captures.push_back({{Hook::v, layer}, std::nullopt, std::nullopt});
    if (edited.contains({Hook::result, layer})) add(Hook::result, layer);
  }
  for (const Hook hook : {Hook::ln_final_scale, Hook::ln_final_normalized, Hook::unembed_in, Hook::unembed_out})
    add(hook, 0);
  return captures;
}

struct BranchNames {
  const char *branch, *bias, *norm;
};

// Splits the logit of one run into contributions.
template <class T>
class Attributor {
 public:
  Attributor(const Session& session, const AttributionRequest& request, const Run<T>& run, std::set<HookPoint> edited,
             Attribution& result)
      : session_(session),
        config_(session.config()),
        request_(request),
        run_(run),
        edited_(std::move(edited)),
        result_(result) {}

  void attribute() {
    const std::span<const T> logits = row({Hook::unembed_out, 0});
    choose_targets(logits);
    read_unembedding();
    result_.value = of_targets(logits);
    result_.cap = config_.logit_cap;
    if (result_.cap > 0) result_.capped_value = capped_targets(logits);
    if (config_.ln_final.exists()) result_.scale = static_cast<double>(row({Hook::ln_final_scale, 0})[0]);
    readout_ = through({Role::ln_final, config_.ln_final}, 0, unembedding_, result_.scale);
    double stream = of({Hook::embed, 0});
    part("hook_embed", "embedding", std::nullopt, stream);
    if (config_.learned_positions) {
      const double of_positions = of({Hook::pos_embed, 0});
      part("hook_pos_embed", "pos. embedding", std::nullopt, of_positions);
      stream += of_positions;
    }
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      if (session_.progress() != nullptr) session_.progress()->update("attribution", layer, config_.n_layers());
      stream = block(layer, stream);
    }
    final_norm(stream, logits);
    session_.checkpoint().check_unchanged();
    rank_neurons();
    choose_sources();
    sum_up();
  }

 private:
  static std::vector<double> numbers(const BasicTensor<double>& tensor) {
    return {tensor.values().begin(), tensor.values().end()};
  }
  std::span<const T> row(HookPoint point) const { return run_.value(point).values(); }
  // The contribution of a captured summand.
  double of(HookPoint point) const { return contribution(readout_, row(point)); }
  bool edited(Hook hook, std::size_t layer = 0) const { return edited_.contains({hook, layer}); }

  void choose_targets(std::span<const T> logits) {
    for (const TargetChoice& choice : request_.targets) result_.targets.push_back(read_target(session_, choice));
    if (result_.targets.empty())
      result_.targets.push_back(read_target(session_, {{}, static_cast<long>(most_likely(logits, 1)[0])}));
    if (result_.targets.size() == 2 && result_.targets[0].id == result_.targets[1].id)
      throw Error("target", "both targets are the same token, " + in_quotes(result_.targets[0].token),
                  "name two tokens whose logits differ");
  }

  void read_unembedding() {
    unembedding_.assign(config_.d_model, 0.0);
    std::vector<double> of_token(config_.d_model);
    const std::vector<double> biases =
        config_.unembed_bias ? numbers(session_.checkpoint().read_bias<double>(Role::unembed)) : std::vector<double>();
    double sign = config_.logit_scale;
    for (const Target& target : result_.targets) {
      const auto id = static_cast<std::size_t>(target.id);
      session_.checkpoint().read_row<double>(Role::unembed, id, of_token);
      for (std::size_t i = 0; i < of_token.size(); ++i) unembedding_[i] += sign * of_token[i];
      if (!biases.empty()) unembedding_bias_ += sign * biases[id];
      sign = -sign;
    }
  }

  // The output of the unembedding times the model's scale of logits: before a cap, and after it.
  double of_targets(std::span<const T> logits) const {
    return of_targets(logits, [](double logit) { return logit; });
  }
  double capped_targets(std::span<const T> logits) const {
    return of_targets(logits, [cap = config_.logit_cap](double logit) { return cap * std::tanh(logit / cap); });
  }
  template <class Cap>
  double of_targets(std::span<const T> logits, const Cap& cap) const {
    const auto logit = [&](std::size_t i) {
      return cap(config_.logit_scale * static_cast<double>(logits[static_cast<std::size_t>(result_.targets[i].id)]));
    };
    return result_.targets.size() == 2 ? logit(0) - logit(1) : logit(0);
  }

  // `reader` composed with a norm whose scale is held.
  Readout through(const std::pair<Role, NormSpec>& norm, std::size_t layer, std::span<const double> reader,
                  double scale) const {
    const auto& [role, spec] = norm;
    if (!spec.exists()) return hold_scale(NormKind::none, {}, {}, reader, 1);
    const auto stored = session_.checkpoint().read_norm<double>(role, layer);
    return hold_scale(spec.kind, numbers(stored.weight), numbers(stored.bias), reader, scale);
  }
  // The readout of a branch's output before the norm after it and the model's scale of branches.
  Readout of_branch(std::size_t layer, Role norm, const NormSpec& spec, Hook scale) const {
    Readout readout = through({norm, spec}, layer, readout_.direction,
                              spec.exists() ? static_cast<double>(row({scale, layer})[0]) : 1);
    for (double& number : readout.direction) number *= config_.blocks[layer].branch_scale;
    readout.constant *= config_.blocks[layer].branch_scale;
    return readout;
  }
  // Adds the biases of a branch as parts; returns their sum.
  double bias_parts(std::vector<AttributionPart>& parts, const Readout& readout, std::size_t layer, Role role,
                    const NormSpec& norm_after, const BranchNames& names) const {
    const std::string block = "blocks." + std::to_string(layer) + ".", label = block_label(layer) + " ";
    double sum = 0;
    const auto add = [&](const std::string& name, const std::string& of, double contribution) {
      parts.push_back({block + name, label + of, layer, contribution});
      sum += contribution;
    };
    if (stored_matrix(role, config_, layer).bias) {
      const std::vector<double> bias = numbers(session_.checkpoint().read_bias<double>(role, layer));
      add(names.bias, std::string(names.branch) + "'s bias", contribution(readout, std::span<const double>(bias)));
    }
    if (norm_after.exists() && norm_after.bias)
      add(std::string(names.norm) + ".b", std::string("bias of the norm after ") + names.branch, readout.constant);
    return sum;
  }

  void part(std::string name, std::string label, std::optional<std::size_t> layer, double contribution) {
    result_.components.push_back({std::move(name), std::move(label), layer, contribution});
  }
  void edit_part(std::vector<AttributionPart>& parts, HookPoint point, double contribution) const {
    const std::string name = "edit of " + name_of(point);
    const bool in_block = info_of(point.hook).scope == Scope::block;
    parts.push_back({name, name, in_block ? std::optional(point.layer) : std::nullopt, contribution});
  }
  // The contribution of the residual stream at `point`. The parts before it sum to `expected`; an edit adds the
  // difference.
  double stream_at(HookPoint point, double expected) {
    const double actual = of(point);
    if (edited_.contains(point)) edit_part(result_.components, point, actual - expected);
    return actual;
  }

  // From the contribution of the stream before the block to the contribution after it.
  double block(std::size_t layer, double before) {
    const std::string label = block_label(layer);
    const double entering = stream_at({Hook::resid_pre, layer}, before);
    const double attention = of({Hook::attn_out, layer}), mlp = of({Hook::mlp_out, layer});
    part(name_of(HookPoint{Hook::attn_out, layer}), label + " attention", layer, attention);
    by_head(layer, attention);
    const double both = entering + attention;
    const double middle = config_.blocks[layer].parallel ? both : stream_at({Hook::resid_mid, layer}, both);
    part(name_of(HookPoint{Hook::mlp_out, layer}), label + " MLP", layer, mlp);
    by_neuron(layer, mlp);
    return stream_at({Hook::resid_post, layer}, middle + mlp);
  }

  void by_head(std::size_t layer, double attention) {
    const AttentionSpec& attention_of = config_.blocks[layer].attention;
    const std::size_t d_head = attention_of.d_head;
    const auto w_o = session_.checkpoint().read_matrix<double>(Role::o, layer);
    const NormSpec& norm_after = config_.blocks[layer].ln1_post;
    const Readout readout = of_branch(layer, Role::ln1_post, norm_after, Hook::ln1_post_scale);
    const std::vector<double> per_unit = contribution_per_unit(readout, w_o.matrix());
    std::vector<double> heads = contributions(row({Hook::z, layer}), per_unit, d_head);
    const auto& values = run_.value({Hook::v, layer});  // [pos, head, d_head]
    const auto& patterns = run_.value({Hook::pattern, layer});
    auto& by_source = result_.by_source.emplace_back(result_.position + 1);
    for (std::size_t head = 0; head < attention_of.heads; ++head) {
      SourceAttribution source{layer, head, heads[head], {}, 0};
      const MatrixView<const T> v(values.data() + attention_of.key_head_of(head) * d_head, result_.position + 1, d_head,
                                  attention_of.keys_width());
      source.by_position = contributions_by_source(std::span<const T>(patterns.slice(head).row(0), v.rows), v,
                                                   std::span(per_unit).subspan(head * d_head, d_head));
      if (edited(Hook::result, layer)) {
        const std::span<const T> result = row({Hook::result, layer});
        source.contribution = heads[head] =
            contribution(readout, result.subspan(head * config_.d_model, config_.d_model));
      }
      double sum = 0;
      for (std::size_t p = 0; p < source.by_position.size(); ++p) {
        sum += source.by_position[p];
        by_source[p] += source.by_position[p];
      }
      if (edited(Hook::result, layer) || edited(Hook::z, layer)) source.edited = source.contribution - sum;
      note_residue(result_.residues.sources, source.contribution - sum - source.edited);
      result_.heads.push_back({layer, head, heads[head]});
      sources_.push_back(std::move(source));
    }
    double sum =
        bias_parts(result_.attention_parts, readout, layer, Role::o, norm_after, {"attention", "attn.b_O", "ln1_post"});
    for (const double head : heads) sum += head;
    if (edited(Hook::attn_out, layer) || edited(Hook::ln1_post_normalized, layer))
      edit_part(result_.attention_parts,
                {edited(Hook::attn_out, layer) ? Hook::attn_out : Hook::ln1_post_normalized, layer}, attention - sum);
  }

  void by_neuron(std::size_t layer, double mlp) {
    const auto w_out = session_.checkpoint().read_matrix<double>(Role::down, layer);
    const std::span<const T> activations = row({Hook::mlp_post, layer});
    const NormSpec& norm_after = config_.blocks[layer].ln2_post;
    const Readout readout = of_branch(layer, Role::ln2_post, norm_after, Hook::ln2_post_scale);
    const std::vector<double> parts = contributions(activations, contribution_per_unit(readout, w_out.matrix()));
    const double of_biases =
        bias_parts(result_.mlp_parts, readout, layer, Role::down, norm_after, {"MLP", "mlp.b_out", "ln2_post"});
    double sum = 0;
    for (std::size_t n = 0; n < parts.size(); ++n) {
      neurons_.push_back({layer, n, static_cast<double>(activations[n]), parts[n]});
      sum += parts[n];
    }
    neuron_sum_ += sum;
    if (edited(Hook::mlp_out, layer) || edited(Hook::ln2_post_normalized, layer))
      edit_part(result_.mlp_parts, {edited(Hook::mlp_out, layer) ? Hook::mlp_out : Hook::ln2_post_normalized, layer},
                mlp - sum - of_biases);
  }

  void final_norm(double stream, std::span<const T> logits) {
    if (config_.ln_final.exists() && config_.ln_final.bias)
      part("ln_final.b", "final norm's bias", std::nullopt, readout_.constant);
    double expected = stream + readout_.constant;
    if (edited(Hook::ln_final_normalized)) {
      const auto weight = numbers(session_.checkpoint().read_norm<double>(Role::ln_final).weight);
      const std::span<const T> normalized = row({Hook::ln_final_normalized, 0});
      double actual = readout_.constant;
      for (std::size_t i = 0; i < normalized.size(); ++i)
        actual += static_cast<double>(normalized[i]) * (weight.empty() ? 1 : weight[i]) * unembedding_[i];
      edit_part(result_.components, {Hook::ln_final_normalized, 0}, actual - expected);
      expected = actual;
    }
    if (edited(Hook::unembed_in)) {
      const double actual = contribution(Readout{unembedding_, 0}, row({Hook::unembed_in, 0}));
      edit_part(result_.components, {Hook::unembed_in, 0}, actual - expected);
      expected = actual;
    }
    if (config_.unembed_bias) part("unembed.b_U", "unembedding's bias", std::nullopt, unembedding_bias_);
    expected += unembedding_bias_;
    if (edited(Hook::unembed_out)) edit_part(result_.components, {Hook::unembed_out, 0}, of_targets(logits) - expected);
  }

  void rank_neurons() {
    const std::size_t kept = std::min(request_.top, neurons_.size());
    const auto take = [&](auto before) {
      std::partial_sort(neurons_.begin(), neurons_.begin() + static_cast<std::ptrdiff_t>(kept), neurons_.end(),
                        [&](const NeuronAttribution& a, const NeuronAttribution& b) {
                          const double x = a.contribution, y = b.contribution;
                          if (std::isnan(x) != std::isnan(y)) return std::isnan(y);
                          if (before(x, y) || before(y, x)) return before(x, y);
                          return std::pair(a.layer, a.neuron) < std::pair(b.layer, b.neuron);
                        });
      return std::vector<NeuronAttribution>(neurons_.begin(), neurons_.begin() + static_cast<std::ptrdiff_t>(kept));
    };
    result_.top_neurons = take(std::greater<>());
    result_.bottom_neurons = take(std::less<>());
  }

  void choose_sources() {
    const Heads wanted = wanted_heads(request_, config_);
    if (wanted.empty()) {
      std::stable_sort(sources_.begin(), sources_.end(),
                       [](const auto& a, const auto& b) { return larger(a.contribution, b.contribution); });
      sources_.resize(std::min(kUsualHeads, sources_.size()));
    } else {
      std::erase_if(sources_, [&](const auto& each) { return !wanted.contains({each.layer, each.head}); });
    }
    result_.sources = std::move(sources_);
  }

  static void note_residue(double& largest, double residue) {
    if (larger(residue, largest) || std::isnan(residue)) largest = residue;
  }

  void sum_up() {
    double components = 0, attention = 0, mlp = 0, heads = 0, neurons = neuron_sum_;
    for (const AttributionPart& each : result_.components) {
      components += each.contribution;
      if (each.name.ends_with("hook_attn_out")) attention += each.contribution;
      if (each.name.ends_with("hook_mlp_out")) mlp += each.contribution;
    }
    for (const HeadAttribution& each : result_.heads) heads += each.contribution;
    for (const AttributionPart& each : result_.attention_parts) heads += each.contribution;
    for (const AttributionPart& each : result_.mlp_parts) neurons += each.contribution;
    result_.residues.components = result_.value - components;
    result_.residues.heads = result_.residues.components + attention - heads;
    result_.residues.neurons = result_.residues.components + mlp - neurons;
  }

  const Session& session_;
  const ModelConfig& config_;
  const AttributionRequest& request_;
  const Run<T>& run_;
  std::set<HookPoint> edited_;
  Attribution& result_;
  std::vector<double> unembedding_;  // of the targets, times the model's scale of logits; so is its bias
  double unembedding_bias_ = 0;
  Readout readout_;
  std::vector<SourceAttribution> sources_;  // of every head
  std::vector<NeuronAttribution> neurons_;  // all of them
  double neuron_sum_ = 0;
};

}  // namespace

void describe(AttributionRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  add_targets(
      fields, request.targets,
      "the token whose logit is decomposed; two: the difference of their logits (default: the likeliest next token)");
  fields.add("position", request.position, "the position before the predicted token (default: the last)").value("P");
  add_heads(fields, request.heads,
            "source positions of these heads, such as L5H3,L6H0; a figure shows them (default: the largest)");
  add_top(fields, request.top, "number of printed components and heads, and of neurons at either end");
  add_text(fields, request.text);
}

Attribution attribution(const Session& session, const AttributionRequest& request) {
  if (request.targets.size() > 2)
    throw Error("target", "there are " + std::to_string(request.targets.size()) + " targets",
                "give one, or two for the difference of their logits");
  const ModelConfig& config = session.config();
  wanted_heads(request, config);  // refused before a long run
  for (const TargetChoice& choice : request.targets) read_target(session, choice);
  Attribution result;
  result.text = session.read(request.text, request.text_options);
  const std::size_t count = result.text.ids.size();
  result.position = request.position.in(count, "position");
  std::set<HookPoint> edited = edited_points(request, session, result.text.ids, result.position);
  RunRequest pass;
  pass.hidden_states = false;
  pass.logits = LogitRows::none;
  pass.captures = captures_for(config, result.position, edited);
  const EditedRun run =
      run_text(session, result.text, request.edits, std::move(pass), request.text_options, result.position);
  result.effect = run.effect;
  const ThreadScope threads(session.model().threads());
  std::visit(
      [&]<class T>(const Run<T>& of) { Attributor<T>(session, request, of, std::move(edited), result).attribute(); },
      run.run);
  return result;
}

}  // namespace stratoscope
