// A transformer block for the rows of a stack: the steps of block.h, with rows that join on the way.
#pragma once

#include <cstddef>
#include <optional>

#include "stratoscope/model/block.h"
#include "stratoscope/model/head_results.h"
#include "stratoscope/model/stack_values.h"
#include "stratoscope/model/weights.h"

namespace stratoscope {

// Multiplications and additions that were done, counted where they are done.
struct Operations {
  double products = 0, attention = 0;
};

// What all stacks of one block share.
class StackBlock {
 public:
  StackBlock(const Checkpoint& checkpoint, const ModelConfig& config, const BlockWeights& weights, std::size_t layer);

  // Runs the clean stack, whose resid_pre is filled in, and keeps all its values.
  void run_clean(CleanBlock& clean);
  // Runs cells. values.resid_pre holds the rows that live before the block; all others come from `clean`.
  void run(const Stack& stack, const CleanBlock& clean, StackValues& values);

  const Operations& operations() const { return operations_; }

 private:
  void multiply(const PackedMatrix& weights, MatrixView<const float> x, MatrixView<float> y);
  void run_until_qkv(const Stack& stack, StackValues& values);
  void run_behind_attention(const Stack& stack, const CleanBlock* clean, StackValues& values, Tensor* keep_mlp_pre);
  void fire_result(const Stack& stack, StackValues& values);

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const BlockWeights& weights_;
  std::size_t layer_;
  std::optional<HeadResults> head_results_;  // made when an edit of attn.hook_result is met
  Operations operations_;
};

// The edits of `hook point` act on the rows of `values` that are in the range. Says whether there were any.
bool fire(const Stack& stack, HookPoint point, Stack::Range range, MatrixView<float> values, const ModelConfig& config);

// normed = the layer norm of the range's rows of x; its hook points fire, and an edited scale is the divisor.
void stack_norm(const Stack& stack, Stack::Range range, const ModelConfig& config, const NormWeights& weights,
                NormPoints points, MatrixView<const float> x, StackValues& values);

}  // namespace stratoscope
