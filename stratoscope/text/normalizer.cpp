#include "stratoscope/text/normalizer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "stratoscope/text/unicode_classes.h"
#include "stratoscope/text/unicode_normalization.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

using Changed = std::optional<MappedText>;  // nullopt if the text is unchanged

Changed prepended(const MappedText& text, std::string_view content) {
  if (text.text().empty() || content.empty()) return std::nullopt;
  MappedTextBuilder builder(text);
  builder.replace(0, 0, content);
  builder.copy(0, text.text().size());
  return builder.take();
}

Changed replaced(const MappedText& text, const CompiledPattern& pattern, std::string_view content) {
  TextSearch search(pattern, text.text());
  search.set_part(0, text.text().size());
  auto match = search.next();
  if (!match) return std::nullopt;
  MappedTextBuilder builder(text);
  std::size_t copied = 0;
  for (; match; match = search.next()) {
    builder.copy(copied, match->first);
    builder.replace(match->first, match->second, content);
    copied = match->second;
  }
  builder.copy(copied, text.text().size());
  return builder.take();
}

Changed without_accents(const MappedText& source) {
  const std::string_view text = source.text();
  MappedTextBuilder builder(source);
  std::size_t copied = 0;
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    length = utf8_length(static_cast<unsigned char>(text[at]));
    const Category category = general_category(decode_code_point(text, at));
    if (category != Category::Mn && category != Category::Mc && category != Category::Me) continue;
    builder.copy(copied, at);
    copied = at + length;
  }
  if (copied == 0) return std::nullopt;
  builder.copy(copied, text.size());
  return builder.take();
}

Changed stripped(const MappedText& source, bool left, bool right) {
  const std::string_view text = source.text();
  std::size_t begin = text.size(), end = 0;  // of the text without surrounding whitespace
  for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
    length = utf8_length(static_cast<unsigned char>(text[at]));
    if (is_whitespace(decode_code_point(text, at))) continue;
    begin = std::min(begin, at);
    end = at + length;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  if (begin == 0 && end == text.size()) return std::nullopt;
  MappedTextBuilder builder(source);
  if (begin < end) builder.copy(begin, end);
  return builder.take();
}

}  // namespace

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps) {
  for (const NormalizerStep& step : steps) {
    steps_.push_back({step, {}});
    if (step.kind == NormalizerStep::Kind::replace) steps_.back().pattern.emplace_back(step.pattern);
  }
}

MappedText Normalizer::apply(MappedText text, StretchPlace place) const {
  using Kind = NormalizerStep::Kind;
  for (const auto& [step, pattern] : steps_) {
    const auto change = [&, &step = step, &pattern = pattern]() -> Changed {
      switch (step.kind) {
        case Kind::nfc: return normalized(text, NormalForm::nfc);
        case Kind::nfd: return normalized(text, NormalForm::nfd);
        case Kind::nfkc: return normalized(text, NormalForm::nfkc);
        case Kind::nfkd: return normalized(text, NormalForm::nfkd);
        case Kind::lowercase: return lowercased(text);
        case Kind::strip_accents: return without_accents(text);
        case Kind::strip: return stripped(text, step.strip_left, step.strip_right);
        case Kind::prepend: return place == StretchPlace::continuation ? std::nullopt : prepended(text, step.content);
        case Kind::replace: return replaced(text, pattern.front(), step.content);
      }
      return std::nullopt;
    };
    if (Changed changed = change()) text = *std::move(changed);
  }
  return text;
}

}  // namespace stratoscope
