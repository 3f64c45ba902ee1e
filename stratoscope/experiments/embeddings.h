// The rows of a model's embedding or unembedding: the vectors of chosen words, their cosines, their nearest tokens, and
// sums and differences of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/experiments/near_tokens.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"
#include "stratoscope/session/target.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

enum class EmbeddingTable { embedding, unembedding };

// The content of a figure.
enum class EmbeddingsView {
  matrix,   // the cosines of all pairs
  vectors,  // the vectors, dimension by dimension
  scatter,  // two vectors against each other
  map,      // all vectors along their first two principal components
  nearest,  // the nearest tokens of each word and analogy
};

inline constexpr Choice<EmbeddingTable> kEmbeddingTables[] = {{EmbeddingTable::embedding, "embedding"},
                                                              {EmbeddingTable::unembedding, "unembedding"}};
constexpr std::span<const Choice<EmbeddingTable>> choices_of(EmbeddingTable) { return kEmbeddingTables; }
inline constexpr Choice<EmbeddingsView> kEmbeddingsViews[] = {{EmbeddingsView::matrix, "matrix"},
                                                              {EmbeddingsView::vectors, "vectors"},
                                                              {EmbeddingsView::scatter, "scatter"},
                                                              {EmbeddingsView::map, "map"},
                                                              {EmbeddingsView::nearest, "nearest"}};
constexpr std::span<const Choice<EmbeddingsView>> choices_of(EmbeddingsView) { return kEmbeddingsViews; }

struct EmbeddingsRequest {
  std::vector<TargetChoice> words = {};  // texts, whose first token counts, or ids
  std::vector<TargetChoice> ids = {};    // more words, by their ids
  EmbeddingTable table = EmbeddingTable::embedding;
  bool space = false;                            // a space before every text, as a word has inside a sentence
  std::vector<std::string> analogies = {};       // "king - man + woman"; a word with spaces of its own in double quotes
  std::size_t top = 8;                           // the number of nearest tokens
  EmbeddingsView draw = EmbeddingsView::matrix;  // of a figure
};
void describe(EmbeddingsRequest& request, Fields& fields);

// A sum and difference of words, and what is near it.
struct Analogy {
  struct Term {
    Target word;
    int sign;  // 1 or -1
  };
  std::string expression;
  std::vector<Term> terms;
  NearTokens nearest;     // without the words of the expression
  NearTokens with_words;  // with them
};

struct Embeddings {
  EmbeddingTable table = EmbeddingTable::embedding;
  std::vector<Target> words;
  std::vector<std::vector<double>> vectors;  // [word][d_model], as stored
  std::vector<double> norms;                 // Euclidean, [word]
  std::vector<std::vector<double>> cosines;  // [word][word]
  std::vector<NearTokens> nearest;           // [word], without the word itself
  std::vector<Analogy> analogies;
  // Principal components of these words: [word][2], and the shares of their variance. Empty for a single word.
  std::vector<std::vector<double>> map;
  std::vector<double> explained;
  // The whole table.
  std::size_t rows = 0, columns = 0;
  std::vector<double> norm_quantiles;  // of its rows, at kNormShares
  std::vector<std::string> warnings;
};

inline constexpr double kNormShares[] = {0, 0.05, 0.5, 0.95, 1};

// Throws UsageError for no word, and for a figure of two words if there are more or fewer.
void check(const EmbeddingsRequest& request);
Embeddings embeddings(const Session& session, const EmbeddingsRequest& request);
Document to_json(const Session& session, const Embeddings& result, DocumentParts parts = DocumentParts::all);
// vectors [word, d_model], norms [word], cosines [word, word], map [word, 2], ids [word].
std::vector<NamedValues> arrays_of(const Embeddings& result);
// Throws Error if a figure of `words` words cannot have this content; check_figure does so before the run.
void check_words_drawn(EmbeddingsView view, std::size_t words);
void check_figure(const Session& session, const EmbeddingsRequest& request);
// Throws likewise.
Figure figure_of(const Embeddings& result, EmbeddingsView view = EmbeddingsView::matrix);
Figure figure_of(const Embeddings& result, const EmbeddingsRequest& request);

}  // namespace stratoscope
