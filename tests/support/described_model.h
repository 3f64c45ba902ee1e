// Models whose descriptions come from no config.json, opened from a folder with random weights.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "stratoscope/model/model.h"
#include "tests/support/described_weights.h"

namespace stratoscope::test {

class DescribedModel {
 public:
  DescribedModel(ModelConfig config, std::uint64_t seed)
      : folder_(std::move(config), seed),
        checkpoint_(std::make_shared<const Checkpoint>(folder_.path(), folder_.config)) {}

  const ModelConfig& config() const { return folder_.config; }
  const PlainWeights& weights() const { return folder_.weights; }
  Model open(Precision precision = Precision::fp32, int threads = 0) const {
    return {config(), checkpoint_, {precision, threads, nullptr}};
  }

 private:
  DescribedFolder folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

}  // namespace stratoscope::test
