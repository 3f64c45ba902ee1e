#include "stratoscope/text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/byte_alphabet.h"

namespace stratoscope {
namespace {

constexpr TokenId kMerged = -1;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// The token spelled so, or an Error that says which merge needs it.
TokenId token_of_merge(const Vocabulary& vocabulary, const std::string& spelling, const std::string& place) {
  const auto bytes = unspell_bytes(spelling);
  const auto id = bytes ? vocabulary.find(*bytes) : std::nullopt;
  if (!id)
    throw Error("tokenizer", place + ": " + in_quotes(spelling) + " is not in the vocabulary",
                "do vocabulary and merges belong together?");
  return *id;
}

}  // namespace

Bpe::Bpe(const TokenizerDefinition& definition, const Vocabulary& vocabulary) {
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    const auto id = vocabulary.find(bytes);
    if (!id)
      throw Error("tokenizer", definition.vocabulary_file + ": has no token for the byte " + std::to_string(byte) +
                                   ", spelled '" + spell_bytes(bytes) + "'");
    byte_tokens_[byte] = *id;
  }

  const std::size_t slots = std::bit_ceil(2 * definition.merges.size() + 2);
  shift_ = 64 - std::countr_zero(slots);
  merges_.assign(slots, {kNoPair, 0, 0});
  for (std::size_t rank = 0; rank < definition.merges.size(); ++rank) {
    throw_if_cancelled();
    const auto& [left, right] = definition.merges[rank];
    const std::string place = definition.merges_place + std::to_string(definition.first_merge_number + rank);
    const std::uint64_t pair =
        pair_of(token_of_merge(vocabulary, left, place), token_of_merge(vocabulary, right, place));
    const TokenId product = token_of_merge(vocabulary, left + right, place);
    Merge& merge = merges_[slot_of(pair)];
    if (merge.pair == pair) throw Error("tokenizer", place + ": " + in_quotes(left + " " + right) + " is listed twice");
    merge = {pair, static_cast<std::uint32_t>(rank), product};
  }
}

// The slot that holds the pair, or the empty one where it would go.
std::size_t Bpe::slot_of(std::uint64_t pair) const {
  const std::size_t mask = merges_.size() - 1;
  // Fibonacci hashing; the halves are stirred first, or the left token would hardly reach the upper bits.
  std::size_t slot = ((pair ^ pair >> 29) * 0x9E3779B97F4A7C15U) >> shift_;
  while (merges_[slot].pair != pair && merges_[slot].pair != kNoPair) slot = (slot + 1) & mask;
  return slot;
}

const Bpe::Merge* Bpe::find(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const Merge& merge = merges_[slot_of(pair)];
  return merge.pair == pair ? &merge : nullptr;
}

const std::vector<Bpe::Piece>& Bpe::encode(std::string_view word, Scratch& scratch) const {
  constexpr std::size_t kShort = 24;  // up to here looking at all neighbours is faster than keeping a queue of them
  if (word.size() >= kNone) throw Error("tokenizer", "a word of " + std::to_string(word.size()) + " bytes is too long");
  if (word.size() <= kShort)
    merge_by_scanning(word, scratch);
  else
    merge_by_queue(word, scratch);
  return scratch.pieces_;
}

void Bpe::merge_by_scanning(std::string_view word, Scratch& scratch) const {
  auto& pieces = scratch.pieces_;
  auto& merges = scratch.merges_;  // merges[i] joins pieces i and i + 1; null where they do not merge
  pieces.clear();
  merges.clear();
  for (const char byte : word) {
    pieces.push_back({byte_tokens_[static_cast<unsigned char>(byte)], 1});
    if (pieces.size() > 1) merges.push_back(find(pieces.end()[-2].id, pieces.back().id));
  }
  while (true) {
    std::size_t first = 0;
    std::uint32_t rank = kNone;
    for (std::size_t i = 0; i < merges.size(); ++i)
      if (merges[i] != nullptr && merges[i]->rank < rank) {
        rank = merges[i]->rank;
        first = i;
      }
    if (rank == kNone) return;
    pieces[first] = {merges[first]->product, pieces[first].length + pieces[first + 1].length};
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(first) + 1);
    merges.erase(merges.begin() + static_cast<std::ptrdiff_t>(first));
    if (first > 0) merges[first - 1] = find(pieces[first - 1].id, pieces[first].id);
    if (first < merges.size()) merges[first] = find(pieces[first].id, pieces[first + 1].id);
  }
}

void Bpe::merge_by_queue(std::string_view word, Scratch& scratch) const {
  auto& symbols = scratch.symbols_;
  auto& queue = scratch.queue_;
  const auto length = static_cast<std::uint32_t>(word.size());
  symbols.resize(length);
  queue.clear();
  for (std::uint32_t i = 0; i < length; ++i) {
    symbols[i] = {byte_tokens_[static_cast<unsigned char>(word[i])], i == 0 ? kNone : i - 1, i + 1};
    if (i == 0) continue;
    if (const Merge* merge = find(symbols[i - 1].id, symbols[i].id))
      queue.push_back(std::uint64_t{merge->rank} << 32 | (i - 1));
  }
  const auto later = std::greater<>();
  std::make_heap(queue.begin(), queue.end(), later);
  const auto push = [&](std::uint32_t at) {
    const std::uint32_t next = symbols[at].next;
    if (next == length) return;
    if (const Merge* merge = find(symbols[at].id, symbols[next].id)) {
      queue.push_back(std::uint64_t{merge->rank} << 32 | at);
      std::push_heap(queue.begin(), queue.end(), later);
    }
  };

  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const auto rank = static_cast<std::uint32_t>(queue.back() >> 32);
    const auto at = static_cast<std::uint32_t>(queue.back());
    queue.pop_back();
    Scratch::Symbol& symbol = symbols[at];
    // A rank names one pair: if another pair stands here by now, the entry is out of date.
    if (symbol.id == kMerged || symbol.next == length) continue;
    Scratch::Symbol& next = symbols[symbol.next];
    const Merge* merge = find(symbol.id, next.id);
    if (merge == nullptr || merge->rank != rank) continue;
    symbol.id = merge->product;
    symbol.next = next.next;
    next.id = kMerged;
    if (symbol.next != length) symbols[symbol.next].previous = at;
    if (symbol.previous != kNone) push(symbol.previous);
    push(at);
  }

  scratch.pieces_.clear();
  for (std::uint32_t at = 0; at < length; at = symbols[at].next)
    scratch.pieces_.push_back({symbols[at].id, symbols[at].next - at});
}

}  // namespace stratoscope
