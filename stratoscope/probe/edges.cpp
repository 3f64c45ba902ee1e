#include "stratoscope/probe/edges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/model/pass/widths.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/probe/value_edit.h"

namespace stratoscope {
namespace {

using Values = BasicTensor<double>;
using Shared = std::shared_ptr<const Values>;

// The grid points of a sweep: a subset of the edges.
class EdgesProgress : public Progress {
 public:
  EdgesProgress(Progress* outer, std::size_t before, std::size_t all) : outer_(outer), before_(before), all_(all) {}
  void update(const char*, std::size_t done, std::size_t) override {
    if (outer_ != nullptr) outer_->update("edges", before_ + done, all_);
  }
  bool cancelled() const override { return outer_ != nullptr && outer_->cancelled(); }

 private:
  Progress* outer_;
  std::size_t before_, all_;
};

// The values of a block's own run, in double: [positions, width] each. In a parallel block `middle` equals `entering`,
// the stream that its MLP reads.
struct Block {
  Values entering, middle, z, results, mlp_out;
};

class PathPatching {
 public:
  PathPatching(const Model& model, const EdgesRequest& request)
      : model_(model),
        config_(model.config()),
        request_(request),
        positions_(request.text.size()),
        limit_(memory_limit_of(request.memory_limit)) {
    if (request.replacement == Replacement::corrupt && request.corrupt.size() != request.text.size())
      throw Error("edges",
                  "the text has " + std::to_string(positions_) + " tokens, the corrupt one " +
                      std::to_string(request.corrupt.size()),
                  "both need the same number");
    check_blocks();
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      for (std::size_t head = 0; head < config_.n_heads(); ++head) components_.push_back({layer, head, false});
      components_.push_back({layer, 0, true});
    }
    const std::size_t row = components_.size() * config_.d_model * sizeof(float) + block_row_bytes();
    const auto mebi = [](std::size_t count) { return std::to_string((count >> 20) + 1) + " MiB"; };
    // Half for the changes of senders, the other half for the sweeps.
    if (held_ = positions_ * row; held_ > limit_ / 2)
      throw Error("edges",
                  "the outputs of senders at " + std::to_string(positions_) + " positions take " + mebi(held_) +
                      ", more than half of the memory limit of " + mebi(limit_),
                  "raise --memory-limit, or take a shorter text");
  }

  Edges run() {
    edges_.components = components_;
    for (const BlockSpec& block : config_.blocks) edges_.parallel.push_back(block.parallel);
    edges_.values.assign(components_.size(),
                         std::vector<double>(components_.size() + 1, std::numeric_limits<double>::quiet_NaN()));
    for (std::size_t s = 0; s < components_.size(); ++s)
      for (std::size_t r = 0; r <= components_.size(); ++r) all_ += edges_.has(s, r) ? 1 : 0;
    if (request_.replacement == Replacement::corrupt)
      for_blocks(request_.corrupt, [&](std::size_t layer, const Block& block) { keep_outputs(layer, block); });
    else
      changes_.assign(components_.size(), std::vector<float>(positions_ * config_.d_model));
    for_blocks(request_.text, [&](std::size_t layer, const Block& block) {
      find_changes(layer, block);
      into_block(layer, block);
    });
    into_logits();
    return std::move(edges_);
  }

 private:
  struct Edge {
    std::size_t sender, receiver;
    std::vector<HookEdit> edits;
  };

  std::size_t width() const { return config_.d_model; }
  std::size_t in_block() const { return config_.n_heads() + 1; }
  // Memory of a block while its receivers are computed, and while it runs.
  std::size_t block_row_bytes() const {
    return (config_.n_heads() + 4) * width() * (sizeof(double) + sizeof(float)) + run_numbers(config_) * sizeof(float);
  }

  // Runs a text block by block, because the values of all heads are large, and calls work(layer, values).
  template <class Work>
  void for_blocks(const TokenIds& ids, const Work& work) const {
    QuietProgress quiet(request_.progress);
    std::shared_ptr<const Start> start;
    for (std::size_t layer = 0; layer < config_.n_layers(); ++layer) {
      RunRequest pass;
      pass.sequences = {ids};
      const Hook middle = config_.blocks[layer].parallel ? Hook::resid_pre : Hook::resid_mid;
      std::vector<HookPoint> points;
      for (const Hook hook : {Hook::resid_pre, Hook::z, Hook::result, Hook::mlp_out}) points.push_back({hook, layer});
      if (middle != Hook::resid_pre) points.push_back({middle, layer});
      pass.captures = captures_of(points);
      pass.hidden_states = false;
      pass.logits = LogitRows::none;
      pass.progress = &quiet;
      pass.start = start;
      pass.stop_at = layer + 1;
      const auto use = [&](const auto& run) {
        const auto values = [&](Hook hook) {
          const auto& captured = run.value({hook, layer});
          Values copy({positions_, captured.size() / positions_});
          std::copy_n(captured.data(), captured.size(), copy.data());
          return copy;
        };
        start = start_from(layer + 1, run.residual.matrix());
        Block block{values(Hook::resid_pre), values(middle), values(Hook::z), values(Hook::result),
                    values(Hook::mlp_out)};
        for (double& number : block.results.values()) number *= config_.blocks[layer].branch_scale;
        return block;
      };
      const Block block =
          model_.precision() == Precision::fp64 ? use(model_.run_reference(pass)) : use(model_.run(pass));
      work(layer, block);
    }
  }

