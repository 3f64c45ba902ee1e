#define PCRE2_CODE_UNIT_WIDTH 8
#include "stratoscope/text/regular_expression.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/text/shadow_pattern.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

}  // namespace

struct RegularExpression::Code {
  explicit Code(ShadowPattern translated) : shadow_bytes(std::move(translated.shadow_bytes)) {
    const std::string& pattern = translated.pattern;
    int error = 0;
    std::size_t offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &offset, nullptr);
    if (code == nullptr) throw Error("tokenizer", "the regular expression is refused: " + message_of(error));
    // Without JIT, PCRE2 interprets the same code: slower, with equal results.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  pcre2_code* code;
  std::vector<std::uint8_t> shadow_bytes;
};

RegularExpression::RegularExpression(std::string_view expression)
    : code_(std::make_unique<const Code>(ShadowPattern(expression))) {}
RegularExpression::~RegularExpression() = default;

struct RegularExpression::Search::Match {
  explicit Match(const pcre2_code* code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {
    if (data == nullptr) throw std::bad_alloc();
  }
  ~Match() { pcre2_match_data_free(data); }
  Match(const Match&) = delete;
  Match& operator=(const Match&) = delete;

  pcre2_match_data* data;
};

RegularExpression::Search::Search(const RegularExpression& expression, std::string_view text)
    : expression_(expression), text_(text), subject_(text), match_(std::make_unique<Match>(expression.code_->code)) {
  if (std::all_of(text.begin(), text.end(), is_ascii)) return;
  shadow_.reserve(text.size());
  const std::vector<std::uint8_t>& bytes = expression.code_->shadow_bytes;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(static_cast<unsigned char>(text[at])))
    shadow_ += is_ascii(text[at]) ? text[at] : static_cast<char>(bytes[decode_code_point(text, at)]);
  subject_ = shadow_;
}

RegularExpression::Search::~Search() = default;

void RegularExpression::Search::set_part(std::size_t begin, std::size_t end) {
  if (shadow_.empty()) {
    byte_ = shadow_byte_ = part_begin_ = begin;
    part_end_ = end;
  } else {
    const auto advance_to = [&](std::size_t byte) {
      for (; byte_ < byte; ++shadow_byte_) byte_ += utf8_length(static_cast<unsigned char>(text_[byte_]));
    };
    advance_to(begin);
    part_begin_ = shadow_byte_;
    const std::size_t here = byte_;
    advance_to(end);
    part_end_ = shadow_byte_;
    byte_ = here;
    shadow_byte_ = part_begin_;
  }
  from_ = part_begin_;
  last_end_.reset();
}

// The place in the text of a place in the subject, at or after the previous one.
std::size_t RegularExpression::Search::byte_at(std::size_t shadow_at) {
  if (shadow_.empty()) return shadow_at;
  for (; shadow_byte_ < shadow_at; ++shadow_byte_) byte_ += utf8_length(static_cast<unsigned char>(text_[byte_]));
  return byte_;
}

std::optional<std::pair<std::size_t, std::size_t>> RegularExpression::Search::next() {
  const auto subject = reinterpret_cast<PCRE2_SPTR>(subject_.data() + part_begin_);
  const std::size_t length = part_end_ - part_begin_;
  while (from_ <= part_end_) {
    const auto match = [&](std::uint32_t options) {
      return pcre2_match(expression_.code_->code, subject, length, from_ - part_begin_, options, match_->data, nullptr);
    };
    int code = match(0);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) code = match(PCRE2_NO_JIT);
    if (code == PCRE2_ERROR_NOMATCH) break;
    if (code < 0) throw Error("tokenizer", "splitting into words failed: " + message_of(code));
    const std::size_t* bounds = pcre2_get_ovector_pointer(match_->data);
    const std::size_t begin = part_begin_ + bounds[0], end = part_begin_ + bounds[1];
    // An empty match right after another match does not count.
    if (begin == end && last_end_ == end) {
      ++from_;
      continue;
    }
    from_ = end;
    last_end_ = end;
    const std::size_t first = byte_at(begin);
    return std::pair(first, byte_at(end));
  }
  from_ = part_end_ + 1;
  return std::nullopt;
}

}  // namespace stratoscope
