#include "stratoscope/experiments/embeddings.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "stratoscope/analysis/dispersion.h"
#include "stratoscope/analysis/histogram.h"
#include "stratoscope/analysis/principal_components.h"
#include "stratoscope/analysis/similarity.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

Role role_of(EmbeddingTable table) { return table == EmbeddingTable::embedding ? Role::embed : Role::unembed; }

// "the word 'banana' is several tokens: “ban” “ana”; the first is used", with a hint if a space in front would make it
// one token.
std::string cut_word_warning(const Session& session, const std::string& text, const Target& target) {
  if (target.ids.size() < 2) return {};
  std::string warning = "the word " + in_quotes(text) + " is several tokens:";
  for (const std::string& piece : target.pieces) warning += " " + token_label(piece);
  warning += "; the first is used";
  if (!text.starts_with(' ') && session.ids_of(" " + text).size() == 1)
    warning += " (with a space before it, it is one)";
  return warning;
}

class WordReader {
 public:
  WordReader(const Session& session, bool space, std::vector<std::string>& warnings)
      : session_(session), space_(space), warnings_(warnings) {}

  // A text in double quotes, in which it keeps its own spaces, is always taken as it is.
  Target read(TargetChoice choice, bool is_quoted = false) const {
    const bool takes_space = !choice.id && !is_quoted && !choice.text.empty() && choice.text[0] != ' ';
    if (space_ && takes_space) choice.text = " " + choice.text;
    try {
      Target target = read_target(session_, choice);
      if (std::string warning = cut_word_warning(session_, choice.text, target); !warning.empty())
        if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end())
          warnings_.push_back(std::move(warning));
      return target;
    } catch (const Error& error) {
      if (error.where() != "target") throw;
      throw Error("word", error.problem(), error.hint());
    }
  }

 private:
  const Session& session_;
  bool space_;
  std::vector<std::string>& warnings_;
};

// Reads "king - man + woman". A sign stands between spaces or at the beginning, so that a word may have a hyphen.
class AnalogyReader {
 public:
  AnalogyReader(const std::string& text, const WordReader& words) : text_(text), words_(words) {}

