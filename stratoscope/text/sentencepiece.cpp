#include "stratoscope/text/sentencepiece.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/text/protobuf_reader.h"
#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

// Field numbers and values of sentencepiece_model.proto.
namespace model_proto {
enum Field { kPieces = 1, kTrainer = 2, kNormalizer = 3 };
}
namespace piece_proto {
enum Field { kText = 1, kScore = 2, kType = 3 };
enum Type { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
}  // namespace piece_proto
namespace trainer_proto {
enum Field { kModelType = 3, kSuffixSpace = 24, kByteFallback = 35 };
enum ModelType { kUnigram = 1, kBpe = 2 };
}  // namespace trainer_proto
namespace normalizer_proto {
enum Field { kName = 1, kCharsMap = 2, kDummyPrefix = 3, kRemoveExtra = 4, kEscape = 5, kRules = 6 };
}

constexpr std::string_view kSpace = "\u2581";
constexpr std::size_t kLongestPiece = 512;  // bytes; longer ones would take long to split

struct StoredPiece {
  std::string text;
  float score = 0;
  std::uint64_t type = piece_proto::kNormal;
};

struct Settings {
  std::uint64_t model_type = trainer_proto::kUnigram;
  bool byte_fallback = false, dummy_prefix = true, remove_extra = true;
};

class ModelReader {
 public:
  explicit ModelReader(std::string name) : name_(std::move(name)) {}

  void read(std::string_view bytes) {
    ProtobufReader reader(bytes, name_);
    while (const auto field = reader.next()) {
      throw_if_cancelled();
      switch (field->number) {
        case model_proto::kPieces: read_piece(reader.bytes(*field)); break;
        case model_proto::kTrainer: read_trainer(reader.bytes(*field)); break;
        case model_proto::kNormalizer: read_normalizer(reader.bytes(*field)); break;
        default: break;
      }
    }
    if (pieces.empty()) fail("has no pieces: is it a SentencePiece model?");
  }

  std::vector<StoredPiece> pieces;
  Settings settings;

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw Error("tokenizer", name_ + ": " + problem); }

  void read_piece(std::string_view bytes) {
    const std::string place = "piece " + std::to_string(pieces.size());
    StoredPiece piece;
    ProtobufReader reader(bytes, name_ + ": " + place);
    while (const auto field = reader.next()) {
      if (field->number == piece_proto::kText) piece.text = reader.bytes(*field);
      if (field->number == piece_proto::kScore) piece.score = reader.real(*field);
      if (field->number == piece_proto::kType) piece.type = reader.number(*field);
    }
    if (piece.text.empty() || piece.text.size() > kLongestPiece)
      fail(place + " is empty or longer than " + std::to_string(kLongestPiece) + " bytes");
    if (find_invalid_utf8(piece.text) < piece.text.size()) fail(place + " is not UTF-8");
    if (!std::isfinite(piece.score)) fail(place + " has a score that is not a number");
    pieces.push_back(std::move(piece));
  }

  void read_trainer(std::string_view bytes) {
    ProtobufReader reader(bytes, name_ + ": the trainer's settings");
    while (const auto field = reader.next()) {
      if (field->number == trainer_proto::kModelType) settings.model_type = reader.number(*field);
      if (field->number == trainer_proto::kByteFallback) settings.byte_fallback = reader.number(*field) != 0;
      if (field->number == trainer_proto::kSuffixSpace && reader.number(*field) != 0)
        fail("whitespace as a suffix is not implemented");
    }
    if (settings.model_type != trainer_proto::kBpe && settings.model_type != trainer_proto::kUnigram)
      fail("a SentencePiece model of words or characters is not implemented");
  }

  void read_normalizer(std::string_view bytes) {
    ProtobufReader reader(bytes, name_ + ": the normalizer's settings");
    std::string_view name = "identity";
    bool has_map = false;
    while (const auto field = reader.next()) {
      switch (field->number) {
        case normalizer_proto::kName: name = reader.bytes(*field); break;
        case normalizer_proto::kCharsMap: has_map = !reader.bytes(*field).empty(); break;
        case normalizer_proto::kDummyPrefix: settings.dummy_prefix = reader.number(*field) != 0; break;
        case normalizer_proto::kRemoveExtra: settings.remove_extra = reader.number(*field) != 0; break;
        case normalizer_proto::kEscape:
          if (reader.number(*field) == 0) fail("spaces that are not escaped are not implemented");
          break;
        case normalizer_proto::kRules:
          if (!reader.bytes(*field).empty()) fail("rules of normalization are not implemented");
          break;
        default: break;
      }
    }
    if ((name != "identity" && !name.empty()) || has_map)
      fail("the SentencePiece normalizer " + in_quotes(name) + " is not implemented");
  }

