#include "stratoscope/text/shadow_pattern.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/unicode_classes.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr char32_t kAscii = 0x80, kCodePoints = 0x110000;
constexpr std::string_view kNumbersInWords = "\u00b2\u00b3\u00b9\u00bc\u00bd\u00be";  // to Oniguruma's \w alone

using Set = std::bitset<256>;  // of shadow bytes
using Range = std::pair<char32_t, char32_t>;

bool is_in_words(char32_t c) {
  if (c >= 0xB2 && c <= 0xBE) {
    std::string bytes;
    append_utf8(bytes, c);
    if (kNumbersInWords.find(bytes) != std::string_view::npos) return true;
  }
  return is_word(c);
}

// Assigns a byte to each code point, so that those with one byte are equal for every class of the expression.
class Alphabet {
 public:
  // `literals`: the code points and ranges beyond ASCII in the expression.
  explicit Alphabet(const std::vector<Range>& literals) : bytes_(kCodePoints) {
    for (char32_t c = 0; c < kAscii; ++c) bytes_[c] = static_cast<std::uint8_t>(representatives_[c] = c);
    count_ = kAscii;
    std::map<std::tuple<Category, bool, bool, std::vector<bool>>, std::uint8_t> known;
    const std::vector<char32_t> borders = borders_of(literals);
    for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
      const char32_t c = borders[i];
      std::vector<bool> named(literals.size());
      for (std::size_t k = 0; k < literals.size(); ++k) named[k] = c >= literals[k].first && c <= literals[k].second;
      const auto [place, is_new] = known.try_emplace(
          {general_category(c), is_whitespace(c), is_in_words(c), std::move(named)}, static_cast<std::uint8_t>(count_));
      if (is_new) {
        if (count_ == representatives_.size())
          throw Error("tokenizer", "a regular expression names too many characters");
        representatives_[count_++] = c;
      }
      std::fill(bytes_.begin() + c, bytes_.begin() + borders[i + 1], place->second);
    }
  }

  std::uint8_t byte(char32_t c) const { return bytes_[c]; }
  template <class Predicate>
  Set bytes_where(const Predicate& holds) const {
    Set set;
    for (std::size_t byte = 0; byte < count_; ++byte) set[byte] = holds(representatives_[byte]);
    return set;
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  // Ascending, from the first code point beyond ASCII to the last: the classes do not change between two of them.
  static std::vector<char32_t> borders_of(const std::vector<Range>& literals) {
    std::vector<char32_t> borders = {kAscii, kCodePoints};
    const auto add = [&](char32_t first, char32_t last) {
      if (first >= kAscii) borders.push_back(first);
      if (last + 1 >= kAscii) borders.push_back(last + 1);
    };
    for (const CategoryRange& range : category_ranges()) add(range.first, range.last);
    for (const Range& range : literals) add(range.first, range.second);
    for (char32_t c = 0x85; c <= 0xBE; ++c) add(c, c);
    for (const Range& range : {Range{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}})
      add(range.first, range.second);
    std::sort(borders.begin(), borders.end());
    borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
    return borders;
  }

  std::vector<std::uint8_t> bytes_;
  std::array<char32_t, 256> representatives_{};  // of a byte
  std::size_t count_ = 0;
};

// The code points of a category ("Lu") or of a group of them ("L"); nullopt for other names.
std::optional<Set> set_of_property(std::string_view name, const Alphabet& alphabet) {
  constexpr std::string_view kNames = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCo";
  if (name.empty() || name.size() > 2) return std::nullopt;
  std::bitset<64> wanted;
  for (std::size_t i = 0; i < kNames.size(); i += 2) wanted[i / 2] = kNames.substr(i, name.size()) == name;
  if (wanted.none()) return std::nullopt;
  return alphabet.bytes_where([&](char32_t c) { return wanted[static_cast<std::size_t>(general_category(c))]; });
}

// Parses the expression twice: to collect its characters, and with their classes to translate it.
class Translator {
 public:
  Translator(std::string_view expression, const Alphabet& alphabet) : whole_(expression), alphabet_(alphabet) {}

  std::string translate() {
    alternatives(false, 0);
    if (!at_end()) fail();
    return std::move(out_);
  }
  const std::vector<Range>& literals() const { return literals_; }

 private:
  static constexpr int kDeepest = 50;  // nested groups and brackets

