// A model's architecture, read from Hugging Face's config.json. What is not implemented is refused by name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/error.h"
#include "stratoscope/ops/activation.h"

namespace STRATOSCOPE_API stratoscope {

// What a model's configuration asks for and this program lacks; its files may well be right.
class NotImplemented : public Error {
 public:
  using Error::Error;
};

// GPT-2's family. Hugging Face's key is named where it differs.
struct ModelConfig {
  std::size_t n_layers = 0;  // n_layer
  std::size_t n_heads = 0;   // n_head
  std::size_t d_model = 0;   // n_embd
  std::size_t d_head = 0;    // d_model / n_heads
  std::size_t d_mlp = 0;     // n_inner; null or absent: 4 d_model
  std::size_t n_ctx = 0;     // n_positions: the longest text in tokens
  std::size_t d_vocab = 0;   // vocab_size
  Activation activation = Activation::gelu_new;
  std::string activation_name = "gelu_new";
  double layer_norm_eps = 1e-5;
  bool scale_attn_weights = true;            // scores are divided by sqrt(d_head)
  bool scale_attn_by_inverse_layer = false;  // and by the block's number, counted from 1
  bool tie_word_embeddings = true;           // the unembedding is the embedding's transpose

  std::optional<std::size_t> bos_token_id;  // of the beginning of a text
  std::vector<std::size_t> eos_token_ids;   // a number or a list; each ends a generated text

  // The factor of attention scores in block `layer`.
  double attention_scale(std::size_t layer) const;
  std::size_t n_hidden_states() const { return n_layers + 1; }
};

const char* name_of(Activation activation);

// `source` names the file in errors. Throws Error for malformed JSON, a missing, absurd or contradictory size;
// NotImplemented for an architecture or option that is not implemented.
ModelConfig parse_model_config(const std::string& text, const std::string& source);

// Reads `folder`/config.json, and of generation_config.json, where it is there, eos_token_id, which goes before.
ModelConfig read_model_config(const std::filesystem::path& folder);

}  // namespace stratoscope
