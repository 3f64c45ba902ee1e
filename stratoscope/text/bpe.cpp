#include "stratoscope/text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/byte_alphabet.h"

namespace stratoscope {
namespace {

constexpr TokenId kMerged = -1;
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

std::string place_of(const TokenizerDefinition& definition, std::size_t rank) {
  return definition.merges_place + std::to_string(definition.first_merge_number + rank) + ": ";
}

// The token with this spelling, or an Error with the merge that needs it.
TokenId token_of_merge(const TokenizerDefinition& definition, const Vocabulary& vocabulary, const std::string& spelling,
                       std::size_t rank) {
  std::optional<TokenId> id;
  if (!definition.is_byte_level())
    id = vocabulary.find(spelling);
  else if (const auto bytes = unspell_bytes(spelling))
    id = vocabulary.find(*bytes);
  if (!id)
    throw Error("tokenizer", place_of(definition, rank) + in_quotes(spelling) + " is not in the vocabulary",
                "do vocabulary and merges belong together?");
  return *id;
}

}  // namespace

Bpe::Bpe(const TokenizerDefinition& definition, const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      symbols_(definition, vocabulary),
      ignores_merges_(definition.ignores_merges),
      cuts_(definition, symbols_.are_independent()) {
  const std::size_t slots = std::bit_ceil(2 * definition.merges.size() + 2);
  shift_ = 64 - std::countr_zero(slots);
  merges_.assign(slots, {kNoPair, 0, 0});
  for (std::size_t rank = 0; rank < definition.merges.size(); ++rank) {
    throw_if_cancelled();
    const auto& [left, right] = definition.merges[rank];
    const std::uint64_t pair = pair_of(token_of_merge(definition, vocabulary, left, rank),
                                       token_of_merge(definition, vocabulary, right, rank));
    const TokenId product = token_of_merge(definition, vocabulary, left + right, rank);
    Merge& merge = merges_[slot_of(pair)];
    if (merge.pair == pair)
      throw Error("tokenizer", place_of(definition, rank) + in_quotes(left + " " + right) + " is listed twice");
    merge = {pair, static_cast<std::uint32_t>(rank), product};
  }
}

// The slot that holds the pair, or the empty one where it would go.
std::size_t Bpe::slot_of(std::uint64_t pair) const {
  const std::size_t mask = merges_.size() - 1;
  // Fibonacci hashing; the halves are mixed first, or the left token would hardly affect the upper bits.
  std::size_t slot = ((pair ^ pair >> 29) * 0x9E3779B97F4A7C15U) >> shift_;
  while (merges_[slot].pair != pair && merges_[slot].pair != kNoPair) slot = (slot + 1) & mask;
  return slot;
}

const Bpe::Merge* Bpe::find(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const Merge& merge = merges_[slot_of(pair)];
  return merge.pair == pair ? &merge : nullptr;
}

const std::vector<Piece>& Bpe::encode(std::string_view word, Scratch& scratch) const {
  constexpr std::size_t kShort = 24;  // up to here scanning all neighbours is faster than a queue
  if (word.size() >= kNone) throw Error("tokenizer", "a word of " + std::to_string(word.size()) + " bytes is too long");
  scratch.pieces_.clear();
  if (ignores_merges_)
    if (const auto whole = vocabulary_.find(word)) {
      scratch.pieces_.push_back({*whole, static_cast<std::uint32_t>(word.size())});
      return scratch.pieces_;
    }
  symbols_.append(word, scratch.pieces_);
  if (scratch.pieces_.size() <= kShort)
    merge_by_scanning(scratch);
  else
    merge_by_queue(scratch);
  return scratch.pieces_;
}

void Bpe::merge_by_scanning(Scratch& scratch) const {
  auto& pieces = scratch.pieces_;
  auto& merges = scratch.merges_;  // merges[i] joins pieces i and i + 1; null if they do not merge
  merges.clear();
  for (std::size_t i = 1; i < pieces.size(); ++i) merges.push_back(find(pieces[i - 1].id, pieces[i].id));
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

void Bpe::merge_by_queue(Scratch& scratch) const {
  auto& links = scratch.links_;
  auto& queue = scratch.queue_;
  const auto& pieces = scratch.pieces_;
  const auto length = static_cast<std::uint32_t>(pieces.size());
  links.resize(length);
  queue.clear();
  for (std::uint32_t i = 0; i < length; ++i) {
    links[i] = {pieces[i].id, pieces[i].length, i == 0 ? kNone : i - 1, i + 1};
    if (i == 0) continue;
    if (const Merge* merge = find(links[i - 1].id, links[i].id))
      queue.push_back(std::uint64_t{merge->rank} << 32 | (i - 1));
  }
  const auto later = std::greater<>();
  std::make_heap(queue.begin(), queue.end(), later);
  const auto push = [&](std::uint32_t at) {
    const std::uint32_t next = links[at].next;
    if (next == length) return;
    if (const Merge* merge = find(links[at].id, links[next].id)) {
      queue.push_back(std::uint64_t{merge->rank} << 32 | at);
      std::push_heap(queue.begin(), queue.end(), later);
    }
  };

  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), later);
    const auto rank = static_cast<std::uint32_t>(queue.back() >> 32);
    const auto at = static_cast<std::uint32_t>(queue.back());
    queue.pop_back();
    Scratch::Link& symbol = links[at];
    // A rank belongs to one pair: if another pair is here now, the entry is outdated.
    if (symbol.id == kMerged || symbol.next == length) continue;
    Scratch::Link& next = links[symbol.next];
    const Merge* merge = find(symbol.id, next.id);
    if (merge == nullptr || merge->rank != rank) continue;
    symbol.id = merge->product;
    symbol.length += next.length;
    symbol.next = next.next;
    next.id = kMerged;
    if (symbol.next != length) links[symbol.next].previous = at;
    if (symbol.previous != kNone) push(symbol.previous);
    push(at);
  }

  scratch.pieces_.clear();
  for (std::uint32_t at = 0; at < length; at = links[at].next)
    scratch.pieces_.push_back({links[at].id, links[at].length});
}

}  // namespace stratoscope
