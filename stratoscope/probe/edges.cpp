#include "stratoscope/probe/edges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/probe/sweep.h"
#include "stratoscope/probe/value_edit.h"

namespace stratoscope {
namespace {

// Sequences share a pass up to about this many rows.
constexpr std::size_t kRowsPerPass = 1024;

class PathPatching {
 public:
  PathPatching(const Model& model, const EdgesRequest& request)
      : model_(model), config_(model.config()), request_(request), positions_(request.text.size()) {
    if (request.replacement == Replacement::corrupt && request.corrupt.size() != request.text.size())
      throw Error("edges",
                  "the text has " + std::to_string(positions_) + " tokens, the corrupt one " +
                      std::to_string(request.corrupt.size()),
                  "both need the same number");
    for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
      for (std::size_t head = 0; head < config_.n_heads; ++head) components_.push_back({layer, head, false});
      components_.push_back({layer, 0, true});
    }
  }

  Edges run() {
    read_changes();
    Edges edges;
    edges.components = components_;
    edges.values.assign(components_.size(),
                        std::vector<double>(components_.size() + 1, std::numeric_limits<double>::quiet_NaN()));
    for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
      if (request_.progress != nullptr) request_.progress->update("edges", layer, config_.n_layers + 1);
      std::vector<Edge> found;
      if (layer > 0) add_heads(layer, found);
      add_mlp(layer, found);
      score(found, edges);
    }
    std::vector<Edge> direct;
    for (std::size_t sender = 0; sender < components_.size(); ++sender)
      direct.push_back(
          {sender, components_.size(), {{Point::resid_post, config_.n_layers - 1}, 0, added(sender), all_positions()}});
    score(direct, edges);
    return edges;
  }

 private:
  struct Edge {
    std::size_t sender, receiver;
    SiteEdit edit;
  };

  std::vector<std::size_t> all_positions() const {
    std::vector<std::size_t> positions(positions_);
    std::iota(positions.begin(), positions.end(), std::size_t{0});
    return positions;
  }

  // Runs the request in the model's precision and calls use(run).
  template <class Use>
  void run_model(RunRequest request, const Use& use) const {
    QuietProgress quiet(request_.progress);
    request.hidden_states = false;
    request.logits = LogitRows::none;
    request.progress = &quiet;
    if (model_.precision() == Precision::fp64)
      use(model_.run_reference(request));
    else
      use(model_.run(request));
  }

