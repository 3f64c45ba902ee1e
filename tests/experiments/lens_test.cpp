// The logit lens against the model's own predictions, in both precisions, with edits.
#include "stratoscope/experiments/lens.h"

#include <gtest/gtest.h>

#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

using test::built_in;

LensRequest lens_of(const std::vector<EditExpression>& edits = {}) {
  LensRequest request;
  request.text = test::kPenguins;
  request.edits.expressions = edits;
  return request;
}

// The last row of the lens has the bits of `predict` at each position.
void expect_last_row_is_the_prediction(const Session& session, const LensRequest& request) {
  const Lens lens = stratoscope::lens(session, request);
  ASSERT_EQ(lens.cells.size(), session.config().n_layers() + 1);
  for (std::size_t i = 0; i < lens.positions.size(); ++i) {
    PredictRequest asked;
    asked.text = request.text;
    asked.edits = request.edits;
    asked.top = request.top;
    asked.position = static_cast<long>(lens.positions[i]);
    const Predictions expected = predict(session, asked);
    const LensCell& cell = lens.cells.back()[i];
    ASSERT_EQ(cell.top.size(), expected.top.size());
    for (std::size_t k = 0; k < cell.top.size(); ++k) {
      EXPECT_EQ(cell.top[k].id, expected.top[k].id);
      EXPECT_EQ(cell.top[k].logit, expected.top[k].logit);
      EXPECT_EQ(cell.top[k].prob, expected.top[k].prob);
    }
    EXPECT_EQ(cell.target, expected.top[0].id);
    EXPECT_EQ(cell.target_rank, 0U);
    EXPECT_EQ(cell.kl, 0);
  }
}

TEST(Lens, ItsLastRowIsThePrediction) {
  LensRequest few = lens_of();
  few.positions = "0,3,-1";
  for (const Precision precision : {Precision::fp32, Precision::fp64}) {
    if (precision == Precision::fp32 || !test::kWatched)
      expect_last_row_is_the_prediction(built_in(precision), lens_of());
    expect_last_row_is_the_prediction(built_in(precision), few);
  }
}

TEST(Lens, WithEditsInTheBlocksAndAfterThem) {
  LensRequest request = lens_of({"blocks.3.hook_resid_post *= 0.5", "logits[2:].dim[11] += 30", "L2H1 = zero"});
  expect_last_row_is_the_prediction(built_in(), request);
  request.positions = "1:4";
  expect_last_row_is_the_prediction(built_in(), request);
  EXPECT_TRUE(stratoscope::lens(built_in(), request).effect);
}

TEST(Lens, EachDepthIsThatDepthsStreamThroughTheFinalNormOnce) {
  const Lens lens = stratoscope::lens(built_in(), lens_of());
  RunRequest pass;
  pass.sequences = {lens.text.ids};
  pass.captures = captures_of(std::vector<HookPoint>{{Hook::resid_pre, 3}});
  const auto whole = built_in().model().run(pass);
  RunRequest from_there;
  from_there.sequences = {lens.text.ids};
  from_there.start = start_from(built_in().config().n_layers(), whole.value({Hook::resid_pre, 3}).matrix());
  const auto read = built_in().model().run(from_there);
  for (std::size_t i = 0; i < lens.positions.size(); ++i) {
    const auto row = std::as_const(read.logits).matrix().row_span(i);
    EXPECT_EQ(lens.cells[3][i].top[0].id, most_likely(row, 1)[0]);
    EXPECT_EQ(lens.cells[3][i].entropy, metric_value<float>(Metric::entropy, row, row, {}));
  }
}

TEST(Lens, TargetsPointsAndRefusals) {
  LensRequest request = lens_of();
  request.target = TargetChoice{" cute", std::nullopt};
  const Lens lens = stratoscope::lens(built_in(), request);
  EXPECT_EQ(lens.cells[0][0].target, built_in().tokenizer().find(" cute"));
  for (const LensPoint at : {LensPoint::resid_mid, LensPoint::attn_out, LensPoint::mlp_out}) {
    request.at = at;
    const Lens other = stratoscope::lens(built_in(), request);
    EXPECT_EQ(other.cells.size(), built_in().config().n_layers());
    EXPECT_EQ(other.labels[0], "L0");
  }
  for (const LensColor color : {LensColor::prob, LensColor::rank, LensColor::entropy, LensColor::kl}) {
    const Figure figure = figure_of(lens, color);
    EXPECT_EQ(figure.panels[0].y.ticks.front(), lens.labels.back()) << "the last depth is on top";
  }
  EXPECT_TRUE(
      test::refuses([] { parse_choice<LensPoint>("mlp", "at"); }, "at: there is no 'mlp'; one of resid, resid_mid"));
  EXPECT_TRUE(test::refuses([] { parse_choice<LensColor>("x", "color"); }, "color: there is no 'x'"));
  request.positions = "99";
  EXPECT_TRUE(test::refuses([&] { stratoscope::lens(built_in(), request); }, "position: 99 is out of range"));
}

}  // namespace
}  // namespace stratoscope
