#include "stratoscope/model/forward.h"

#include <string>

namespace stratoscope {

void check_sequences(const RunRequest& request, const ModelConfig& config) {
  if (request.sequences.empty()) throw Error("run", "there is no text");
  for (const TokenIds& ids : request.sequences) {
    if (ids.empty()) throw Error("run", "a text has no tokens");
    if (ids.size() > config.n_ctx)
      throw Error("run", "a text has " + std::to_string(ids.size()) + " tokens, more than the model's context of " +
                             std::to_string(config.n_ctx));
    for (const std::int32_t id : ids)
      if (id < 0 || static_cast<std::size_t>(id) >= config.d_vocab)
        throw Error("run", "token id " + std::to_string(id) + " is not in the model's vocabulary of " +
                               std::to_string(config.d_vocab));
  }
}

void report(const RunRequest& request, std::size_t layer, std::size_t n_layers) {
  if (request.progress == nullptr) return;
  request.progress->throw_if_cancelled();
  request.progress->update("forward pass", layer, n_layers);
}

std::vector<std::size_t> offsets_of(const std::vector<TokenIds>& sequences) {
  std::vector<std::size_t> offsets = {0};
  for (const TokenIds& ids : sequences) offsets.push_back(offsets.back() + ids.size());
  return offsets;
}

}  // namespace stratoscope
