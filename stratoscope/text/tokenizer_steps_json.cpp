#include "stratoscope/text/tokenizer_steps_json.h"

#include <array>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

using Json = nlohmann::json;

constexpr int kDeepestSequence = 8;
constexpr std::size_t kMostSteps = 32, kLongestContent = 1000;  // far above those of published files

template <class Value, std::size_t Count>
Value named(const JsonSection& section, const char* key,
            const std::array<std::pair<const char*, Value>, Count>& names) {
  for (const auto& [name, value] : names)
    if (section.text(key) == name) return value;
  section.refuse(key);
}

// Calls `read` for each step, with sequences flattened.
template <class Read>
void for_each_step(const JsonSection& step, const char* steps_key, const Read& read, int depth = 0) {
  if (step.text("type") != "Sequence") {
    read(step);
    return;
  }
  if (depth == kDeepestSequence) throw Error("tokenizer", step.name() + ": sequences within sequences are too deep");
  step.require_known({"type", steps_key});
  const Json& list = step.list(steps_key);
  if (list.size() > kMostSteps)
    throw Error("tokenizer", step.name() + " has more than " + std::to_string(kMostSteps) + " steps");
  for (std::size_t i = 0; i < list.size(); ++i)
    for_each_step(JsonSection(list[i], step.name() + " " + std::to_string(i)), steps_key, read, depth + 1);
}

const std::string& read_content(const JsonSection& step, const char* key) {
  const std::string& text = step.text(key);
  if (text.size() > kLongestContent)
    throw Error("tokenizer",
                step.name() + ": '" + key + "' is longer than " + std::to_string(kLongestContent) + " bytes");
  return text;
}

TextPattern read_pattern(const JsonSection& step) {
  const JsonSection pattern = step.section("pattern");
  pattern.require_known({"String", "Regex"});
  const bool is_expression = pattern.has("Regex");
  return {read_content(pattern, is_expression ? "Regex" : "String"), is_expression};
}

std::string read_character(const JsonSection& step, const char* key) {
  const std::string& text = step.text(key);
  if (count_code_points(text) != 1) throw Error("tokenizer", step.name() + ": '" + key + "' is not one character");
  return text;
}

NormalizerStep read_normalizer(const JsonSection& step) {
  using Kind = NormalizerStep::Kind;
  constexpr std::array<std::pair<const char*, Kind>, 9> kKinds = {{{"NFC", Kind::nfc},
                                                                   {"NFD", Kind::nfd},
                                                                   {"NFKC", Kind::nfkc},
                                                                   {"NFKD", Kind::nfkd},
                                                                   {"Lowercase", Kind::lowercase},
                                                                   {"StripAccents", Kind::strip_accents},
                                                                   {"Strip", Kind::strip},
                                                                   {"Prepend", Kind::prepend},
                                                                   {"Replace", Kind::replace}}};
  NormalizerStep read;
  read.kind = named(step, "type", kKinds);
  switch (read.kind) {
    case Kind::strip:
      step.require_known({"type", "strip_left", "strip_right"});
      read.strip_left = step.flag("strip_left", true);
      read.strip_right = step.flag("strip_right", true);
      break;
    case Kind::prepend:
      step.require_known({"type", "prepend"});
      read.content = read_content(step, "prepend");
      break;
    case Kind::replace:
      step.require_known({"type", "pattern", "content"});
      read.pattern = read_pattern(step);
      read.content = read_content(step, "content");
      break;
    default: step.require_known({"type"});
  }
  return read;
}

constexpr std::array<std::pair<const char*, SplitBehavior>, 5> kBehaviors = {
    {{"Removed", SplitBehavior::removed},
     {"Isolated", SplitBehavior::isolated},
     {"MergedWithPrevious", SplitBehavior::merged_with_previous},
     {"MergedWithNext", SplitBehavior::merged_with_next},
     {"Contiguous", SplitBehavior::contiguous}}};

// The scheme, or its equivalent in older files.
PrependScheme read_prepend_scheme(const JsonSection& step) {
  constexpr std::array<std::pair<const char*, PrependScheme>, 3> kSchemes = {
      {{"first", PrependScheme::first}, {"always", PrependScheme::always}, {"never", PrependScheme::never}}};
  const bool adds = step.flag("add_prefix_space", true);
  if (step.has("prepend_scheme")) {
    const PrependScheme scheme = named(step, "prepend_scheme", kSchemes);
    if (!adds && scheme != PrependScheme::never) step.refuse("add_prefix_space");
    return scheme;
  }
  return adds ? PrependScheme::always : PrependScheme::never;
}

PreTokenizerStep read_pre_tokenizer(const JsonSection& step) {
  using Kind = PreTokenizerStep::Kind;
  constexpr std::array<std::pair<const char*, Kind>, 7> kKinds = {{{"ByteLevel", Kind::byte_level},
                                                                   {"Split", Kind::split},
                                                                   {"Digits", Kind::digits},
                                                                   {"Metaspace", Kind::metaspace},
                                                                   {"Punctuation", Kind::punctuation},
                                                                   {"Whitespace", Kind::whitespace},
                                                                   {"WhitespaceSplit", Kind::whitespace_split}}};
  PreTokenizerStep read;
  read.kind = named(step, "type", kKinds);
  switch (read.kind) {
    case Kind::byte_level:
      step.require_known({"type", "add_prefix_space", "trim_offsets", "use_regex"});
      read.add_prefix_space = step.flag("add_prefix_space", true);
      read.use_regex = step.flag("use_regex", true);
      break;
    case Kind::split:
      step.require_known({"type", "pattern", "behavior", "invert"});
      read.pattern = read_pattern(step);
      read.behavior = named(step, "behavior", kBehaviors);
      read.invert = step.flag("invert", false);
      break;
    case Kind::digits:
      step.require_known({"type", "individual_digits"});
      read.individual_digits = step.flag("individual_digits", false);
      break;
    case Kind::metaspace:
      step.require_known({"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"});
      read.replacement = read_character(step, "replacement");
      read.prepend_scheme = read_prepend_scheme(step);
      read.splits = step.flag("split", true);
      break;
    case Kind::punctuation:
      step.require_known({"type", "behavior"});
      if (step.has("behavior")) read.behavior = named(step, "behavior", kBehaviors);
      break;
    case Kind::whitespace:
    case Kind::whitespace_split: step.require_known({"type"});
  }
  return read;
}

