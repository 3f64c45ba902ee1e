#include "stratoscope/text/decoder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::size_t kLongestToken = std::size_t{1} << 30;
constexpr std::string_view kHexadecimal = "0123456789ABCDEF";

void replace_all(std::string& token, const CompiledPattern& pattern, std::string_view content) {
  // Bytes are joined to characters later: before that there is nothing to replace.
  if (find_invalid_utf8(token) < token.size()) return;
  TextSearch search(pattern, token);
  search.set_part(0, token.size());
  std::string out;
  std::size_t copied = 0;
  while (const auto match = search.next()) {
    out.append(token, copied, match->first - copied).append(content);
    if (out.size() > kLongestToken) throw Error("tokenizer", "its decoder makes a token too long");
    copied = match->second;
  }
  token = out.append(token, copied);
}

// Removes up to `start` characters at the beginning and up to `stop` at the end.
void strip(std::string& token, const std::string& character, std::size_t start, std::size_t stop) {
  std::string_view left = token;
  for (; start > 0 && left.starts_with(character); --start) left.remove_prefix(character.size());
  for (; stop > 0 && left.ends_with(character); --stop) left.remove_suffix(character.size());
  token = std::string(left);
}

void replace_string(std::string& token, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = token.find(from); at != std::string::npos; at = token.find(from, copied)) {
    out.append(token, copied, at - copied).append(to);
    copied = at + from.size();
  }
  token = out.append(token, copied);
}

std::string joined(const std::vector<std::string>& tokens) {
  std::size_t size = 0;
  for (const std::string& token : tokens) size += token.size();
  std::string all;
  all.reserve(size);
  for (const std::string& token : tokens) all += token;
  return all;
}

}  // namespace

std::optional<char> fallback_byte(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return std::nullopt;
  const auto digit = [](char c) { return kHexadecimal.find(c >= 'a' && c <= 'f' ? static_cast<char>(c - 0x20) : c); };
  const std::size_t high = digit(spelling[3]), low = digit(spelling[4]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

std::string spell_fallback_byte(unsigned char byte) {
  return std::string("<0x") + kHexadecimal[byte >> 4] + kHexadecimal[byte & 15] + '>';
}

Decoder::Decoder(const std::vector<DecoderStep>& steps) {
  for (const DecoderStep& step : steps) {
    steps_.push_back({step, {}});
    if (step.kind == DecoderStep::Kind::replace) steps_.back().pattern.emplace_back(step.pattern);
  }
}

void Decoder::apply(const Step& step, std::vector<std::string>& tokens, bool within) {
  using Kind = DecoderStep::Kind;
  const DecoderStep& told = step.step;
  switch (told.kind) {
    case Kind::byte_level: break;
    case Kind::metaspace:
      for (std::size_t i = 0; i < tokens.size(); ++i)
        replace_string(tokens[i], told.content, i == 0 && told.drops_first && !within ? "" : " ");
      break;
    case Kind::byte_fallback:
      for (std::string& token : tokens)
        if (const auto byte = fallback_byte(token)) token = std::string(1, *byte);
      break;
    case Kind::fuse: tokens = {joined(tokens)}; break;
    case Kind::strip:
      for (std::string& token : tokens) strip(token, told.content, told.start, told.stop);
      break;
    case Kind::replace:
      for (std::string& token : tokens) replace_all(token, step.pattern.front(), told.content);
      break;
  }
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  for (const Step& step : steps_) apply(step, tokens, false);
  return joined(tokens);
}

std::string Decoder::decode_within(std::string token) const {
  std::vector<std::string> tokens = {std::move(token)};
  bool fused = false;
  for (const Step& step : steps_) {
    fused = fused || step.step.kind == DecoderStep::Kind::fuse;
    if (!(fused && step.step.kind == DecoderStep::Kind::strip)) apply(step, tokens, true);
  }
  return joined(tokens);
}

}  // namespace stratoscope