  std::string name_;
};

// The merges that form each piece from two others: by descending score, then by descending length of the parts.
std::vector<TokenizerDefinition::Merge> merges_of(const std::vector<StoredPiece>& pieces) {
  struct Merge {
    float score;
    std::size_t left_size, right_size;  // characters
    std::string_view left, right;
  };
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t id = 0; id < pieces.size(); ++id)
    if (pieces[id].type != piece_proto::kControl) ids.insert_or_assign(pieces[id].text, id);
  std::vector<Merge> merges;
  for (const StoredPiece& piece : pieces) {
    throw_if_cancelled();
    if (piece.type == piece_proto::kControl) continue;
    const std::string_view text = piece.text;
    const std::size_t characters = count_code_points(text);
    std::vector<std::tuple<std::size_t, std::size_t, Merge>> here;
    std::size_t left_size = 1;
    for (std::size_t at = utf8_length(static_cast<unsigned char>(text[0])); at < text.size();
         at += utf8_length(static_cast<unsigned char>(text[at])), ++left_size) {
      const auto left = ids.find(text.substr(0, at));
      if (left == ids.end()) continue;
      const auto right = ids.find(text.substr(at));
      if (right == ids.end()) continue;
      here.emplace_back(left->second, right->second,
                        Merge{piece.score, left_size, characters - left_size, left->first, right->first});
    }
    std::stable_sort(here.begin(), here.end(), [](const auto& a, const auto& b) {
      return std::pair(std::get<0>(a), std::get<1>(a)) < std::pair(std::get<0>(b), std::get<1>(b));
    });
    for (const auto& [left, right, merge] : here) merges.push_back(merge);
  }
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return std::tuple(a.score, a.left_size, a.right_size) > std::tuple(b.score, b.left_size, b.right_size);
  });
  std::vector<TokenizerDefinition::Merge> spelled;
  spelled.reserve(merges.size());
  for (const Merge& merge : merges) spelled.push_back({std::string(merge.left), std::string(merge.right)});
  return spelled;
}

void add_steps(const Settings& settings, TokenizerDefinition& definition) {
  const auto replace = [&](std::string_view from, std::string_view to, bool is_expression) {
    NormalizerStep& step = definition.normalizer.emplace_back();
    step.kind = NormalizerStep::Kind::replace;
    step.pattern = {std::string(from), is_expression};
    step.content = to;
  };
  if (settings.remove_extra) {
    definition.normalizer.emplace_back().kind = NormalizerStep::Kind::strip;
    replace(" {2,}", " ", true);
  }
  if (settings.dummy_prefix) {
    NormalizerStep& step = definition.normalizer.emplace_back();
    step.kind = NormalizerStep::Kind::prepend;
    step.content = kSpace;
  }
  replace(" ", kSpace, false);

  const auto step = [](DecoderStep::Kind kind) { return DecoderStep{.kind = kind}; };
  definition.decoder = {step(DecoderStep::Kind::replace), step(DecoderStep::Kind::byte_fallback),
                        step(DecoderStep::Kind::fuse)};
  definition.decoder[0].pattern.text = kSpace;
  definition.decoder[0].content = " ";
  if (settings.dummy_prefix) {
    definition.decoder.push_back(step(DecoderStep::Kind::strip));
    definition.decoder.back().content = " ";
    definition.decoder.back().start = 1;
  }
}

}  // namespace

TokenizerDefinition read_sentencepiece(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  ModelReader model(file.string());
  model.read({reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()});
  mapped.check_unchanged();

  TokenizerDefinition definition;
  definition.vocabulary_file = file.string();
  definition.merges_place = file.string() + ": merge ";
  definition.model = model.settings.model_type == trainer_proto::kBpe ? TokenizerDefinition::Model::bpe
                                                                      : TokenizerDefinition::Model::unigram;
  definition.fuses_unknown = true;
  definition.byte_fallback = model.settings.byte_fallback;
  for (const StoredPiece& piece : model.pieces) {
    const auto id = static_cast<std::int64_t>(definition.vocabulary.size());
    definition.vocabulary.push_back({piece.text, id});
    definition.scores.push_back(piece.score);
    if (piece.type == piece_proto::kUnknown) definition.unknown = piece.text;
    if (piece.type == piece_proto::kControl || piece.type == piece_proto::kUserDefined ||
        piece.type == piece_proto::kUnknown)
      definition.added_tokens.push_back({.content = piece.text, .id = id, .normalized = false});
  }
  if (definition.model == TokenizerDefinition::Model::bpe) definition.merges = merges_of(model.pieces);
  add_steps(model.settings, definition);
  return definition;
}

}  // namespace stratoscope