  bool at_end() const { return at_ == whole_.size(); }
  std::string_view rest() const { return whole_.substr(at_); }
  bool take(std::string_view text) {
    if (!rest().starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  [[noreturn]] void fail() const {
    throw Error("tokenizer", "the regular expression is not implemented from here on: " +
                                 (at_end() ? std::string("its end") : in_quotes(rest())));
  }
  char32_t take_code_point() {
    if (at_end()) fail();
    const char32_t c = decode_code_point(whole_, at_);
    at_ += utf8_length(static_cast<unsigned char>(whole_[at_]));
    return c;
  }

  Set set_of(char32_t first, char32_t last) {
    if (last >= kAscii) literals_.emplace_back(std::max(first, kAscii), last);
    return alphabet_.bytes_where([&](char32_t c) { return c >= first && c <= last; });
  }

  // Case folding as in Oniguruma: two letters of ASCII have a third form, the long s and the Kelvin sign.
  Set set_of_either_case(char32_t c) {
    if (c >= kAscii) fail();
    Set set = set_of(c, c);
    const char32_t small = c | 0x20;
    if (small < 'a' || small > 'z') return set;
    set |= set_of(small, small) | set_of(small ^ 0x20, small ^ 0x20);
    if (small == 's') set |= set_of(0x17F, 0x17F);
    if (small == 'k') set |= set_of(0x212A, 0x212A);
    return set;
  }

  void write(const Set& set) {
    const auto write_byte = [&](std::size_t byte) {
      constexpr char kHex[] = "0123456789abcdef";
      out_ += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    };
    if (set.none()) {
      out_ += "[^\\x00-\\xff]";
      return;
    }
    out_ += '[';
    for (std::size_t byte = 0; byte < set.size(); ++byte) {
      if (!set[byte]) continue;
      const std::size_t first = byte;
      while (byte + 1 < set.size() && set[byte + 1]) ++byte;
      write_byte(first);
      if (byte == first) continue;
      out_ += '-';
      write_byte(byte);
    }
    out_ += ']';
  }

  // Branches up to a closing bracket or the end.
  void alternatives(bool any_case, int depth) {
    if (depth > kDeepest) fail();
    while (!at_end() && rest()[0] != ')') {
      const char next = rest()[0];
      if (next == '(') {
        group(any_case, depth);
      } else if (next == '[') {
        ++at_;
        write(bracket(any_case, depth));
      } else if (next == '{') {
        interval();
      } else if (std::string_view("*+?|").find(next) != std::string_view::npos) {
        out_ += next;
        ++at_;
      } else if (next == '^' || next == '$') {  // in Oniguruma they match at lines
        out_ += next == '^' ? "(?m:^)" : "(?m:$)";
        ++at_;
      } else if (next == '.') {
        out_ += "[^\\n]";
        ++at_;
      } else if (take("\\A")) {
        out_ += "\\A";
      } else if (take("\\z")) {
        out_ += "\\z";
      } else if (const auto set = class_escape()) {
        write(*set);
      } else {
        const char32_t c = character();
        write(any_case ? set_of_either_case(c) : set_of(c, c));
      }
    }
  }

  void group(bool any_case, int depth) {
    if (take("(?i:")) {
      out_ += "(?:";
      any_case = true;
    } else if (const auto known = std::find_if(kGroups.begin(), kGroups.end(), [&](auto g) { return take(g); });
               known != kGroups.end()) {
      out_ += *known;
    } else if (rest().starts_with("(?") || rest().starts_with("(*")) {
      fail();
    } else {
      ++at_;
      out_ += "(?:";
    }
    alternatives(any_case, depth + 1);
    if (!take(")")) fail();
    out_ += ')';
  }

  // {n}, {n,}, {n,m} and Oniguruma's {,m}.
  void interval() {
    const std::size_t end = rest().find('}');
    if (end == std::string_view::npos) fail();
    std::string inside(rest().substr(1, end - 1));
    if (inside.starts_with(',')) inside.insert(0, "0");
    const std::size_t comma = std::min(inside.find(','), inside.size());
    const auto is_number = [](std::string_view text) {
      return text.size() < 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    const std::string_view least = std::string_view(inside).substr(0, comma),
                           most = std::string_view(inside).substr(std::min(comma + 1, inside.size()));
    // A possessive interval is PCRE2's; Oniguruma repeats the interval.
    if (least.empty() || inside == "0," || !is_number(least) || !is_number(most) ||
        rest().substr(end + 1).starts_with('+'))
      fail();
    out_ += '{' + inside + '}';
    at_ += end + 1;
  }

  // The content of brackets, after the first one.
  Set bracket(bool any_case, int depth) {
    if (depth > kDeepest) fail();
    const bool negated = take("^");
    if (rest().starts_with("]")) fail();
    Set set;
    while (!take("]")) {
      if (rest().starts_with("[:") || rest().starts_with("&&")) fail();
      if (take("[")) {
        set |= bracket(any_case, depth + 1);
      } else if (const auto escape = class_escape()) {
        set |= *escape;
      } else {
        const char32_t first = character();
        if (rest().starts_with("-") && !rest().starts_with("-]")) {
          ++at_;
          if (any_case || rest().starts_with("[")) fail();
          const char32_t last = character();
          if (last < first) fail();
          set |= set_of(first, last);
        } else {
          set |= any_case ? set_of_either_case(first) : set_of(first, first);
        }
      }
    }
    return negated ? ~set : set;
  }

  // An escape for a class of characters; nullopt, without consuming anything, if there is none.
  std::optional<Set> class_escape() {
    const std::string_view text = rest();
    if (text.size() < 2 || text[0] != '\\') return std::nullopt;
    const auto where = [&](auto predicate) {
      at_ += 2;
      const Set set = alphabet_.bytes_where(predicate);
      return text[1] >= 'a' ? set : ~set;
    };
    switch (text[1]) {
      case 's':
      case 'S': return where(is_whitespace);
      case 'w':
      case 'W': return where(is_in_words);
      case 'd':
      case 'D': return where([](char32_t c) { return general_category(c) == Category::Nd; });
      case 'p':
      case 'P': return property();
      default: return std::nullopt;
    }
  }

  // \p{L}, \P{L}, \p{^L}
  Set property() {
    const std::string_view text = rest();
    const std::size_t end = text.find('}');
    if (text.size() < 3 || text[2] != '{' || end == std::string_view::npos) fail();
    std::string_view name = text.substr(3, end - 3);
    bool negated = text[1] == 'P';
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    const auto set = set_of_property(name, alphabet_);
    if (!set) fail();
    at_ += end + 1;
    return negated ? ~*set : *set;
  }

  char32_t character() {
    if (!rest().starts_with("\\")) return take_code_point();
    constexpr std::string_view kNames = "rntfvae", kControls = "\r\n\t\f\v\a\x1b";
    const std::string_view escape = rest().substr(1);
    if (escape.empty()) fail();
    if (const std::size_t known = kNames.find(escape[0]); known != std::string_view::npos) {
      at_ += 2;
      return static_cast<char32_t>(kControls[known]);
    }
    if (escape[0] == 'u') return hexadecimal(2, 4);
    if (escape[0] == 'x' && !escape.starts_with("x{")) return hexadecimal(2, 2);
    if (escape[0] == 'x') {
      const std::size_t end = rest().find('}');
      if (end == std::string_view::npos) fail();
      const char32_t c = hexadecimal(3, end - 3);
      ++at_;
      return c;
    }
    const auto is_letter_or_digit = [](char c) {
      return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    };
    if (is_letter_or_digit(escape[0]) || static_cast<unsigned char>(escape[0]) >= kAscii) fail();
    ++at_;
    return take_code_point();
  }

  // A code point in `count` digits after `skipped` bytes.
  char32_t hexadecimal(std::size_t skipped, std::size_t count) {
    const std::string_view digits = rest().substr(std::min(skipped, rest().size())).substr(0, count);
    char32_t c = 0;
    for (const char digit : digits) {
      const std::size_t value = std::string_view("0123456789abcdef").find(static_cast<char>(digit | 0x20));
      if (value == std::string_view::npos || (digit < '0')) fail();
      c = c * 16 + static_cast<char32_t>(value);
    }
    if (count == 0 || count > 6 || digits.size() < count || c >= kCodePoints ||
        (c >= kAscii && c < 0x100 && count == 2))
      fail();
    at_ += skipped + count;
    return c;
  }

  static constexpr std::array<std::string_view, 6> kGroups = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};

  const std::string_view whole_;
  const Alphabet& alphabet_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Range> literals_;
};

}  // namespace

ShadowPattern::ShadowPattern(std::string_view expression) {
  static const Alphabet plain({});
  Translator first(expression, plain);
  pattern = first.translate();
  std::vector<Range> literals = first.literals();
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  if (literals.size() > 64) throw Error("tokenizer", "a regular expression names too many characters");
  Alphabet alphabet(literals);
  pattern = Translator(expression, alphabet).translate();
  shadow_bytes = alphabet.take();
}

}  // namespace stratoscope
