#include "stratoscope/model/model.h"

#include <mutex>
#include <utility>

#include "stratoscope/base/threads.h"
#include "stratoscope/families/families.h"
#include "stratoscope/model/cone/cone_engine.h"
#include "stratoscope/model/cone/cone_rows.h"
#include "stratoscope/model/pass/engine_pass.h"
#include "stratoscope/model/pass/forward.h"
#include "stratoscope/model/pass/reference_pass.h"
#include "stratoscope/model/pass/weights.h"

namespace stratoscope {
namespace {

// Concurrent runs take turns, so that together they use each core once. An edit or a Progress may itself run a model.
std::recursive_mutex& cores() {
  static std::recursive_mutex gate;
  return gate;
}

}  // namespace

Model::Model(ModelConfig config, std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options)
    : config_(std::move(config)), checkpoint_(std::move(checkpoint)), options_(options) {
  const ThreadScope threads(options.threads);
  if (const auto arithmetic = arithmetic_of(options.precision)) {
    weights_ = std::make_shared<const Weights>(load_weights(*checkpoint_, config_, *arithmetic, options.progress));
    checkpoint_->release_pages();  // otherwise packed weights would be in memory twice
  }
  for (const auto& name : checkpoint_->nonfinite_tensors(weights_ && weights_->matrices_are_finite))
    warnings_.push_back("tensor '" + name + "' holds NaN or infinity; values that depend on it are not numbers");
  warnings_.insert(warnings_.end(), checkpoint_->warnings().begin(), checkpoint_->warnings().end());
  checkpoint_->check_unchanged();
  options_.progress = nullptr;  // only loading uses it; each run has its own
}

Model Model::load(const std::filesystem::path& folder, const ModelOptions& options) {
  const ModelConfig config = read_model_config(folder);
  return {config, std::make_shared<const Checkpoint>(folder, config), options};
}

int Model::threads() const { return options_.threads > 0 ? options_.threads : available_threads(); }

std::size_t Model::weight_bytes() const { return weights_ ? weights_->bytes() : 0; }

void Model::check_engine() const {
  if (!weights_) throw Error("model", "was loaded for fp64, which has no engine", "use run_reference or load for fp32");
}

Run<float> Model::run(const RunRequest& request) const {
  check_engine();
  check_request(request, config_);
  const std::lock_guard turn(cores());
  const ThreadScope threads(options_.threads);
  Run<float> run = engine_forward(*checkpoint_, config_, *weights_, request);
  checkpoint_->check_unchanged();  // each run reads rows of the embeddings from the file
  return run;
}

double run_cones(const Model& model, const ConeRequest& request) {
  model.check_engine();
  check_cones(request, model.config_);
  const std::lock_guard turn(cores());
  const ThreadScope threads(model.options_.threads);
  const double operations = compute_cones(*model.checkpoint_, model.config_, *model.weights_, request);
  model.checkpoint_->check_unchanged();
  return operations;
}

Run<double> Model::run_reference(const RunRequest& request) const {
  check_request(request, config_);
  if (request.cache != nullptr) throw Error("run", "the reference has no cache", "run the whole text");
  const std::lock_guard turn(cores());
  const ThreadScope threads(options_.threads);
  Run<double> run = reference_forward(*checkpoint_, config_, request);
  checkpoint_->check_unchanged();
  return run;
}

}  // namespace stratoscope