  // The output of a component of the block at a position.
  const double* output(const Block& block, std::size_t component, std::size_t position) const {
    const std::size_t place = component % in_block();
    return place == config_.n_heads() ? block.mlp_out.matrix().row(position)
                                      : block.results.matrix().row(position) + place * width();
  }

  void keep_outputs(std::size_t layer, const Block& block) {
    for (std::size_t c = layer * in_block(); c < (layer + 1) * in_block(); ++c) {
      auto& kept = changes_.emplace_back(positions_ * width());
      for (std::size_t p = 0; p < positions_; ++p)
        std::copy_n(output(block, c, p), width(), kept.begin() + static_cast<std::ptrdiff_t>(p * width()));
    }
  }

  // The changes of outputs that replacing the block's components causes.
  void find_changes(std::size_t layer, const Block& block) {
    for (std::size_t c = layer * in_block(); c < (layer + 1) * in_block(); ++c) {
      std::vector<float>& change = changes_[c];  // the replacement of the output, except for a mean
      for (std::size_t i = 0; i < width() && request_.replacement == Replacement::mean; ++i) {
        double sum = 0;
        for (std::size_t p = 0; p < positions_; ++p) sum += output(block, c, p)[i];
        for (std::size_t p = 0; p < positions_; ++p)
          change[p * width() + i] = static_cast<float>(sum / static_cast<double>(positions_));
      }
      std::vector<std::size_t>& rows = rows_.emplace_back();
      for (std::size_t p = 0; p < positions_; ++p) {
        bool changed = false;
        for (std::size_t i = 0; i < width(); ++i) {
          float& number = change[p * width() + i];
          number -= static_cast<float>(output(block, c, p)[i]);
          changed |= number != 0;
        }
        if (changed) rows.push_back(p);
      }
    }
  }

  // Each receiver must read the stream through a norm, and senders must add to the stream.
  void check_blocks() const {
    const auto refuse = [&](const std::string& why) {
      throw Error("edges", "in " + config_.title + " " + why, "'ablate' and 'patch' work on every model");
    };
    for (const BlockSpec& block : config_.blocks) {
      if (block.ln1_post.exists() || block.ln2_post.exists())
        refuse("a norm after attention mixes the heads, so that no head writes into the residual stream by itself");
      if (!block.ln1.exists() || !(block.ln2.exists() || block.shared_norm))
        refuse("a branch reads the residual stream without a norm, which is not implemented");
      if (block.attention.heads != config_.n_heads())
        refuse("blocks differ in their number of heads, which is not implemented");
    }
  }

  // The normalised input of a receiver: the stream with the sender's change, before the norm's weight and bias.
  Shared normalized(const NormSpec& norm, const Values& stream, std::size_t sender) const {
    Values result({positions_, width()});
    std::vector<double> x(width());
    for (const std::size_t p : rows_[sender]) {
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < width(); ++i)
        mean += x[i] = stream.matrix().row(p)[i] + static_cast<double>(changes_[sender][p * width() + i]);
      mean = norm.kind == NormKind::layer ? mean / static_cast<double>(width()) : 0;
      for (const double number : x) variance += (number - mean) * (number - mean);
      const double scale = std::sqrt(variance / static_cast<double>(width()) + norm.eps);
      for (std::size_t i = 0; i < width(); ++i) result.matrix().row(p)[i] = (x[i] - mean) / scale;
    }
    return std::make_shared<const Values>(std::move(result));
  }

  static HookEdit set(HookPoint point, const Shared& values, std::array<std::size_t, 3> stride, Chosen chosen,
                      std::vector<std::size_t> positions) {
    chosen[0] = positions;
    return {point, 0,
            std::make_shared<ValueEdit>(point.hook, EditOp::set, Operand{{}, stride, values}, std::move(chosen)),
            std::move(positions)};
  }

