#include "stratoscope/text/tokenizer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "stratoscope/text/bpe.h"
#include "stratoscope/text/special_tokens.h"
#include "stratoscope/text/utf8.h"
#include "stratoscope/text/vocabulary.h"
#include "stratoscope/text/word_splitter.h"

namespace stratoscope {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

}  // namespace

struct Tokenizer::State {
  explicit State(const TokenizerDefinition& definition)
      : vocabulary(definition),
        special(definition),
        bpe(definition, vocabulary),
        splitter(kGpt2WordPattern),
        beginning(special.find(definition.beginning)),
        end(special.find(definition.end)),
        notes(definition.notes) {}

  Vocabulary vocabulary;
  SpecialTokens special;
  Bpe bpe;
  WordSplitter splitter;
  std::optional<TokenId> beginning, end;
  std::vector<std::string> notes;
};

namespace {

// Where words of this text were met before: the same word's tokens are copied from there. Most words of a text are
// repetitions, and looking one up costs far less than its merges. A table of fixed size, each slot the last word met.
class WordMemory {
 public:
  // The word begins at byte `begin` of the text; its `tokens` tokens are the encoding's from `first` on.
  struct Entry {
    std::size_t begin = 0, first = 0;
    std::uint32_t size = 0, tokens = 0;
  };

  explicit WordMemory(std::string_view text)
      : text_(text), entries_(std::bit_ceil(std::clamp<std::size_t>(text.size() / 4, 1, kMaxEntries))) {}

  static bool is_worth_keeping(std::string_view word) { return word.size() <= kMaxBytes; }

  Entry& slot(std::string_view word) {
    std::uint64_t hash = word.size();
    for (; word.size() >= sizeof hash; word.remove_prefix(sizeof hash)) hash = stir(hash, load(word, sizeof hash));
    if (!word.empty()) hash = stir(hash, load(word, word.size()));
    return entries_[hash >> 32 & (entries_.size() - 1)];
  }
  bool holds(const Entry& entry, std::string_view word) const {
    return entry.size == word.size() && text_.substr(entry.begin, entry.size) == word;
  }

 private:
  static constexpr std::size_t kMaxEntries = std::size_t{1} << 15, kMaxBytes = 64;

  static std::uint64_t load(std::string_view word, std::size_t count) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, word.data(), count);
    return bytes;
  }
  static std::uint64_t stir(std::uint64_t hash, std::uint64_t bytes) {
    hash = (hash ^ bytes) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29;
  }

  std::string_view text_;
  std::vector<Entry> entries_;
};

// One call of encode(): what it reads, remembers and writes.
class Encoder {
 public:
  Encoder(const Bpe& bpe, const WordSplitter& splitter, std::string_view text)
      : bpe_(bpe), splitter_(splitter), text_(text), memory_(text) {
    out_.ids.reserve(text.size() / 4);
    out_.offsets.reserve(text.size() / 4);
  }

  void add_token(TokenId id, std::size_t length) {
    out_.ids.push_back(id);
    out_.offsets.emplace_back(end_, end_ + length);
    end_ += length;
  }

  // The text from the last token to `end`.
  void add_words_until(std::size_t end) {
    if (end == end_) return;
    WordSplitter::Words words(splitter_, text_.substr(end_, end - end_));
    for (std::string_view word = words.next(); !word.empty(); word = words.next()) add_word(word);
  }

  Encoding take() { return std::move(out_); }

 private:
  void add_word(std::string_view word) {
    if (!WordMemory::is_worth_keeping(word)) {
      add_pieces(word);
      return;
    }
    WordMemory::Entry& entry = memory_.slot(word);
    if (memory_.holds(entry, word)) {
      for (std::size_t i = entry.first; i < entry.first + entry.tokens; ++i)
        add_token(out_.ids[i], out_.offsets[i].second - out_.offsets[i].first);
      return;
    }
    const std::size_t begin = end_, first = out_.ids.size();
    add_pieces(word);
    entry = {begin, first, static_cast<std::uint32_t>(word.size()),
             static_cast<std::uint32_t>(out_.ids.size() - first)};
  }

  void add_pieces(std::string_view word) {
    for (const Bpe::Piece& piece : bpe_.encode(word, scratch_)) add_token(piece.id, piece.length);
  }

  const Bpe& bpe_;
  const WordSplitter& splitter_;
  std::string_view text_;
  WordMemory memory_;
  Bpe::Scratch scratch_;
  Encoding out_;
  std::size_t end_ = 0;  // of the last token
};

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  return Tokenizer(std::make_unique<const State>(read_tokenizer_definition(folder)));
}

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&& other) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&& other) noexcept = default;

Encoding Tokenizer::encode(std::string_view text) const {
  validate_utf8(text, "tokenizer");
  Encoder encoder(state_->bpe, state_->splitter, text);
  for (const SpecialTokens::Match& match : state_->special.find_all(text)) {
    encoder.add_words_until(match.begin);
    encoder.add_token(match.id, match.end - match.begin);
  }
  encoder.add_words_until(text.size());
  return encoder.take();
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string bytes;
  for (const TokenId id : ids) bytes += state_->vocabulary.bytes(id);
  return bytes;
}

std::string Tokenizer::token_bytes(TokenId id) const { return std::string(state_->vocabulary.bytes(id)); }

std::string Tokenizer::token_text(TokenId id) const { return sanitize_utf8(state_->vocabulary.bytes(id)); }

std::size_t Tokenizer::vocab_size() const { return state_->vocabulary.size(); }

std::optional<TokenId> Tokenizer::find(std::string_view bytes) const {
  const auto special = state_->special.find(bytes);
  return special ? special : state_->vocabulary.find(bytes);
}

bool Tokenizer::contains(TokenId id) const { return state_->vocabulary.contains(id); }

namespace {
const std::vector<TokenId> kNoTokens;
}
const std::vector<TokenId>& Tokenizer::added_before() const { return kNoTokens; }
const std::vector<TokenId>& Tokenizer::added_after() const { return kNoTokens; }

std::optional<TokenId> Tokenizer::named_beginning() const { return state_->beginning; }

std::optional<TokenId> Tokenizer::end_of_text() const {
  return state_->end ? state_->end : state_->special.find(kEndOfText);
}

const std::vector<std::string>& Tokenizer::notes() const { return state_->notes; }

}  // namespace stratoscope
