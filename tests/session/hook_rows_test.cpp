// The rows of many texts against a run of each text alone.
#include "stratoscope/session/hook_rows.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::built_in;

const std::vector<std::string> kTexts = {"Penguins are cute.", "A", "The old man gave his crown to the young"};

std::vector<double> row_of(const BasicTensor<double>& rows, std::size_t text) {
  const auto row = rows.matrix().row_span(text);
  return {row.begin(), row.end()};
}

// [pos][numbers] of a text alone.
std::vector<std::vector<double>> alone(const Text& text, const Capture& capture) {
  RunRequest pass;
  pass.sequences = {text.ids};
  pass.captures = {capture};
  const auto run = built_in().model().run(pass);
  const Tensor& value = run.captured.front().second;
  std::vector<std::vector<double>> rows(text.ids.size());
  const std::size_t width = value.size() / rows.size();
  for (std::size_t i = 0; i < value.size(); ++i) rows[i / width].push_back(static_cast<double>(value.data()[i]));
  return rows;
}

TEST(HookRows, AreThoseOfEachTextAlone) {
  const auto texts = read_each(built_in(), kTexts, {}, "text");
  const std::vector<Capture> captures = {{{Hook::mlp_post, 3}, {}, {}}, {{Hook::z, 5}, {}, {{1, 4}}}};
  for (const Capture& capture : captures) {
    const auto last = hook_rows(built_in(), texts, captures, Index(-1)).at(capture.at).copy();
    const auto mean = hook_rows(built_in(), texts, captures, std::nullopt).at(capture.at).copy();
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto rows = alone(texts[t], capture);
      EXPECT_EQ(row_of(last, t), rows.back());
      for (std::size_t i = 0; i < rows[0].size(); ++i) {
        double sum = 0;
        for (const auto& row : rows) sum += row[i];
        EXPECT_NEAR(row_of(mean, t)[i], sum / static_cast<double>(rows.size()), 1e-12);
      }
    }
  }
}

TEST(HookRows, NormsOfHeadsAndOfWholeVectors) {
  const auto texts = read_each(built_in(), kTexts, {}, "text");
  const std::vector<Capture> captures = {{{Hook::mlp_post, 3}, {}, {}}, {{Hook::z, 5}, {}, {}}};
  const auto rows = hook_rows(built_in(), texts, captures, Index(0), true);
  for (const auto& [capture, vectors] : {std::pair(captures[0], 1), std::pair(captures[1], 6)})
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto numbers = alone(texts[t], capture)[0];
      const auto found = row_of(rows.at(capture.at), t);
      ASSERT_EQ(found.size(), static_cast<std::size_t>(vectors));
      const std::size_t length = numbers.size() / found.size();
      for (std::size_t v = 0; v < found.size(); ++v) {
        double squares = 0;
        for (std::size_t i = 0; i < length; ++i) squares += numbers[v * length + i] * numbers[v * length + i];
        EXPECT_NEAR(found[v], std::sqrt(squares), 1e-12);
      }
    }
}

TEST(HookRows, ManyTextsInSeveralBatches) {
  const std::vector<std::string> many(300, kTexts[2]);
  const auto texts = read_each(built_in(), many, {}, "text");
  const std::vector<Capture> captures = {{{Hook::resid_post, 0}, {}, {}}};
  const auto rows = hook_rows(built_in(), texts, captures, Index(1)).at(captures[0].at).copy();
  for (std::size_t t = 1; t < texts.size(); ++t) ASSERT_EQ(row_of(rows, t), row_of(rows, 0));
}

TEST(HookRows, NameTheTextOfAnError) {
  const std::vector<std::string> texts = {"a", ""};
  EXPECT_TRUE(test::refuses([&] { read_each(built_in(), texts, {}, "prompt"); }, "prompt 1: is empty"));
}

}  // namespace
}  // namespace stratoscope
