#include "stratoscope/text/tokenizer.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <variant>

#include "stratoscope/base/error.h"
#include "stratoscope/text/added_tokens.h"
#include "stratoscope/text/bpe.h"
#include "stratoscope/text/decoder.h"
#include "stratoscope/text/normalizer.h"
#include "stratoscope/text/pre_tokenizer.h"
#include "stratoscope/text/unigram.h"
#include "stratoscope/text/utf8.h"
#include "stratoscope/text/vocabulary.h"
#include "stratoscope/text/word_memory.h"

namespace stratoscope {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

using Model = std::variant<Bpe, Unigram>;

Model make_model(const TokenizerDefinition& definition, const Vocabulary& vocabulary) {
  if (definition.model == TokenizerDefinition::Model::unigram) return Unigram(definition, vocabulary);
  return Bpe(definition, vocabulary);
}

std::vector<TokenId> checked_ids(const std::vector<std::int64_t>& ids, const TokenizerDefinition& definition,
                                 const Vocabulary& vocabulary) {
  std::vector<TokenId> checked;
  for (const std::int64_t id : ids) {
    if (id < 0 || id >= static_cast<std::int64_t>(vocabulary.size()) || !vocabulary.contains(static_cast<TokenId>(id)))
      throw Error("tokenizer", definition.vocabulary_file + ": the post-processor adds the id " + std::to_string(id) +
                                   ", which is not an id of a token");
    checked.push_back(static_cast<TokenId>(id));
  }
  return checked;
}

// Runs a step of the definition and adds the file's name to its errors.
template <class Step, class Told>
Step make_step(const TokenizerDefinition& definition, const Told& told) {
  try {
    return Step(told);
  } catch (const Error& error) {
    throw Error("tokenizer", definition.vocabulary_file + ": " + error.problem(), error.hint());
  }
}

}  // namespace

struct Tokenizer::State {
  explicit State(const TokenizerDefinition& definition)
      : normalizer(make_step<Normalizer>(definition, definition.normalizer)),
        vocabulary(definition, normalizer),
        pre_tokenizer(make_step<PreTokenizer>(definition, definition.pre_tokenizer)),
        added(definition, normalizer),
        model(make_model(definition, vocabulary)),
        decoder(make_step<Decoder>(definition, definition.decoder)),
        decodes_bytes(!definition.decoder.empty() && definition.decoder[0].kind == DecoderStep::Kind::byte_level),
        before(checked_ids(definition.before, definition, vocabulary)),
        after(checked_ids(definition.after, definition, vocabulary)),
        beginning(added.find(definition.beginning)),
        end(added.find(definition.end)),
        notes(definition.notes) {
    if (decodes_bytes != definition.is_byte_level() || (decodes_bytes && definition.decoder.size() > 1))
      throw Error("tokenizer", definition.vocabulary_file +
                                   ": ByteLevel as one of 'pre_tokenizer' and 'decoder' alone is not implemented");
    for (const auto& step : definition.decoder)
      if (step.kind == DecoderStep::Kind::replace && !step.pattern.is_expression && step.content == " ")
        space = step.pattern.text;
    for (const auto& step : definition.decoder)
      if (step.kind == DecoderStep::Kind::metaspace) space = step.content;
  }

  std::string bytes_within(TokenId id) const {
    std::string form(vocabulary.form(id));
    return decodes_bytes ? form : decoder.decode_within(std::move(form));
  }

  Normalizer normalizer;
  Vocabulary vocabulary;
  PreTokenizer pre_tokenizer;
  AddedTokens added;
  Model model;
  Decoder decoder;
  bool decodes_bytes;
  std::string space;  // the spelling of a space; empty if it is a space
  std::vector<TokenId> before, after;
  std::optional<TokenId> beginning, end;
  std::vector<std::string> notes;
};

namespace {

// The state and output of one call of encode().
template <class ModelType>
class Encoder {
 public:
  Encoder(const ModelType& model, std::size_t text_size) : model_(model), memory_(text_size) {
    out_.ids.reserve(text_size / 4);
    out_.offsets.reserve(text_size / 4);
  }

  // A token that begins at this byte of the text, or at the same byte as the previous one; the previous one ends there.
  void add_token(TokenId id, std::size_t begin) {
    if (out_.offsets.empty())
      begin = 0;
    else
      out_.offsets.back().second = begin;
    out_.ids.push_back(id);
    out_.offsets.emplace_back(begin, begin);
  }

  // The tokens of a stretch whose source begins at byte `base` of the text.
  void add_words(const PreTokenized& stretch, std::size_t base) {
    for (const auto& [begin, end] : stretch.words) add_word(stretch.text, begin, end, base);
  }

  Encoding take(std::size_t text_size) {
    if (!out_.offsets.empty()) out_.offsets.back().second = text_size;
    return std::move(out_);
  }

 private:
  void add_word(const MappedText& stretch, std::size_t begin, std::size_t end, std::size_t base) {
    if constexpr (std::is_same_v<ModelType, Bpe>) {
      if (const CutFinder* cuts = model_.cuts()) {
        const std::string_view word = stretch.text().substr(0, end);
        while (begin < end) {
          const std::size_t cut = cuts->next_cut(word, begin);
          add_uncut(stretch, begin, cut, base);
          begin = cut;
        }
        return;
      }
    }
    add_uncut(stretch, begin, end, base);
  }

