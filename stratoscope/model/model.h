// A loaded model. Immutable: every method is const, and concurrent runs are safe (they take turns on the cores). A copy
// shares the weights.
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
struct Weights;  // internal
struct ConeRequest;
}  // namespace stratoscope

namespace STRATOSCOPE_API stratoscope {

struct ModelOptions {
  Precision precision = Precision::fp32;
  int threads = 0;  // 0: all cores. Results do not depend on it.
  Progress* progress = nullptr;
};

class Model {
 public:
  // `folder` is in Hugging Face layout. Throws Error for an invalid folder.
  static Model load(const std::filesystem::path& folder, const ModelOptions& options = {});
  // The same from an opened checkpoint.
  Model(ModelConfig config, std::shared_ptr<const Checkpoint> checkpoint, const ModelOptions& options);

  const ModelConfig& config() const { return config_; }
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  Precision precision() const { return options_.precision; }
  int threads() const;
  // Warnings on the checkpoint: tensors with NaN, tensors that were ignored.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Memory of the packed weights.
  std::size_t weight_bytes() const;

  // A forward pass on the engine. Throws Error for a request that this model cannot run, and if the model was loaded
  // for fp64 (nothing is packed then).
  Run<float> run(const RunRequest& request) const;
  // The same on the plain float64 path, which defines every value and verifies the engine.
  Run<double> run_reference(const RunRequest& request) const;

 private:
  friend double run_cones(const Model& model, const ConeRequest& request);  // cone/cone_runs.h

  void check_engine() const;  // throws Error if there is none

  ModelConfig config_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  ModelOptions options_;
  std::shared_ptr<const Weights> weights_;  // null for fp64
  std::vector<std::string> warnings_;
};

}  // namespace stratoscope
