// An experiment of two fields that exists only in tests: the longest tokens of a text.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/experiments/typed_experiment.h"

namespace stratoscope::test {

struct LongestRequest {
  std::string text = {};
  std::size_t top = 3;
};

struct Longest {
  Text text;
  std::vector<std::string> tokens;  // the longest first
  std::vector<std::string> warnings;
};

inline void describe(LongestRequest& request, Fields& fields) {
  add_top(fields, request.top, "how many tokens are named");
  fields.add("text", request.text, "the text that is measured").argument().required();
}

inline Longest longest(const Session& session, const LongestRequest& request) {
  Longest result{session.read(request.text), {}, {}};
  result.tokens = result.text.tokens;
  std::stable_sort(result.tokens.begin(), result.tokens.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  if (result.tokens.size() < request.top)
    result.warnings.push_back("the text has " + std::to_string(result.tokens.size()) + " tokens alone");
  result.tokens.resize(std::min(result.tokens.size(), request.top));
  return result;
}

inline Document to_json(const Session& session, const Longest& result) {
  Json json = begin_document(session, std::nullopt, &result.text);
  json["tokens"] = result.tokens;
  return finish_document(std::move(json));
}

inline Figure figure_of(const Longest& result) {
  Figure figure;
  figure.title = "The longest tokens";
  Panel panel;
  panel.x.ticks = result.tokens;
  Bars bars{{}, false, false};
  for (const std::string& token : result.tokens) bars.values.push_back(static_cast<double>(token.size()));
  panel.marks = {bars};
  figure.panels = {panel};
  return figure;
}

inline Experiment two_fields() {
  return make_experiment("longest", "the longest tokens of a text", longest, {"tokens"});
}

}  // namespace stratoscope::test