DecoderStep read_decoder(const JsonSection& step) {
  using Kind = DecoderStep::Kind;
  constexpr std::array<std::pair<const char*, Kind>, 6> kKinds = {{{"ByteLevel", Kind::byte_level},
                                                                   {"Metaspace", Kind::metaspace},
                                                                   {"ByteFallback", Kind::byte_fallback},
                                                                   {"Fuse", Kind::fuse},
                                                                   {"Strip", Kind::strip},
                                                                   {"Replace", Kind::replace}}};
  DecoderStep read;
  read.kind = named(step, "type", kKinds);
  switch (read.kind) {
    case Kind::byte_level: step.require_known({"type", "add_prefix_space", "trim_offsets", "use_regex"}); break;
    case Kind::metaspace:
      step.require_known({"type", "replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"});
      read.content = read_character(step, "replacement");
      read.drops_first = read_prepend_scheme(step) != PrependScheme::never;
      break;
    case Kind::strip:
      step.require_known({"type", "content", "start", "stop"});
      read.content = read_character(step, "content");
      read.start = step.count("start");
      read.stop = step.count("stop");
      break;
    case Kind::replace:
      step.require_known({"type", "pattern", "content"});
      read.pattern = read_pattern(step);
      read.content = read_content(step, "content");
      break;
    default: step.require_known({"type"});
  }
  return read;
}

std::int64_t read_id(const Json& json, const std::string& name) {
  if (!json.is_number_integer()) throw Error("tokenizer", name + ": an id is not an integer");
  return json.get<std::int64_t>();
}

// ["</s>", 2]
std::int64_t read_pair(const JsonSection& step, const char* key) {
  const Json& pair = step.list(key);
  if (pair.size() != 2) throw Error("tokenizer", step.name() + ": '" + key + "' is not a token and its id");
  return read_id(pair[1], step.name());
}

// Adds ids around those of an earlier processor.
void read_template(const JsonSection& step, TokenizerDefinition& definition) {
  step.require_known({"type", "single", "pair", "special_tokens"});
  std::vector<std::int64_t> before, after;
  bool is_after = false;
  for (const Json& piece : step.list("single")) {
    const JsonSection part(piece, step.name() + ": a part of 'single'");
    if (part.has("Sequence")) {
      if (is_after || part.section("Sequence").text("id") != "A")
        throw Error("tokenizer", step.name() + ": 'single' is not one text 'A' between special tokens");
      is_after = true;
      continue;
    }
    const std::string& token = part.section("SpecialToken").text("id");
    const JsonSection known = step.section("special_tokens").section(token.c_str());
    for (const Json& id : known.list("ids")) (is_after ? after : before).push_back(read_id(id, known.name()));
  }
  if (!is_after) throw Error("tokenizer", step.name() + ": 'single' has no place for the text");
  definition.before.insert(definition.before.begin(), before.begin(), before.end());
  definition.after.insert(definition.after.end(), after.begin(), after.end());
}

void read_post_processor(const JsonSection& step, TokenizerDefinition& definition) {
  const std::string& type = step.text("type");
  if (type == "ByteLevel") {  // only changes offsets
    step.require_known({"type", "add_prefix_space", "trim_offsets", "use_regex"});
    return;
  }
  definition.adds_tokens = true;
  if (type == "TemplateProcessing") {
    read_template(step, definition);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    step.require_known({"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
    definition.before.insert(definition.before.begin(), read_pair(step, "cls"));
    definition.after.push_back(read_pair(step, "sep"));
  } else {
    step.refuse("type");
  }
}

}  // namespace

void read_tokenizer_steps(const JsonSection& tokenizer, TokenizerDefinition& definition) {
  if (tokenizer.has("normalizer"))
    for_each_step(tokenizer.section("normalizer"), "normalizers",
                  [&](const JsonSection& step) { definition.normalizer.push_back(read_normalizer(step)); });
  if (tokenizer.has("pre_tokenizer"))
    for_each_step(tokenizer.section("pre_tokenizer"), "pretokenizers", [&](const JsonSection& step) {
      if (definition.is_byte_level())
        throw Error("tokenizer", step.name() + " comes after ByteLevel, which is not implemented");
      definition.pre_tokenizer.push_back(read_pre_tokenizer(step));
    });
  if (tokenizer.has("post_processor"))
    for_each_step(tokenizer.section("post_processor"), "processors",
                  [&](const JsonSection& step) { read_post_processor(step, definition); });
  if (tokenizer.has("decoder"))
    for_each_step(tokenizer.section("decoder"), "decoders",
                  [&](const JsonSection& step) { definition.decoder.push_back(read_decoder(step)); });
  else if (definition.is_byte_level())
    definition.decoder.push_back({.kind = DecoderStep::Kind::byte_level});
  else
    throw Error("tokenizer", tokenizer.name() + " has no 'decoder'");
}

}  // namespace stratoscope
