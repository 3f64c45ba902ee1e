// The clean runs of all texts in one block, from which edited runs take the rows that they do not change.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "stratoscope/model/cone/cone_batch.h"
#include "stratoscope/ops/attention.h"
#include "stratoscope/tensor/tensor.h"

namespace stratoscope {

struct CleanBlock {
  ConeBatch batch;           // one member for each text
  Tensor entering, leaving;  // [rows, d_model]
  // By serial number (PassValue), [rows, width]: the values that edited runs may read; the others are empty.
  std::vector<MatrixView<const float>> values;
  std::vector<Tensor> kept;  // the memory of `values`
  // Of text t and key head h at index [t * kv_heads + h].
  std::vector<HeadKeysValues> keys_values;

  std::size_t place_of(std::size_t text, std::size_t position) const { return *batch.place_of(text, position); }
};

}  // namespace stratoscope