  Analogy read() {
    Analogy analogy{text_, {}, {}, {}};
    int sign = take_sign().value_or(1);
    for (;;) {
      analogy.terms.push_back({take_word(), sign});
      skip_spaces();
      if (at_ == text_.size()) return analogy;
      const auto next = take_sign();
      if (!next) refuse("has two words without + or - between them");
      sign = *next;
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw Error("analogy", in_quotes(text_) + " " + problem,
                "write it like \"king - man + woman\", a word with spaces of its own in double quotes");
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::optional<int> take_sign() {
    skip_spaces();
    if (at_ == text_.size() || (text_[at_] != '+' && text_[at_] != '-')) return std::nullopt;
    return text_[at_++] == '+' ? 1 : -1;
  }

  Target take_word() {
    skip_spaces();
    if (at_ == text_.size()) refuse("ends without a word");
    if (text_[at_] == '"') {
      const std::size_t end = text_.find('"', at_ + 1);
      if (end == std::string::npos) refuse("has a quotation mark that is not closed");
      const std::string word = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return words_.read({word, std::nullopt}, true);
    }
    const std::size_t end = std::min(text_.find(' ', at_), text_.size());
    const std::string word = text_.substr(at_, end - at_);
    if (word == "+" || word == "-") refuse("has a sign without a word");
    at_ = end;
    return words_.read({word, std::nullopt});
  }

  const std::string& text_;
  const WordReader& words_;
  std::size_t at_ = 0;
};

// The first `count` of a list without these tokens.
NearTokens without(const NearTokens& tokens, const std::set<TokenId>& left_out, std::size_t count) {
  NearTokens kept;
  for (const NearToken& each : tokens)
    if (kept.size() < count && !left_out.contains(each.id)) kept.push_back(each);
  return kept;
}

class EmbeddingsReader {
 public:
  EmbeddingsReader(const Session& session, const EmbeddingsRequest& request, Embeddings& result)
      : session_(session),
        request_(request),
        result_(result),
        role_(role_of(request.table)),
        width_(session.config().d_model) {}

  void read() {
    read_words();
    read_vectors();
    find_nearest();
    survey_table();
    session_.checkpoint().check_unchanged();
  }

 private:
  void read_words() {
    const WordReader words(session_, request_.space, result_.warnings);
    for (const auto* list : {&request_.words, &request_.ids})
      for (const TargetChoice& choice : *list) result_.words.push_back(words.read(choice));
    for (const std::string& text : request_.analogies) result_.analogies.push_back(AnalogyReader(text, words).read());
  }

  std::vector<double> vector_of(TokenId id) const {
    std::vector<double> vector(width_);
    session_.checkpoint().read_row(role_, static_cast<std::size_t>(id), std::span(vector));
    return vector;
  }

  void read_vectors() {
    const std::size_t count = result_.words.size();
    BasicTensor<double> rows({count, width_});
    for (std::size_t i = 0; i < count; ++i) {
      result_.vectors.push_back(vector_of(result_.words[i].id));
      std::copy(result_.vectors[i].begin(), result_.vectors[i].end(), rows.matrix().row(i));
    }
    if (count == 0) return;
    const MatrixView<const double> view = std::as_const(rows).matrix();
    result_.norms = row_norms(view);
    result_.cosines = cosine_matrix(view);
    if (count < 2) return;
    const PrincipalComponents found = principal_components(view, 2);
    result_.map = found.coordinates;
    for (auto& point : result_.map) point.resize(2);
    result_.explained = found.explained;
    result_.explained.resize(2);
  }

  // Of all words and analogies in one pass over the table.
  void find_nearest() {
    const std::size_t count = result_.words.size(), all = count + result_.analogies.size();
    BasicTensor<double> rows({all, width_});
    std::size_t most_words = 1;
    for (std::size_t i = 0; i < all; ++i) {
      double* const row = rows.matrix().row(i);
      if (i < count) {
        std::copy(result_.vectors[i].begin(), result_.vectors[i].end(), row);
        continue;
      }
      std::fill_n(row, width_, 0.0);
      const Analogy& analogy = result_.analogies[i - count];
      most_words = std::max(most_words, analogy.terms.size());
      for (const Analogy::Term& term : analogy.terms) {
        const std::vector<double> vector = vector_of(term.word.id);
        for (std::size_t k = 0; k < width_; ++k) row[k] += term.sign * vector[k];
      }
    }
    const ThreadScope threads(session_.threads());
    const auto lists = nearest_tokens(session_, role_, std::as_const(rows).matrix(), request_.top + most_words);
    for (std::size_t i = 0; i < count; ++i)
      result_.nearest.push_back(without(lists[i], {result_.words[i].id}, request_.top));
    for (std::size_t i = count; i < all; ++i) {
      Analogy& analogy = result_.analogies[i - count];
      std::set<TokenId> words;
      for (const Analogy::Term& term : analogy.terms) words.insert(term.word.id);
      analogy.nearest = without(lists[i], words, request_.top);
      analogy.with_words = without(lists[i], {}, request_.top);
    }
  }

  void survey_table() {
    result_.rows = session_.config().d_vocab;
    result_.columns = width_;
    session_.checkpoint().lend(role_, [&](const Checkpoint::LentMatrix& table) {
      std::vector<double> norms = row_norms(MatrixView<const float>(table.numbers, result_.rows, width_));
      result_.norm_quantiles = quantiles(norms, {std::begin(kNormShares), std::end(kNormShares)});
    });
  }

  const Session& session_;
  const EmbeddingsRequest& request_;
  Embeddings& result_;
  Role role_;
  std::size_t width_;
};

}  // namespace

void describe(EmbeddingsRequest& request, Fields& fields) {
  fields.add("words", request.words, "words; of each its first token counts")
      .value("WORDS")
      .argument()
      .several(nullptr);
  fields.add("ids", FieldTarget(TargetIds{&request.ids}), "tokens by their ids, after the words")
      .value("N,…")
      .separated(',');
  fields.add("table", request.table, "the table: embedding, or unembedding, whose rows the logits are products with")
      .as_option("from");
  fields.add("space", request.space, "put a space before every word that has none, as inside a sentence");
  fields.add("analogies", request.analogies, "also the nearest tokens of a sum, as in \"king - man + woman\"")
      .as_option("analogy")
      .value("EXPR");
  add_top(fields, request.top, "number of nearest tokens");
  fields
      .add(
          "draw", request.draw,
          "contents of a figure: cosines of all pairs, the vectors, two vectors against each other, a map by principal "
          "components, or nearest tokens")
      .only_shown();
}

void check(const EmbeddingsRequest& request) {
  if (request.words.empty() && request.ids.empty() && request.analogies.empty())
    throw UsageError("embeddings", "WORDS, --ids or --analogy is required");
}

void check_figure(const Session&, const EmbeddingsRequest& request) {
  check_words_drawn(request.draw, request.words.size() + request.ids.size());
}

Embeddings embeddings(const Session& session, const EmbeddingsRequest& request) {
  check(request);
  if (request.top == 0) throw Error("embeddings", "--top 0 asks for nothing", "give 1 or more");
  Embeddings result;
  result.table = request.table;
  EmbeddingsReader(session, request, result).read();
  return result;
}

}  // namespace stratoscope
