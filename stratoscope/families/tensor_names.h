// The names under which a family stores its weights.
#pragma once

#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/ops/weight_layout.h"

namespace STRATOSCOPE_API stratoscope {

// The storage of the projections to queries, keys and values.
enum class QkvStorage {
  apart,    // three matrices
  thirds,   // one: all queries, then all keys, then all values
  by_head,  // one: each head's query, key and value side by side
};

// Each name is followed by ".weight" and ".bias" in the file. Those of a block come after `block`, in which {} stands
// for the block's number.
struct TensorNames {
  std::string embed, pos_embed, embed_norm, ln_final, unembed;
  std::string block;
  // Norms of queries and keys with weights for each head: {} in the name stands for the head, or the heads are the rows
  // of one tensor.
  std::string ln1, q, k, v, o, q_norm, k_norm, ln1_post, ln2, gate, up, down, ln2_post;
  QkvStorage qkv = QkvStorage::apart;          // where not apart, q names the matrix
  bool gate_with_up = false;                   // one matrix named by `gate`: the gate's rows, then those of up
  WeightLayout layout = WeightLayout::out_in;  // of the matrices in blocks
  // Prefixes that names may have, and tensors of a block to ignore: buffers of old files.
  std::string prefix;
  std::string other_unembed;         // another name of the unembedding, in newer files
  std::vector<std::string> ignored;  // prefixes of names in other parts, such as image encoders
  std::vector<std::string> ignored_in_block;
  // Modules without weights, whose outputs have names too: of a block the activation of an MLP without a gate; before
  // the blocks the dropout. Empty where a family has none.
  std::string activation, drop;
};

}  // namespace stratoscope
