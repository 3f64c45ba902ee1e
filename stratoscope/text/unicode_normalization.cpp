#include "stratoscope/text/unicode_normalization.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "stratoscope/text/normalization_tables.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

// Hangul syllables are a leading consonant, a vowel and perhaps a trailing consonant (The Unicode Standard, 3.12).
constexpr char32_t kSyllables = 0xAC00, kLeading = 0x1100, kVowels = 0x1161, kTrailing = 0x11A7;
constexpr char32_t kLeadingCount = 19, kVowelCount = 21, kTrailingCount = 28;
constexpr char32_t kSyllableCount = kLeadingCount * kVowelCount * kTrailingCount;

using Expansions = std::unordered_map<char32_t, std::u32string_view>;

void add_expansions(std::span<const char32_t> table, Expansions& expansions) {
  for (std::size_t at = 0; at < table.size(); at += 2 + table[at + 1])
    expansions.insert_or_assign(table[at], std::u32string_view(&table[at + 2], table[at + 1]));
}

std::uint64_t pair_of(char32_t first, char32_t second) { return std::uint64_t{first} << 32 | second; }

struct Tables {
  Tables() {
    add_expansions(canonical_decompositions(), canonical);
    add_expansions(canonical_decompositions(), compatible);
    add_expansions(compatible_decompositions(), compatible);
    add_expansions(small_letters(), small);
    for (const auto& [first, second, product] : compositions()) products.emplace(pair_of(first, second), product);
    for (const auto& [pair, product] : products) is_second.emplace(static_cast<char32_t>(pair), true);
  }

  Expansions canonical, compatible, small;
  std::unordered_map<std::uint64_t, char32_t> products;
  std::unordered_map<char32_t, bool> is_second;  // of a composition
};

const Tables& tables() {
  static const Tables made;
  return made;
}

std::uint8_t mark_order(char32_t code_point) {
  if (code_point < 0x300) return 0;
  const auto orders = mark_orders();
  const auto range = std::lower_bound(orders.begin(), orders.end(), code_point,
                                      [](const MarkOrder& r, char32_t c) { return r.last < c; });
  return range != orders.end() && range->first <= code_point ? range->order : std::uint8_t{0};
}

std::optional<char32_t> composed(char32_t first, char32_t second) {
  if (first >= kLeading && first < kLeading + kLeadingCount && second >= kVowels && second < kVowels + kVowelCount)
    return kSyllables + ((first - kLeading) * kVowelCount + (second - kVowels)) * kTrailingCount;
  if (first >= kSyllables && first < kSyllables + kSyllableCount && (first - kSyllables) % kTrailingCount == 0 &&
      second > kTrailing && second < kTrailing + kTrailingCount)
    return first + (second - kTrailing);
  const auto found = tables().products.find(pair_of(first, second));
  return found == tables().products.end() ? std::nullopt : std::optional(found->second);
}

// A character of the result, and its source bytes [begin, end) in the text.
struct Character {
  char32_t code_point;
  std::uint8_t order;
  std::size_t begin, end;
};

class Normalization {
 public:
  Normalization(const MappedText& text, NormalForm form)
      : composes_(form == NormalForm::nfc || form == NormalForm::nfkc),
        expansions_(form == NormalForm::nfc || form == NormalForm::nfd ? tables().canonical : tables().compatible),
        source_(text),
        text_(text.text()) {}

  std::optional<MappedText> run() {
    std::size_t begin = first_change(0);
    if (begin == text_.size()) return std::nullopt;
    MappedTextBuilder builder(source_);
    std::size_t copied = 0;
    while (begin < text_.size()) {
      builder.copy(copied, begin);
      const std::size_t end = segment_end(begin);
      write_segment(begin, end, builder);
      copied = end;
      begin = first_change(end);
    }
    builder.copy(copied, text_.size());
    return builder.take();
  }

 private:
  std::size_t length_at(std::size_t at) const { return utf8_length(static_cast<unsigned char>(text_[at])); }

  // Whether the form never changes the character and never joins it to the previous one.
  bool is_inert(char32_t c) const {
    if (c < 0x80) return true;
    if (composes_ && c < 0x300 && &expansions_ == &tables().canonical) return true;
    if (mark_order(c) > 0) return false;
    if (c >= kSyllables && c < kSyllables + kSyllableCount) return composes_;
    if (composes_ && ((c >= kVowels && c < kVowels + kVowelCount) || (c > kTrailing && c < kTrailing + kTrailingCount)))
      return false;
    if (composes_ && tables().is_second.contains(c)) return false;
    const auto found = expansions_.find(c);
    if (found == expansions_.end()) return true;
    return composes_ && recomposes(c, found->second);
  }

