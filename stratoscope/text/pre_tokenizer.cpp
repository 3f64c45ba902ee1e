#include "stratoscope/text/pre_tokenizer.h"

#include <optional>
#include <string>
#include <utility>

#include "stratoscope/text/unicode_classes.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

using Word = PreTokenized::Word;
using StepKind = PreTokenizerStep::Kind;

// Receives the matches of one part and writes words from them and the text between them.
class PartSplitter {
 public:
  PartSplitter(SplitBehavior behavior, bool invert, std::vector<Word>& words)
      : behavior_(behavior), invert_(invert), words_(words) {}

  void begin(std::size_t at) {
    end_ = at;
    segments_.clear();
  }
  void add_match(std::size_t begin, std::size_t end) {
    if (begin > end_) add(end_, begin, invert_);
    add(begin, end, !invert_);
    end_ = end;
  }
  void finish(std::size_t end) {
    if (end > end_) add(end_, end, invert_);
    if (behavior_ == SplitBehavior::isolated || behavior_ == SplitBehavior::removed) return;
    join();
    for (const Segment& segment : segments_) write(segment.begin, segment.end);
  }

 private:
  struct Segment {
    std::size_t begin, end;
    bool is_match;
  };

  void write(std::size_t begin, std::size_t end) {
    if (begin < end) words_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  }
  void add(std::size_t begin, std::size_t end, bool is_match) {
    if (behavior_ == SplitBehavior::isolated || (behavior_ == SplitBehavior::removed && !is_match))
      write(begin, end);
    else if (behavior_ != SplitBehavior::removed)
      segments_.push_back({begin, end, is_match});
  }

  // A match is joined to the neighbour that the behaviour selects, unless that is a match too; contiguous ones are
  // joined.
  bool joins(const Segment& left, const Segment& right) const {
    switch (behavior_) {
      case SplitBehavior::merged_with_previous: return right.is_match && !left.is_match;
      case SplitBehavior::merged_with_next: return left.is_match && !right.is_match;
      default: return left.is_match == right.is_match;
    }
  }
  void join() {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < segments_.size(); ++i) {
      if (joins(segments_[i - 1], segments_[i]))
        segments_[kept].end = segments_[i].end;
      else
        segments_[++kept] = segments_[i];
    }
    if (!segments_.empty()) segments_.resize(kept + 1);
  }

  const SplitBehavior behavior_;
  const bool invert_;
  std::vector<Word>& words_;
  std::vector<Segment> segments_;
  std::size_t end_ = 0;
};

// Splits each word at the matches of `for_each_match(begin, end, add)`.
template <class ForEachMatch>
std::vector<Word> split(const std::vector<Word>& parts, SplitBehavior behavior, bool invert,
                        const ForEachMatch& for_each_match) {
  std::vector<Word> words;
  words.reserve(parts.size());
  PartSplitter splitter(behavior, invert, words);
  for (const auto& [begin, end] : parts) {
    splitter.begin(begin);
    for_each_match(begin, end, [&](std::size_t first, std::size_t last) { splitter.add_match(first, last); });
    splitter.finish(end);
  }
  return words;
}

std::vector<Word> split_by_pattern(const PreTokenized& from, const CompiledPattern& pattern, SplitBehavior behavior,
                                   bool invert) {
  TextSearch search(pattern, from.text.text());
  return split(from.words, behavior, invert, [&](std::size_t begin, std::size_t end, const auto& add) {
    search.set_part(begin, end);
    while (const auto match = search.next()) add(match->first, match->second);
  });
}

template <class Predicate>
std::vector<Word> split_by_characters(const PreTokenized& from, SplitBehavior behavior, const Predicate& matches) {
  const std::string_view text = from.text.text();
  return split(from.words, behavior, false, [&](std::size_t begin, std::size_t end, const auto& add) {
    for (std::size_t at = begin, length = 0; at < end; at += length) {
      length = utf8_length(static_cast<unsigned char>(text[at]));
      if (matches(decode_code_point(text, at))) add(at, at + length);
    }
  });
}

bool is_number(char32_t c) {
  const Category category = general_category(c);
  return category >= Category::Nd && category <= Category::No;
}

bool is_punctuation(char32_t c) {
  const Category category = general_category(c);
  return (category >= Category::Pc && category <= Category::Po) ||
         (c < 0x80 && category >= Category::Sm && category <= Category::So);
}

