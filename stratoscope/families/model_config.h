// A model's architecture as data: the parts of each block and the names of stored weights. A family is a function from
// config.json to this description (families.h), on which all computation depends.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/families/rotary.h"
#include "stratoscope/families/tensor_names.h"
#include "stratoscope/ops/activation.h"
#include "stratoscope/ops/norm.h"

namespace STRATOSCOPE_API stratoscope {

struct NormSpec {
  NormKind kind = NormKind::none;  // none: the value goes through unchanged, and there are no hook points
  double eps = 1e-5;
  bool weight = true;     // stored; otherwise 1
  bool bias = true;       // stored; otherwise 0
  bool plus_one = false;  // the weight is 1 + the stored one
  bool wide = false;      // norms of queries and keys: over all heads at once, not each head by itself
  bool by_head = false;   // and where not wide: each head has a weight of its own, otherwise all share one

  bool exists() const { return kind != NormKind::none; }
  bool operator==(const NormSpec&) const = default;
};

struct AttentionSpec {
  std::size_t heads = 0, kv_heads = 0, d_head = 0;  // query head h reads the keys of head h / (heads / kv_heads)
  double scale = 1;                                 // score = scale * query . key
  std::size_t window = 0;                           // the number of keys that a query sees, including its own; 0: all
  double score_cap = 0;                             // score = cap * tanh(score / cap); 0: none
  bool slopes = false;                              // ALiBi (Press, Smith, Lewis 2021): score += slope * (key - query)
  double clip = 0;                                  // queries, keys and values are clipped to [-clip, clip]; 0: no clip
  bool qkv_bias = true, out_bias = true;
  Rotary rotary = {};

  std::size_t queries_width() const { return heads * d_head; }  // of all heads side by side, as of z
  std::size_t keys_width() const { return kv_heads * d_head; }
  std::size_t qkv_width() const { return queries_width() + 2 * keys_width(); }
  std::size_t key_head_of(std::size_t head) const { return head / (heads / kv_heads); }
};

struct MlpSpec {
  std::size_t width = 0;
  Activation activation = Activation::gelu_new;
  bool gated = false;  // activation(gate) * up, otherwise activation(up)
  bool bias = true;

  std::size_t in_width() const { return gated ? 2 * width : width; }
};

// norm -> attention -> norm -> add, norm -> MLP -> norm -> add. Absent norms have the kind `none`.
struct BlockSpec {
  NormSpec ln1 = {}, ln1_post = {}, ln2 = {}, ln2_post = {}, q_norm = {}, k_norm = {};
  AttentionSpec attention = {};
  MlpSpec mlp = {};
  double branch_scale = 1;   // multiplies the output of attention and MLP
  bool parallel = false;     // the MLP reads the input of the block, not the output of attention
  bool shared_norm = false;  // and reads it through ln1
};

struct ModelConfig {
  std::string family = "gpt2";  // config.json's model_type
  std::string title = "GPT-2";  // for display
  std::size_t d_model = 0, d_vocab = 0;
  std::size_t n_ctx = 0;  // the longest text, in tokens, that the model was trained for
  std::vector<BlockSpec> blocks = {};
  NormSpec embed_norm = {}, ln_final = {};
  bool is_rotary = false;          // queries and keys have hook points after the rotation even if no block rotates
  bool learned_positions = false;  // a table of positions is added to the embeddings; position p reads row p +
  std::size_t position_offset = 0;
  double embed_scale = 1;    // embeddings are multiplied by this as they enter the residual stream
  double logit_scale = 1;    // logits are unembed.hook_out times this,
  double logit_cap = 0;      // and then cap * tanh(logits / cap); 0: no cap
  bool tied = false;         // the unembedding is the embedding's transpose, and one that is stored is ignored,
  bool head_unties = false;  // unless it differs from the embedding
  bool unembed_bias = false;
  TensorNames tensors = {};

  std::optional<std::size_t> bos_token_id = {};             // of the beginning of a text
  std::vector<std::size_t> eos_token_ids = {};              // each ends a generated text
  std::vector<std::pair<std::string, bool>> switches = {};  // of the family, by config.json's names, for display

  std::size_t n_layers() const { return blocks.size(); }
  // The longest text that the model can run: a table of positions limits it, rotation and slopes do not.
  std::optional<std::size_t> longest_text() const;
  std::size_t n_hidden_states() const { return blocks.size() + 1; }
  bool rotates() const;  // some block at least, or the family
  // The largest of any block.
  std::size_t n_heads() const;
  std::size_t d_head() const;
  std::size_t d_mlp() const;
};

// The ALiBi slope of a head, of `heads`.
double slope_of(std::size_t head, std::size_t heads);

}  // namespace stratoscope
