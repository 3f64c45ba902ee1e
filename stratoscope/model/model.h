// A loaded model. Immutable: every method is const, and concurrent runs are safe (they take turns at the cores).
// A copy shares the weights.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/model_config.h"
#include "stratoscope/hub/checkpoint.h"
#include "stratoscope/model/precision.h"
#include "stratoscope/model/run.h"

namespace stratoscope {
struct Weights;  // hidden
struct ConeRequest;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

struct ModelOptions {
  Precision precision = Precision::fp32;
  int threads = 0;  // 0: all cores. No result depends on it.
  Progress* progress = nullptr;
};

class Model {
 public:
  // `folder` is in Hugging Face layout. Throws Error for whatever is wrong with it.
  static Model load(const std::filesystem::path& folder, const ModelOptions& options = {});
  // The same from what has been opened already.
  Model(ModelConfig config, std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options);

  const ModelConfig& config() const { return config_; }
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  Precision precision() const { return options_.precision; }
  int threads() const;
  // What a user should know of the checkpoint: tensors with NaN, tensors that were ignored.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Memory that the packed weights take.
  std::size_t weight_bytes() const;

  // A forward pass on the engine. Throws Error for a request that this model cannot serve, and when the model was
  // loaded for fp64 (nothing is packed then).
  Run<float> run(const RunRequest& request) const;
  // The same on the plain float64 path: the meaning of every value, and the proof of the engine.
  Run<double> run_reference(const RunRequest& request) const;

 private:
  friend double run_cones(const Model& model, const ConeRequest& request);  // cone/cone_runs.h

  void check_engine() const;  // throws Error where there is none

  ModelConfig config_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  ModelOptions options_;
  std::shared_ptr<const Weights> weights_;  // none for fp64
  std::vector<std::string> warnings_;
};

}  // namespace stratoscope
