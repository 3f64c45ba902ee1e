#include "stratoscope/model/model.h"

#include <mutex>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/model/block.h"
#include "stratoscope/model/forward.h"
#include "stratoscope/model/reference.h"
#include "stratoscope/ops/add.h"
#include "stratoscope/ops/layer_norm.h"

namespace stratoscope {
namespace {

// Concurrent runs take turns, so that together they use the cores once.
std::mutex& cores() {
  static std::mutex gate;
  return gate;
}

void embed(const Checkpoint& checkpoint, const RunRequest& request, MatrixView<float> embed, MatrixView<float> pos) {
  std::size_t row = 0;
  for (const TokenIds& ids : request.sequences) {
    for (std::size_t p = 0; p < ids.size(); ++p, ++row) {
      checkpoint.read_row<float>("wte.weight", static_cast<std::size_t>(ids[p]), embed.row_span(row));
      checkpoint.read_row<float>("wpe.weight", p, pos.row_span(row));
    }
  }
}

// The residual stream's memory: the slices of hidden_states where they are wanted, else two buffers in turn.
class ResidualStream {
 public:
  ResidualStream(Run<float>& run, std::size_t n_layers, std::size_t rows, std::size_t d_model, bool keep)
      : run_(run), n_layers_(n_layers), keep_(keep) {
    if (keep) run.hidden_states = Tensor({n_layers + 1, rows, d_model});
    buffers_[0] = Tensor({rows, d_model});
    if (!keep) buffers_[1] = Tensor({rows, d_model});
  }
  // What enters block `layer`; n_layers for what leaves the last one, which is not a hidden state.
  MatrixView<float> entering(std::size_t layer) {
    if (keep_) return layer < n_layers_ ? run_.hidden_states.slice(layer) : buffers_[0].matrix();
    return buffers_[layer % 2].matrix();
  }

 private:
  Run<float>& run_;
  std::size_t n_layers_;
  bool keep_;
  Tensor buffers_[2];
};

void unembed(const PackedMatrix& unembedding, const RunRequest& request, MatrixView<const float> normed,
             Hooks<float>& hooks, Run<float>& run) {
  const bool captured = hooks.captures({Point::unembed_out, 0});
  if (request.logits == LogitRows::all || captured) {
    Tensor logits({normed.rows, unembedding.out()});
    unembedding.multiply(normed, logits.matrix());
    hooks.fire({Point::unembed_out, 0}, logits.matrix());
    if (request.logits == LogitRows::all) run.logits = std::move(logits);
  }
  if (request.logits == LogitRows::last) {
    const Tensor last = last_rows(normed, run.row_offsets);
    run.logits = Tensor({last.shape()[0], unembedding.out()});
    unembedding.multiply(last.matrix(), run.logits.matrix());
  }
}

}  // namespace

Model::Model(ModelConfig config, std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options)
    : config_(std::move(config)), checkpoint_(std::move(checkpoint)), options_(options) {
  const ThreadScope threads(options.threads);
  for (const auto& name : checkpoint_->nonfinite_tensors())
    warnings_.push_back("tensor '" + name + "' holds NaN or infinity; what depends on it is not a number");
  for (const auto& name : checkpoint_->ignored())
    warnings_.push_back("tensor '" + name + "' is not part of a GPT-2 and is ignored");
  if (options.precision == Precision::fp32) {
    weights_ = load_weights(*checkpoint_, config_, options.progress);
    checkpoint_->release_pages();  // packed, they would be in memory twice
  }
  options_.progress = nullptr;  // only loading reports to it; each run brings its own
}

Model Model::load(const std::filesystem::path& folder, const ModelOptions& options) {
  const ModelConfig config = read_model_config(folder);
  return {config, std::make_shared<const Checkpoint>(folder, config), options};
}

int Model::threads() const { return options_.threads > 0 ? options_.threads : available_threads(); }

Run<float> Model::run(const RunRequest& request) const {
  if (!weights_) throw Error("model", "was loaded for fp64, which has no engine", "use run_reference or load for fp32");
  check_sequences(request, config_);
  const std::lock_guard turn(cores());
  const ThreadScope threads(options_.threads);

  Run<float> run;
  run.row_offsets = offsets_of(request.sequences);
  Hooks<float> hooks(config_, request, run);
  Scratch scratch(config_, run.rows());
  ResidualStream stream(run, config_.n_layers, run.rows(), config_.d_model, request.hidden_states);

  const auto token = scratch.normed.matrix(), position = scratch.normalized.matrix();
  embed(*checkpoint_, request, token, position);
  checkpoint_->release_pages();  // one row of the table brings in many of its neighbours
  hooks.fire({Point::embed, 0}, token);
  hooks.fire({Point::pos_embed, 0}, position);
  add(token, position, stream.entering(0));

  const BlockContext context{config_, *checkpoint_, run.row_offsets};
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    report(request, layer, config_.n_layers);
    run_block(context, weights_->blocks[layer], layer, stream.entering(layer), stream.entering(layer + 1), scratch,
              hooks);
  }

  const auto normalized = scratch.normalized.matrix();
  const auto normed = request.hidden_states ? run.hidden_states.slice(config_.n_layers) : scratch.normed.matrix();
  layer_norm_statistics(stream.entering(config_.n_layers), static_cast<float>(config_.layer_norm_eps), normalized,
                        scratch.scale.data());
  hooks.fire({Point::ln_final_scale, 0}, scratch.scale.matrix());
  hooks.fire({Point::ln_final_normalized, 0}, normalized);
  scale_and_shift(normalized, weights_->ln_final.weight.data(), weights_->ln_final.bias.data(), normed);
  hooks.fire({Point::unembed_in, 0}, normed);
  unembed(weights_->unembed, request, normed, hooks, run);
  hooks.check_that_all_fired();
  return run;
}

Run<double> Model::run_reference(const RunRequest& request) const {
  check_sequences(request, config_);
  const std::lock_guard turn(cores());
  const ThreadScope threads(options_.threads);
  return reference_forward(*checkpoint_, config_, request);
}

}  // namespace stratoscope