  // What each component writes into the residual stream, [components][positions * d_model], and with `stream` what
  // enters each block.
  std::vector<std::vector<float>> outputs(const TokenIds& ids, std::vector<std::vector<double>>* stream) const {
    std::vector<std::vector<float>> outputs(components_.size(), std::vector<float>(positions_ * config_.d_model));
    // Block by block: results of all heads are wide.
    std::shared_ptr<const Start> start;
    for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
      RunRequest pass;
      pass.sequences = {ids};
      pass.captures =
          captures_of(std::vector<Site>{{Point::resid_pre, layer}, {Point::result, layer}, {Point::mlp_out, layer}});
      pass.start = start;
      pass.stop_at = layer + 1;
      run_model(std::move(pass), [&](const auto& run) {
        const std::size_t first = layer * (config_.n_heads + 1), d = config_.d_model;
        const auto& result = run.value({Point::result, layer});
        const auto& mlp = run.value({Point::mlp_out, layer});
        for (std::size_t p = 0; p < positions_; ++p) {
          for (std::size_t head = 0; head < config_.n_heads; ++head)
            for (std::size_t i = 0; i < d; ++i)
              outputs[first + head][p * d + i] =
                  static_cast<float>(result.data()[(p * config_.n_heads + head) * d + i]);
          for (std::size_t i = 0; i < d; ++i)
            outputs[first + config_.n_heads][p * d + i] = static_cast<float>(mlp.data()[p * d + i]);
        }
        if (stream != nullptr) {
          const auto entering = run.value({Point::resid_pre, layer}).values();
          stream->emplace_back(entering.begin(), entering.end());
        }
        start = start_from(layer + 1, run.residual.matrix());
      });
    }
    return outputs;
  }

  void read_changes() {
    const auto clean = outputs(request_.text, &stream_);
    changes_ =
        request_.replacement == Replacement::corrupt
            ? outputs(request_.corrupt, nullptr)
            : std::vector<std::vector<float>>(components_.size(), std::vector<float>(positions_ * config_.d_model));
    const std::size_t d = config_.d_model;
    for (std::size_t c = 0; c < components_.size(); ++c) {
      if (request_.replacement == Replacement::mean)
        for (std::size_t i = 0; i < d; ++i) {
          double sum = 0;
          for (std::size_t p = 0; p < positions_; ++p) sum += static_cast<double>(clean[c][p * d + i]);
          for (std::size_t p = 0; p < positions_; ++p)
            changes_[c][p * d + i] = static_cast<float>(sum / static_cast<double>(positions_));
        }
      for (std::size_t i = 0; i < changes_[c].size(); ++i) changes_[c][i] -= clean[c][i];
    }
  }

  std::shared_ptr<const Edit> added(std::size_t sender) const {
    return std::make_shared<ValueEdit>(
        Point::resid_mid, EditOp::add,
        Operand{{changes_[sender].begin(), changes_[sender].end()}, {config_.d_model, 0, 1}}, Chosen{});
  }

  // Senders in groups that share a pass.
  template <class Work>
  void for_groups(std::size_t senders, const Work& work) const {
    const std::size_t most = std::max<std::size_t>(1, kRowsPerPass / positions_);
    for (std::size_t first = 0; first < senders; first += most) work(first, std::min(senders, first + most));
  }

  // Receivers are the heads of a block, which read the residual stream that enters it.
  void add_heads(std::size_t layer, std::vector<Edge>& edges) const {
    const std::size_t senders = layer * (config_.n_heads + 1), d = config_.d_model, d_head = config_.d_head;
    for_groups(senders, [&](std::size_t first, std::size_t end) {
      Start start{layer, BasicTensor<double>({(end - first) * positions_, d})};
      for (std::size_t s = first; s < end; ++s)
        for (std::size_t i = 0; i < positions_ * d; ++i)
          start.residual.data()[(s - first) * positions_ * d + i] =
              stream_[layer][i] + static_cast<double>(changes_[s][i]);
      RunRequest pass;
      pass.sequences.assign(end - first, request_.text);
      pass.captures = captures_of(std::vector<Site>{{Point::z, layer}});
      pass.start = std::make_shared<const Start>(std::move(start));
      pass.stop_at = layer + 1;
      run_model(std::move(pass), [&](const auto& run) {
        const auto& z = run.value({Point::z, layer});  // [rows, heads, d_head]
        for (std::size_t s = first; s < end; ++s)
          for (std::size_t head = 0; head < config_.n_heads; ++head) {
            Operand operand{{}, {d_head, 0, 1}};
            operand.values.reserve(positions_ * d_head);
            for (std::size_t p = 0; p < positions_; ++p) {
              const auto* row = z.data() + (((s - first) * positions_ + p) * config_.n_heads + head) * d_head;
              operand.values.insert(operand.values.end(), row, row + d_head);
            }
            Chosen chosen;
            chosen[1] = {head};
            edges.push_back({s,
                             senders + head,
                             {{Point::z, layer},
                              0,
                              std::make_shared<ValueEdit>(Point::z, EditOp::set, std::move(operand), std::move(chosen)),
                              all_positions()}});
          }
      });
    });
  }

  // The receiver is the block's MLP, which reads the residual stream behind the block's own heads.
  void add_mlp(std::size_t layer, std::vector<Edge>& edges) const {
    const std::size_t receiver = layer * (config_.n_heads + 1) + config_.n_heads, d = config_.d_model;
    for_groups(receiver, [&](std::size_t first, std::size_t end) {
      Start start{layer, BasicTensor<double>({(end - first) * positions_, d})};
      RunRequest pass;
      for (std::size_t s = first; s < end; ++s) {
        std::copy(stream_[layer].begin(), stream_[layer].end(), start.residual.data() + (s - first) * positions_ * d);
        pass.edits.push_back({{Point::resid_mid, layer}, s - first, added(s), std::nullopt});
      }
      pass.sequences.assign(end - first, request_.text);
      pass.captures = captures_of(std::vector<Site>{{Point::mlp_out, layer}});
      pass.start = std::make_shared<const Start>(std::move(start));
      pass.stop_at = layer + 1;
      run_model(std::move(pass), [&](const auto& run) {
        const auto& out = run.value({Point::mlp_out, layer});
        for (std::size_t s = first; s < end; ++s) {
          const auto* begin = out.data() + (s - first) * positions_ * d;
          edges.push_back({s,
                           receiver,
                           {{Point::mlp_out, layer},
                            0,
                            std::make_shared<ValueEdit>(Point::mlp_out, EditOp::set,
                                                        Operand{{begin, begin + positions_ * d}, {d, 0, 1}}, Chosen{}),
                            all_positions()}});
        }
      });
    });
  }

  // The metric of each edge: its receiver's output set, everything else as in the clean run.
  void score(const std::vector<Edge>& found, Edges& edges) const {
    if (found.empty()) return;
    QuietProgress quiet(request_.progress);
    SweepRequest sweep_request;
    sweep_request.text = request_.text;
    sweep_request.metric = request_.metric;
    sweep_request.targets = request_.targets;
    sweep_request.progress = &quiet;
    for (const Edge& edge : found) sweep_request.cells.push_back({edge.edit});
    SweepOptions options;
    options.memory_limit = request_.memory_limit;
    const SweepResult result = sweep(model_, sweep_request, options);
    edges.clean = result.clean;
    for (std::size_t i = 0; i < found.size(); ++i) edges.values[found[i].sender][found[i].receiver] = result.values[i];
  }

  const Model& model_;
  const ModelConfig& config_;
  const EdgesRequest& request_;
  std::size_t positions_;
  std::vector<Component> components_;
  std::vector<std::vector<double>> stream_;  // what enters each block, [positions * d_model]
  std::vector<std::vector<float>> changes_;  // of each component's output, [positions * d_model]
};

}  // namespace

std::string name_of(const Component& component) {
  const std::string layer = std::to_string(component.layer);
  return component.is_mlp ? "MLP " + layer : "L" + layer + "H" + std::to_string(component.head);
}

bool Edges::has(std::size_t sender, std::size_t receiver) const {
  if (receiver == components.size()) return true;
  const Component &from = components[sender], &to = components[receiver];
  return to.layer > from.layer || (to.layer == from.layer && to.is_mlp && !from.is_mlp);
}

Edges patch_edges(const Model& model, const EdgesRequest& request) { return PathPatching(model, request).run(); }

}  // namespace stratoscope