  // The receivers are the block's heads, which read the block's input, and its MLP, which reads the stream after or
  // beside them. The input of one receiver is set; the outputs of the others stay clean.
  void into_block(std::size_t layer, const Block& block) {
    const BlockSpec& spec = config_.blocks[layer];
    const std::size_t first = layer * in_block(), heads = config_.n_heads();
    const auto clean_z = std::make_shared<const Values>(block.z.copy());
    const auto clean_mlp = std::make_shared<const Values>(block.mlp_out.copy());
    // Of all heads, or of all except one.
    const auto hold_heads = [&](std::optional<std::size_t> but, const std::vector<std::size_t>& positions) {
      Chosen held;
      held[1].emplace();
      for (std::size_t h = 0; h < heads; ++h)
        if (h != but) held[1]->push_back(h);
      return set({Hook::z, layer}, clean_z, {spec.attention.queries_width(), spec.attention.d_head, 1}, std::move(held),
                 positions);
    };
    const auto read = [&](Hook hook, const Shared& values, std::size_t sender) {
      return set({hook, layer}, values, {width(), 0, 1}, {}, rows_[sender]);
    };
    std::vector<Edge> group;
    std::size_t bytes = 0;
    for (std::size_t s = 0; s < first + heads; ++s) {
      if (rows_[s].empty()) {
        for (std::size_t r = first; r < first + in_block(); ++r)
          if (edges_.has(s, r)) unchanged_.emplace_back(s, r);
        continue;
      }
      std::vector<std::size_t> seen(positions_ - rows_[s].front());
      std::iota(seen.begin(), seen.end(), rows_[s].front());
      if (s < first) {
        const Shared values = normalized(spec.ln1, block.entering, s);
        for (std::size_t head = 0; head < heads; ++head) {
          Edge edge{s, first + head, {read(Hook::ln1_normalized, values, s)}};
          if (heads > 1) edge.edits.push_back(hold_heads(head, seen));
          if (spec.shared_norm)
            edge.edits.push_back(set({Hook::mlp_out, layer}, clean_mlp, {width(), 0, 1}, {}, rows_[s]));
          group.push_back(std::move(edge));
        }
        if (spec.shared_norm)
          group.push_back({s, first + heads, {read(Hook::ln1_normalized, values, s), hold_heads(std::nullopt, seen)}});
        bytes += values->size() * sizeof(double);
      }
      if (edges_.has(s, first + heads) && !spec.shared_norm) {
        const Shared values = normalized(spec.ln2, block.middle, s);
        group.push_back({s, first + heads, {read(Hook::ln2_normalized, values, s)}});
        bytes += values->size() * sizeof(double);
      }
      bytes += in_block() * 4 * positions_ * sizeof(std::size_t);
      if (bytes > limit_ / 8) score(std::exchange(group, {}), std::exchange(bytes, 0));
    }
    score(std::move(group), bytes);
  }

  void into_logits() {
    const std::size_t last = positions_ - 1, to = components_.size();
    std::vector<Edge> direct;
    for (std::size_t s = 0; s < components_.size(); ++s) {
      const float* change = changes_[s].data() + last * width();
      Chosen chosen;
      chosen[0] = {last};
      direct.push_back({s,
                        to,
                        {{{Hook::resid_post, config_.n_layers() - 1},
                          0,
                          std::make_shared<ValueEdit>(Hook::resid_post, EditOp::add,
                                                      Operand{{change, change + width()}, {0, 0, 1}}, chosen),
                          std::vector<std::size_t>{last}}}});
    }
    score(std::move(direct), components_.size() * width() * sizeof(double));
    for (const auto& [sender, receiver] : unchanged_) edges_.values[sender][receiver] = edges_.clean;
  }

  // The metric of each edge; `bytes` are those of the edits.
  void score(std::vector<Edge> found, std::size_t bytes) {
    if (found.empty()) return;
    EdgesProgress progress(request_.progress, done_, all_);
    SweepRequest sweep_request;
    sweep_request.text = request_.text;
    sweep_request.metric = request_.metric;
    sweep_request.targets = request_.targets;
    sweep_request.progress = &progress;
    for (Edge& edge : found) sweep_request.points.push_back(std::move(edge.edits));
    SweepOptions options;
    options.memory_limit = limit_ - held_ - bytes;
    const SweepResult result = sweep(model_, sweep_request, options);
    edges_.clean = result.clean;
    edges_.effect.include(result.effect);
    for (std::size_t i = 0; i < found.size(); ++i) edges_.values[found[i].sender][found[i].receiver] = result.values[i];
    done_ += found.size();
  }

  const Model& model_;
  const ModelConfig& config_;
  const EdgesRequest& request_;
  std::size_t positions_, limit_;
  std::size_t held_ = 0;  // bytes
  std::vector<Component> components_;
  std::vector<std::vector<float>> changes_;                     // of each component's output, [positions * d_model]
  std::vector<std::vector<std::size_t>> rows_;                  // positions where that is not zero
  std::vector<std::pair<std::size_t, std::size_t>> unchanged_;  // edges without a change
  std::size_t done_ = 0, all_ = 0;                              // edges
  Edges edges_;
};

}  // namespace

std::string name_of(const Component& component) {
  const std::string layer = std::to_string(component.layer);
  return component.is_mlp ? "MLP " + layer : "L" + layer + "H" + std::to_string(component.head);
}

bool Edges::has(std::size_t sender, std::size_t receiver) const {
  if (receiver == components.size()) return true;
  const Component &from = components[sender], &to = components[receiver];
  return to.layer > from.layer || (to.layer == from.layer && to.is_mlp && !from.is_mlp && !parallel[to.layer]);
}

Edges patch_edges(const Model& model, const EdgesRequest& request) { return PathPatching(model, request).run(); }

}  // namespace stratoscope
