#include "stratoscope/experiments/embeddings.h"

#include <fmt/format.h>

#include <cmath>

#include "apps/cli/commands.h"
#include "apps/cli/output.h"
#include "apps/cli/table.h"
#include "stratoscope/session/labels.h"

namespace stratoscope::cli {
namespace {

std::string near_cell(const NearToken& near) { return token_label(near.token) + " " + fixed(near.cosine, 3); }

void print_words(const Embeddings& result) {
  if (result.words.empty()) return;
  print("\nnearest tokens, with their cosine\n");
  std::vector<std::string> titles = {"word", ">id", ">norm"};
  titles.resize(3 + result.nearest[0].size());
  Table table(titles);
  for (std::size_t i = 0; i < result.words.size(); ++i) {
    std::vector<std::string> row = {token_label(result.words[i].token), std::to_string(result.words[i].id),
                                    short_number(result.norms[i])};
    for (const NearToken& each : result.nearest[i]) row.push_back(near_cell(each));
    table.add(row);
  }
  print(table.text());
}

void print_cosines(const Embeddings& result) {
  if (result.words.size() < 2) return;
  print("\ncosine similarity\n");
  std::vector<std::string> titles = {""};
  for (const Target& word : result.words) titles.push_back(">" + token_label(word.token));
  Table table(titles);
  for (std::size_t i = 0; i < result.words.size(); ++i) {
    std::vector<std::string> row = {token_label(result.words[i].token)};
    for (const double cosine : result.cosines[i]) row.push_back(fixed(cosine, 3));
    table.add(row);
  }
  print(table.text());
}

void print_analogies(const Embeddings& result) {
  for (const Analogy& analogy : result.analogies) {
    print("\n{}\n", analogy.expression);
    std::vector<std::string> titles = {""};
    titles.resize(1 + std::max(analogy.nearest.size(), analogy.with_words.size()));
    Table table(titles);
    for (const auto& [name, list] :
         {std::pair("without its words", &analogy.nearest), std::pair("with its words", &analogy.with_words)}) {
      std::vector<std::string> row = {name};
      for (const NearToken& each : *list) row.push_back(near_cell(each));
      table.add(row);
    }
    print(table.text());
  }
}

void print_result(const Session& session, const EmbeddingsRequest&, const Embeddings& result) {
  const auto& norms = result.norm_quantiles;
  print("{}, {}: {} rows of {} numbers; norms of the rows from {} to {}, median {}\n", session.model_name(),
        choice_name(result.table), result.rows, result.columns, short_number(norms.front()), short_number(norms.back()),
        short_number(norms[norms.size() / 2]));
  print_words(result);
  print_cosines(result);
  print_analogies(result);
}

}  // namespace

Presentation present_embeddings() { return present<EmbeddingsRequest, Embeddings>(print_result); }

}  // namespace stratoscope::cli