  void add_uncut(const MappedText& stretch, std::size_t begin, std::size_t end, std::size_t base) {
    const std::string_view word = stretch.text().substr(begin, end - begin);
    const auto known = memory_.find(word);
    const std::span<const Piece> pieces = known ? *known : std::span<const Piece>(model_.encode(word, scratch_));
    for (const Piece& piece : pieces) {
      add_token(piece.id, base + stretch.origin(begin));
      begin += piece.length;
    }
    if (!known) memory_.put(word, pieces);
  }

  const ModelType& model_;
  WordMemory memory_;
  typename ModelType::Scratch scratch_;
  Encoding out_;
};

// Bytes [begin, end) of the text as a text, with the same source.
MappedText part_of(const MappedText& text, std::size_t begin, std::size_t end) {
  MappedTextBuilder builder(text);
  builder.copy(begin, end);
  return builder.take();
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  return Tokenizer(std::make_unique<const State>(read_tokenizer_definition(folder)));
}

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&& other) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&& other) noexcept = default;

Encoding Tokenizer::encode(std::string_view text) const { return encode_from(text, false); }

Encoding Tokenizer::encode_continuation(std::string_view text) const { return encode_from(text, true); }

Encoding Tokenizer::encode_from(std::string_view text, bool continues) const {
  validate_utf8(text, "text");
  if (text.size() >= std::numeric_limits<std::uint32_t>::max())
    throw Error("tokenizer", "a text of " + std::to_string(text.size()) + " bytes is too long");
  const State& state = *state_;
  const auto place_of = [continues](std::size_t begin) {
    if (begin > 0) return StretchPlace::after_added_token;
    return continues ? StretchPlace::continuation : StretchPlace::beginning;
  };
  const auto encode_with = [&](const auto& model) {
    Encoder encoder(model, text.size());
    const auto add_words = [&](MappedText part, std::size_t base) {
      encoder.add_words(state.pre_tokenizer.apply(std::move(part), place_of(base)), base);
    };
    const auto add_stretch = [&](std::size_t begin, std::size_t end) {
      if (begin == end) return;
      MappedText stretch =
          state.normalizer.apply(MappedText(std::string(text.substr(begin, end - begin))), place_of(begin));
      if (!state.added.has_normalized()) {
        add_words(std::move(stretch), begin);
        return;
      }
      std::size_t at = 0;
      for (const AddedTokens::Match& match : state.added.find_all_normalized(stretch.text())) {
        if (at < match.begin) add_words(part_of(stretch, at, match.begin), begin);
        encoder.add_token(match.id, begin + stretch.origin(match.begin));
        at = match.end;
      }
      add_words(part_of(stretch, at, stretch.text().size()), begin);
    };
    std::size_t at = 0;
    for (const AddedTokens::Match& match : state.added.find_all(text)) {
      add_stretch(at, match.begin);
      encoder.add_token(match.id, match.begin);
      at = match.end;
    }
    add_stretch(at, text.size());
    return encoder.take(text.size());
  };
  return std::visit(encode_with, state.model);
}

const std::vector<TokenId>& Tokenizer::added_before() const { return state_->before; }
const std::vector<TokenId>& Tokenizer::added_after() const { return state_->after; }

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  if (state_->decodes_bytes) return decode_continuation(ids);
  std::vector<std::string> forms;
  forms.reserve(ids.size());
  for (const TokenId id : ids) forms.emplace_back(state_->vocabulary.form(id));
  return state_->decoder.decode(std::move(forms));
}

std::string Tokenizer::decode_continuation(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids) bytes += state_->decodes_bytes ? state_->vocabulary.form(id) : state_->bytes_within(id);
  return bytes;
}

std::string Tokenizer::token_bytes(TokenId id) const { return state_->bytes_within(id); }

std::string Tokenizer::token_text(TokenId id) const { return sanitize_utf8(state_->bytes_within(id)); }

std::size_t Tokenizer::vocab_size() const { return state_->vocabulary.size(); }

std::optional<TokenId> Tokenizer::find(std::string_view bytes) const {
  const State& state = *state_;
  if (const auto added = state.added.find(bytes)) return added;
  if (state.decodes_bytes) return state.vocabulary.find(bytes);
  std::vector<std::string> spellings;
  if (!state.space.empty()) {
    std::string spelling;
    for (const char byte : bytes) spelling += byte == ' ' ? state.space : std::string(1, byte);
    spellings.push_back(std::move(spelling));
  }
  spellings.emplace_back(bytes);
  if (bytes.size() == 1) spellings.push_back(spell_fallback_byte(static_cast<unsigned char>(bytes[0])));
  for (const std::string& spelling : spellings)
    if (const auto id = state.vocabulary.find(spelling); id && state.bytes_within(*id) == bytes) return id;
  return std::nullopt;
}

bool Tokenizer::contains(TokenId id) const { return state_->vocabulary.contains(id); }

std::optional<TokenId> Tokenizer::named_beginning() const { return state_->beginning; }

std::optional<TokenId> Tokenizer::end_of_text() const {
  return state_->end ? state_->end : state_->added.find(kEndOfText);
}

const std::vector<std::string>& Tokenizer::notes() const { return state_->notes; }

}  // namespace stratoscope
