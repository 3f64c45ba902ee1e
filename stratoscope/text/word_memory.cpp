#include "stratoscope/text/word_memory.h"

#include <algorithm>
#include <bit>

#include "stratoscope/text/byte_hash.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMaxEntries = std::size_t{1} << 15, kMaxBytes = 64;

}  // namespace

WordMemory::WordMemory(std::size_t text_size)
    : entries_(std::bit_ceil(std::clamp<std::size_t>(text_size / 4, 1, kMaxEntries))) {}

std::size_t WordMemory::slot_of(std::string_view word) const { return byte_hash(word) >> 32 & (entries_.size() - 1); }

std::optional<std::span<const Piece>> WordMemory::find(std::string_view word) const {
  if (word.size() > kMaxBytes) return std::nullopt;
  const Entry& entry = entries_[slot_of(word)];
  if (entry.size != word.size() || std::string_view(bytes_).substr(entry.bytes, entry.size) != word)
    return std::nullopt;
  return std::span(pieces_).subspan(entry.first, entry.count);
}

void WordMemory::put(std::string_view word, std::span<const Piece> pieces) {
  if (word.size() > kMaxBytes) return;
  entries_[slot_of(word)] = {bytes_.size(), pieces_.size(), static_cast<std::uint32_t>(word.size()),
                             static_cast<std::uint32_t>(pieces.size())};
  bytes_ += word;
  pieces_.insert(pieces_.end(), pieces.begin(), pieces.end());
}

}  // namespace stratoscope
