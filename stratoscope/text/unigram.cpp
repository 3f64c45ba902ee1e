#include "stratoscope/text/unigram.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
constexpr double kUnknownPenalty = 10;  // below the smallest score

}  // namespace

Unigram::Unigram(const TokenizerDefinition& definition, const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      fallback_(fallback_tokens(definition, vocabulary)),
      unknown_(unknown_token(definition, vocabulary)),
      tokens_(1, kNoToken),
      scores_(vocabulary.size(), 0.0) {
  if (definition.is_byte_level())
    throw Error("tokenizer", definition.vocabulary_file + ": a Unigram model of bytes is not implemented");
  std::size_t bytes = 0;
  for (const auto& token : definition.vocabulary) bytes += token.spelling.size();
  edges_.assign(std::bit_ceil(2 * bytes + 2), {kNoEdge, 0});
  double least = 0;
  for (std::size_t i = 0; i < definition.vocabulary.size(); ++i) {
    throw_if_cancelled();
    const auto& token = definition.vocabulary[i];
    scores_[static_cast<std::size_t>(token.id)] = definition.scores[i];
    least = i == 0 ? definition.scores[i] : std::min(least, definition.scores[i]);
    add(token.spelling, static_cast<TokenId>(token.id));
  }
  unknown_score_ = least - kUnknownPenalty;
}

std::size_t Unigram::slot_of(std::uint64_t from) const {
  const std::size_t mask = edges_.size() - 1;
  std::size_t slot = ((from ^ from >> 29) * 0x9E3779B97F4A7C15U >> 20) & mask;
  while (edges_[slot].from != from && edges_[slot].from != kNoEdge) slot = (slot + 1) & mask;
  return slot;
}

void Unigram::add(std::string_view form, TokenId id) {
  std::uint32_t node = 0;
  for (const char byte : form) {
    const std::uint64_t from = std::uint64_t{node} << 8 | static_cast<unsigned char>(byte);
    Edge& edge = edges_[slot_of(from)];
    if (edge.from == kNoEdge) {
      edge = {from, static_cast<std::uint32_t>(tokens_.size())};
      tokens_.push_back(kNoToken);
    }
    node = edge.to;
  }
  tokens_[node] = id;
}

void Unigram::append_unknown(std::string_view part, std::vector<Piece>& pieces) const {
  if (const auto token = vocabulary_.find(part)) {
    pieces.push_back({*token, static_cast<std::uint32_t>(part.size())});
  } else if (fallback_) {
    for (const char byte : part) pieces.push_back({(*fallback_)[static_cast<unsigned char>(byte)], 1});
  } else if (unknown_) {
    pieces.push_back({*unknown_, static_cast<std::uint32_t>(part.size())});
  } else {
    throw Error("tokenizer", "there is no token for " + in_quotes(part) + ", and none for unknown characters");
  }
}

const std::vector<Piece>& Unigram::encode(std::string_view word, Scratch& scratch) const {
  if (word.size() >= kNowhere)
    throw Error("tokenizer", "a word of " + std::to_string(word.size()) + " bytes is too long");
  auto& steps = scratch.steps_;
  steps.assign(word.size() + 1, {0.0, kNowhere, kNoToken});
  std::size_t length = 0;
  for (std::size_t begin = 0; begin < word.size(); begin += length) {
    length = utf8_length(static_cast<unsigned char>(word[begin]));
    const double before = steps[begin].score;
    const auto offer = [&](std::size_t end, double score, TokenId id) {
      auto& step = steps[end];
      if (step.begin == kNowhere || before + score > step.score)
        step = {before + score, static_cast<std::uint32_t>(begin), id};
    };
    bool has_single = false;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < word.size(); ++at) {
      const Edge& edge = edges_[slot_of(std::uint64_t{node} << 8 | static_cast<unsigned char>(word[at]))];
      if (edge.from == kNoEdge) break;
      node = edge.to;
      if (tokens_[node] == kNoToken) continue;
      offer(at + 1, scores_[static_cast<std::size_t>(tokens_[node])], tokens_[node]);
      has_single = has_single || at + 1 == begin + length;
    }
    if (!has_single) offer(begin + length, unknown_score_, kNoToken);
  }

  auto& path = scratch.path_;
  path.clear();
  for (std::size_t end = word.size(); end > 0; end = steps[end].begin)
    path.push_back({steps[end].begin, static_cast<std::uint32_t>(end), steps[end].id});
  scratch.pieces_.clear();
  for (std::size_t i = path.size(); i-- > 0;) {
    auto [begin, end, id] = path[i];
    const auto is_unknown = [&](const Scratch::Part& part) {
      return part.id == kNoToken || (unknown_ && part.id == *unknown_);
    };
    if (!is_unknown(path[i])) {
      scratch.pieces_.push_back({id, end - begin});
      continue;
    }
    for (; i > 0 && is_unknown(path[i - 1]); --i) end = path[i - 1].end;
    append_unknown(word.substr(begin, end - begin), scratch.pieces_);
  }
  return scratch.pieces_;
}

}  // namespace stratoscope