  static bool recomposes(char32_t c, std::u32string_view parts) {
    char32_t whole = parts[0];
    if (mark_order(whole) > 0) return false;
    for (const char32_t part : parts.substr(1)) {
      const auto next = composed(whole, part);
      if (!next) return false;
      whole = *next;
    }
    return whole == c && parts.size() > 1;
  }

  // The beginning of the first segment from `begin` on that may change: the character before one that is not inert.
  std::size_t first_change(std::size_t begin) const {
    std::size_t before = begin;
    for (std::size_t at = begin; at < text_.size(); at += length_at(at)) {
      const auto byte = static_cast<unsigned char>(text_[at]);
      if (byte >= 0x80 && !is_inert(decode_code_point(text_, at))) return before;
      before = at;
    }
    return text_.size();
  }

  // A segment continues while characters may join the previous ones.
  std::size_t segment_end(std::size_t begin) const {
    std::size_t at = begin;
    bool first = true;
    for (; at < text_.size(); at += length_at(at)) {
      if (!first && is_inert(decode_code_point(text_, at))) break;
      first = false;
    }
    return at;
  }

  void decompose(char32_t c, std::size_t begin, std::size_t end) {
    const auto add = [&](char32_t part) { characters_.push_back({part, mark_order(part), begin, end}); };
    if (c >= kSyllables && c < kSyllables + kSyllableCount) {
      const char32_t index = c - kSyllables, trailing = index % kTrailingCount;
      add(kLeading + index / (kVowelCount * kTrailingCount));
      add(kVowels + index % (kVowelCount * kTrailingCount) / kTrailingCount);
      if (trailing > 0) add(kTrailing + trailing);
      return;
    }
    const auto found = expansions_.find(c);
    if (found == expansions_.end())
      add(c);
    else
      for (const char32_t part : found->second) add(part);
  }

  void order_marks() {
    for (auto at = characters_.begin(); at != characters_.end();) {
      if (at->order == 0) {
        ++at;
        continue;
      }
      const auto end = std::find_if(at, characters_.end(), [](const Character& c) { return c.order == 0; });
      std::stable_sort(at, end, [](const Character& a, const Character& b) { return a.order < b.order; });
      at = end;
    }
  }

  void compose() {
    std::size_t kept = 0;
    std::optional<std::size_t> starter;
    std::uint8_t last_order = 0;
    for (std::size_t i = 0; i < characters_.size(); ++i) {
      const Character character = characters_[i];
      const bool blocked = starter && kept > *starter + 1 && last_order >= character.order;
      if (starter && !blocked)
        if (const auto product = composed(characters_[*starter].code_point, character.code_point)) {
          characters_[*starter].code_point = *product;
          characters_[*starter].end = std::max(characters_[*starter].end, character.end);
          continue;
        }
      if (character.order == 0) starter = kept;
      last_order = character.order;
      characters_[kept++] = character;
    }
    characters_.resize(kept);
  }

  void write_segment(std::size_t begin, std::size_t end, MappedTextBuilder& builder) {
    characters_.clear();
    for (std::size_t at = begin; at < end; at += length_at(at))
      decompose(decode_code_point(text_, at), at, at + length_at(at));
    order_marks();
    if (composes_) compose();
    std::size_t written = begin;  // reordered marks: the first covers all bytes, later ones none
    std::string bytes;
    for (const Character& character : characters_) {
      bytes.clear();
      append_utf8(bytes, character.code_point);
      const std::size_t to = std::max(written, character.end);
      builder.replace(written, to, bytes);
      written = to;
    }
    if (written < end) builder.replace(written, end, "");
  }

  const bool composes_;
  const Expansions& expansions_;
  const MappedText& source_;
  std::string_view text_;
  std::vector<Character> characters_;
};

}  // namespace

std::optional<MappedText> normalized(const MappedText& text, NormalForm form) {
  return Normalization(text, form).run();
}

std::optional<MappedText> lowercased(const MappedText& source) {
  const std::string_view text = source.text();
  const Expansions& small = tables().small;
  MappedTextBuilder builder(source);
  std::size_t copied = 0;
  std::string bytes;
  bool changed = false;
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    length = utf8_length(static_cast<unsigned char>(text[at]));
    const auto found = small.find(decode_code_point(text, at));
    if (found == small.end()) continue;
    builder.copy(copied, at);
    bytes.clear();
    for (const char32_t c : found->second) append_utf8(bytes, c);
    builder.replace(at, at + length, bytes);
    copied = at + length;
    changed = true;
  }
  if (!changed) return std::nullopt;
  builder.copy(copied, text.size());
  return builder.take();
}

}  // namespace stratoscope