// Runs of word characters, and runs of characters that are neither that nor whitespace.
std::vector<Word> split_at_whitespace(const PreTokenized& from) {
  const std::string_view text = from.text.text();
  return split(from.words, SplitBehavior::removed, true, [&](std::size_t begin, std::size_t end, const auto& add) {
    std::size_t run = begin;
    std::optional<bool> run_is_word;  // nullopt: the run is whitespace
    for (std::size_t at = begin; at < end; at += utf8_length(static_cast<unsigned char>(text[at]))) {
      const char32_t c = decode_code_point(text, at);
      const std::optional<bool> is_in_word = is_whitespace(c) ? std::nullopt : std::optional(is_word(c));
      if (is_in_word == run_is_word) continue;
      if (run_is_word) add(run, at);
      run = at;
      run_is_word = is_in_word;
    }
    if (run_is_word) add(run, end);
  });
}

// Every word with its spaces replaced by `replacement` (unchanged if empty), and with `prefix` if the scheme requires
// it.
template <class WantsPrefix>
PreTokenized rewritten(const PreTokenized& from, std::string_view replacement, std::string_view prefix,
                       const WantsPrefix& wants_prefix) {
  const std::string_view text = from.text.text();
  MappedTextBuilder builder(from.text);
  std::vector<Word> words;
  words.reserve(from.words.size());
  for (const auto& [begin, end] : from.words) {
    const auto first = static_cast<std::uint32_t>(builder.size());
    if (wants_prefix(begin)) builder.replace(begin, begin, prefix);
    std::size_t copied = begin;
    while (!replacement.empty()) {
      const std::size_t space = text.substr(0, end).find(' ', copied);
      if (space == std::string_view::npos) break;
      builder.copy(copied, space);
      builder.replace(space, space + 1, replacement);
      copied = space + 1;
    }
    builder.copy(copied, end);
    words.push_back({first, static_cast<std::uint32_t>(builder.size())});
  }
  return {builder.take(), std::move(words)};
}

void apply_metaspace(const PreTokenizerStep& step, const CompiledPattern& replacement, StretchPlace place,
                     PreTokenized& made) {
  const std::string_view text = made.text.text();
  made = rewritten(made, step.replacement, step.replacement, [&](std::size_t begin) {
    if (step.prepend_scheme == PrependScheme::never || place == StretchPlace::continuation ||
        text.substr(begin).starts_with(step.replacement) || text[begin] == ' ')
      return false;
    return step.prepend_scheme == PrependScheme::always ||
           (place == StretchPlace::beginning && made.text.origin(begin) == 0);
  });
  if (step.splits) made.words = split_by_pattern(made, replacement, SplitBehavior::merged_with_next, false);
}

void apply_byte_level(const PreTokenizerStep& step, const CompiledPattern& words, StretchPlace place,
                      PreTokenized& made) {
  if (step.add_prefix_space && place != StretchPlace::continuation) {
    const std::string_view text = made.text.text();
    made = rewritten(made, "", " ", [&](std::size_t begin) { return text[begin] != ' '; });
  }
  if (step.use_regex) made.words = split_by_pattern(made, words, SplitBehavior::isolated, false);
}

}  // namespace

PreTokenizer::PreTokenizer(const std::vector<PreTokenizerStep>& steps) {
  for (const PreTokenizerStep& step : steps) {
    steps_.push_back({step, {}});
    if (step.kind == StepKind::split) steps_.back().pattern.emplace_back(step.pattern);
    if (step.kind == StepKind::byte_level)
      steps_.back().pattern.emplace_back(TextPattern{std::string(kGpt2WordPattern), true});
    if (step.kind == StepKind::metaspace) steps_.back().pattern.emplace_back(TextPattern{step.replacement, false});
  }
}

PreTokenized PreTokenizer::apply(MappedText text, StretchPlace place) const {
  PreTokenized made{std::move(text), {}};
  if (made.text.text().empty()) return made;
  made.words.push_back({0, static_cast<std::uint32_t>(made.text.text().size())});
  for (const auto& [step, pattern] : steps_) switch (step.kind) {
      case StepKind::byte_level: apply_byte_level(step, pattern.front(), place, made); break;
      case StepKind::split: made.words = split_by_pattern(made, pattern.front(), step.behavior, step.invert); break;
      case StepKind::digits:
        made.words = split_by_characters(
            made, step.individual_digits ? SplitBehavior::isolated : SplitBehavior::contiguous, is_number);
        break;
      case StepKind::metaspace: apply_metaspace(step, pattern.front(), place, made); break;
      case StepKind::punctuation: made.words = split_by_characters(made, step.behavior, is_punctuation); break;
      case StepKind::whitespace: made.words = split_at_whitespace(made); break;
      case StepKind::whitespace_split:
        made.words = split_by_characters(made, SplitBehavior::removed, is_whitespace);
        break;
    }
  return made;
}

}  // namespace stratoscope
