#define PCRE2_CODE_UNIT_WIDTH 8
#include "stratoscope/text/word_splitter.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <new>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/unicode_classes.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr unsigned kFirstClassByte = 0x80;

constexpr unsigned class_byte(CharacterClass value) { return kFirstClassByte + static_cast<unsigned>(value); }

// The inside of a bracket expression that holds the bytes of one class, or all others.
std::string bytes_of(CharacterClass value, bool others = false) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string bytes;
  for (unsigned byte = 0; byte <= class_byte(CharacterClass::other); ++byte) {
    const bool is_in = byte < kFirstClassByte ? character_class(byte) == value : byte == class_byte(value);
    if (is_in != others) bytes += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
  }
  return bytes;
}

// Whether the pattern begins with something that would mean another thing on the shadow than on the text.
bool begins_strangely(std::string_view pattern) {
  constexpr std::string_view kEscapable = "rnt!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ";
  if (pattern[0] == '\\') return pattern.size() < 2 || kEscapable.find(pattern[1]) == std::string_view::npos;
  for (const char* strange : {"(?i", "[]", "[^]", "[:"})
    if (pattern.starts_with(strange)) return true;
  return static_cast<unsigned char>(pattern[0]) >= 0x80;
}

// The pattern with its classes written out as bytes of the shadow.
std::string shadow_pattern(std::string_view pattern) {
  struct Class {
    std::string_view name;
    std::string bytes;
  };
  const std::array<Class, 4> classes{{{"\\p{L}", bytes_of(CharacterClass::letter)},
                                      {"\\p{N}", bytes_of(CharacterClass::number)},
                                      {"\\s", bytes_of(CharacterClass::whitespace)},
                                      {"\\S", bytes_of(CharacterClass::whitespace, true)}}};
  std::string out;
  bool in_brackets = false;
  while (!pattern.empty()) {
    const auto known =
        std::find_if(classes.begin(), classes.end(), [&](const Class& c) { return pattern.starts_with(c.name); });
    if (known != classes.end()) {
      out += in_brackets ? known->bytes : "[" + known->bytes + "]";
      pattern.remove_prefix(known->name.size());
      continue;
    }
    if (begins_strangely(pattern))
      throw Error("tokenizer", "the word pattern is not implemented from here on: " + in_quotes(pattern));
    if (pattern[0] == '[') in_brackets = true;
    if (pattern[0] == ']') in_brackets = false;
    const std::size_t length = pattern[0] == '\\' ? 2 : 1;  // an escaped bracket opens nothing
    out += pattern.substr(0, length);
    pattern.remove_prefix(length);
  }
  return out;
}

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

}  // namespace

struct WordSplitter::Code {
  explicit Code(const std::string& pattern) {
    int error = 0;
    std::size_t offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &offset, nullptr);
    if (code == nullptr) throw Error("tokenizer", "the word pattern is refused: " + message_of(error));
    // Where PCRE2 has no JIT the same code is interpreted: slower, not different.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  }
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  pcre2_code* code;
};

WordSplitter::WordSplitter(std::string_view pattern) : code_(std::make_unique<const Code>(shadow_pattern(pattern))) {}
WordSplitter::~WordSplitter() = default;

struct WordSplitter::Words::Match {
  explicit Match(const pcre2_code* code) : data(pcre2_match_data_create_from_pattern(code, nullptr)) {
    if (data == nullptr) throw std::bad_alloc();
  }
  ~Match() { pcre2_match_data_free(data); }
  Match(const Match&) = delete;
  Match& operator=(const Match&) = delete;

  pcre2_match_data* data;
};

WordSplitter::Words::Words(const WordSplitter& splitter, std::string_view text)
    : splitter_(splitter), text_(text), subject_(text), match_(std::make_unique<Match>(splitter.code_->code)) {
  const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return;
  shadow_.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); at += utf8_length(static_cast<unsigned char>(text[at])))
    shadow_ +=
        is_ascii(text[at]) ? text[at] : static_cast<char>(class_byte(character_class(decode_code_point(text, at))));
  subject_ = shadow_;
}

WordSplitter::Words::~Words() = default;

// Where the word that begins at shadow_at_ ends, in the shadow.
std::size_t WordSplitter::Words::next_end() {
  const int code = pcre2_match(splitter_.code_->code, reinterpret_cast<PCRE2_SPTR>(subject_.data()), subject_.size(),
                               shadow_at_, PCRE2_NOTEMPTY, match_->data, nullptr);
  if (code == PCRE2_ERROR_NOMATCH) return subject_.size();
  if (code < 0) throw Error("tokenizer", "splitting into words failed: " + message_of(code));
  const std::size_t* bounds = pcre2_get_ovector_pointer(match_->data);
  return bounds[0] > shadow_at_ ? bounds[0] : bounds[1];
}

std::string_view WordSplitter::Words::next() {
  if (shadow_at_ == subject_.size()) return {};
  const std::size_t shadow_end = next_end(), begin = at_;
  if (shadow_.empty()) {
    at_ = shadow_end;
  } else {
    for (std::size_t i = shadow_at_; i < shadow_end; ++i) at_ += utf8_length(static_cast<unsigned char>(text_[at_]));
  }
  shadow_at_ = shadow_end;
  return text_.substr(begin, at_ - begin);
}

}  // namespace stratoscope
