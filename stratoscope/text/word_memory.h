// A cache of the tokens of words, since most words of a text are repetitions and a lookup costs far less than
// tokenizing. It has a fixed size; each slot has the last word with its hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/text/symbols.h"

namespace stratoscope {

class WordMemory {
 public:
  // For a text of this number of bytes.
  explicit WordMemory(std::size_t text_size);

  // The word's tokens if cached; valid until the next put().
  std::optional<std::span<const Piece>> find(std::string_view word) const;
  void put(std::string_view word, std::span<const Piece> pieces);

 private:
  struct Entry {
    std::size_t bytes = 0, first = 0;  // the first indices of its bytes and pieces
    std::uint32_t size = 0, count = 0;
  };
  std::size_t slot_of(std::string_view word) const;

  std::vector<Entry> entries_;
  std::string bytes_;
  std::vector<Piece> pieces_;
};

}  // namespace stratoscope
