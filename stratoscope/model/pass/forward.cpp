#include "stratoscope/model/pass/forward.h"

#include <string>

#include "stratoscope/model/kv_cache.h"

namespace stratoscope {

namespace {

std::size_t past_of(const RunRequest& request, std::size_t sequence) {
  return request.cache == nullptr ? 0 : request.cache->length(sequence);
}

void check_sequence(const RunRequest& request, std::size_t index, const ModelConfig& config) {
  const TokenIds& ids = request.sequences[index];
  const std::size_t past = past_of(request, index), length = past + ids.size();
  if (ids.empty()) throw Error("run", "a text has no tokens");
  if (config.learned_positions && length > config.n_ctx)
    throw Error("run", "a text has " + std::to_string(length) + " tokens, more than the model's context of " +
                           std::to_string(config.n_ctx));
  if (request.cache != nullptr && length > request.cache->capacity())
    throw Error("run", "the cache has room for " + std::to_string(request.cache->capacity()) + " positions, not for " +
                           std::to_string(length));
  for (const std::int32_t id : ids)
    if (id < 0 || static_cast<std::size_t>(id) >= config.d_vocab)
      throw Error("run", "token id " + std::to_string(id) + " is not in the model's vocabulary of " +
                             std::to_string(config.d_vocab));
}

void check_part(const RunRequest& request, const ModelConfig& config) {
  const std::string blocks = "the model has " + std::to_string(config.n_layers()) + " blocks";
  const BlockRange range = blocks_of(request, config);
  if (range.last > config.n_layers())
    throw Error("run", "cannot stop at block " + std::to_string(range.last) + ": " + blocks);
  if (range.first > range.last)
    throw Error("run", "cannot start at block " + std::to_string(range.first) + " and end before block " +
                           std::to_string(range.last) + ": " + blocks);
  if (request.cache != nullptr && (request.start || request.stop_at))
    throw Error("run", "a part of a pass takes no cache");
  if (!request.start) return;
  const Shape wanted{offsets_of(request.sequences).back(), config.d_model};
  if (request.start->residual.shape() != wanted)
    throw Error("run", "the residual stream to start from has shape " + to_string(request.start->residual.shape()) +
                           ", expected " + to_string(wanted));
}

}  // namespace

void check_request(const RunRequest& request, const ModelConfig& config) {
  if (request.sequences.empty()) throw Error("run", "there is no text");
  if (request.cache != nullptr && request.cache->sequences() != request.sequences.size())
    throw Error("run", "the cache is for " + std::to_string(request.cache->sequences()) + " texts, not for " +
                           std::to_string(request.sequences.size()));
  for (std::size_t s = 0; s < request.sequences.size(); ++s) check_sequence(request, s, config);
  check_part(request, config);
}

BlockRange blocks_of(const RunRequest& request, const ModelConfig& config) {
  return {request.start ? request.start->block : 0, request.stop_at.value_or(config.n_layers())};
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
