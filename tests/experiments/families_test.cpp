// Every experiment on a small checkpoint of each family: properties of its numbers for all architectures.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "stratoscope/experiments/ablate.h"
#include "stratoscope/experiments/attention.h"
#include "stratoscope/experiments/attribution.h"
#include "stratoscope/experiments/distributions.h"
#include "stratoscope/experiments/edges.h"
#include "stratoscope/experiments/embeddings.h"
#include "stratoscope/experiments/generate.h"
#include "stratoscope/experiments/geometry.h"
#include "stratoscope/experiments/lens.h"
#include "stratoscope/experiments/patch.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/verify.h"
#include "stratoscope/experiments/weights.h"
#include "stratoscope/session/open_text.h"
#include "tests/support/built_in_model.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using FloatRun = Run<float>;  // within a fixture Run is a test's

constexpr const char* kMarley = "Marley was dead: to begin with.";

Session family_session(const std::string& family, Precision precision = Precision::fp32) {
  return Session({(test::kSource / "tests/golden/families" / family).string(), precision, 0, nullptr});
}

class Families : public testing::TestWithParam<const char*> {
 protected:
  Session session_ = family_session(GetParam());
  Session exact_ = family_session(GetParam(), Precision::fp64);
  std::string block_edit(const char* rest) const { return "blocks.1." + std::string(rest); }
};

void expect_parts_sum(const Attribution& result, double limit) {
  double components = 0;
  for (const AttributionPart& part : result.components) components += part.contribution;
  EXPECT_NEAR(components, result.value, limit);
  for (const double residue :
       {result.residues.components, result.residues.heads, result.residues.neurons, result.residues.sources})
    EXPECT_LE(std::abs(residue), limit);
}

TEST_P(Families, AttributionSumsToTheLogit) {
  AttributionRequest request;
  request.text = kMarley;
  request.targets = {{{}, 5}, {{}, 9}};
  const Attribution exact = attribution(exact_, request);
  expect_parts_sum(exact, 1e-11);
  expect_parts_sum(attribution(session_, request), 3e-5);
  const double cap = exact_.config().logit_cap;
  EXPECT_EQ(exact.cap, cap);
  const auto logits = exact_.model().run_reference({.sequences = {exact.text.ids}}).logits;
  const auto last = logits.matrix().row_span(exact.text.ids.size() - 1);
  EXPECT_NEAR(cap > 0 ? exact.capped_value : exact.value, last[5] - last[9], 1e-11);
}

TEST_P(Families, AttributionSumsToTheEditedLogit) {
  for (const char* edit :
       {"hook_embed *= 0.5", "blocks.1.hook_resid_pre += 0.25", "blocks.0.attn.hook_z *= 0.5",
        "blocks.1.attn.hook_result.head[0] = 0", "blocks.0.hook_attn_out *= 0.9", "blocks.1.mlp.hook_post *= 0.8",
        "blocks.1.hook_mlp_out += 0.1", "blocks.1.hook_resid_post *= 1.1", "ln_final.hook_normalized *= 0.7",
        "unembed.hook_in *= 2", "unembed.hook_out.dim[5] += 1"}) {
    AttributionRequest request;
    request.text = kMarley;
    request.targets = {{{}, 5}};
    request.edits.expressions = {edit};
    SCOPED_TRACE(edit);
    expect_parts_sum(attribution(exact_, request), 1e-11);
  }
}

using FamiliesWithNormsAfterBranches = Families;

TEST_P(FamiliesWithNormsAfterBranches, AttributionTakesTheirEdits) {
  ASSERT_TRUE(session_.config().blocks[0].ln1_post.exists());
  for (const char* edit : {"blocks.0.ln1_post.hook_normalized *= 0.5", "blocks.1.ln2_post.hook_normalized += 0.3",
                           "blocks.1.ln1_post.hook_scale *= 2"}) {
    AttributionRequest request;
    request.text = kMarley;
    request.targets = {{{}, 5}};
    request.edits.expressions = {edit};
    SCOPED_TRACE(edit);
    expect_parts_sum(attribution(exact_, request), 1e-11);
  }
}

TEST_P(Families, TheLensEndsInThePrediction) {
  LensRequest request;
  request.text = kMarley;
  const Lens lens = stratoscope::lens(session_, request);
  for (const LensCell& cell : lens.cells.back()) EXPECT_NEAR(cell.kl, 0, 1e-9);
  const Predictions prediction = predict(session_, {.text = kMarley});
  EXPECT_EQ(lens.cells.back().back().top[0].id, prediction.top[0].id);
  EXPECT_EQ(lens.cells.back().back().top[0].logit, prediction.top[0].logit);
}

TEST_P(Families, GenerationIsThatOfWholeRuns) {
  GenerateTextRequest request;
  request.text = kMarley;
  request.max_new = 6;
  request.ignore_end = true;
  request.edits.expressions = {"blocks.0.hook_mlp_out *= 0.9"};
  request.edit_scope = EditScope::all;
  const GeneratedText generated = generate(session_, request);
  ASSERT_EQ(generated.tokens.size(), 6U);
  TokenIds ids = generated.prompt.ids;
  for (const GeneratedToken& token : generated.tokens) {
    Text text;
    text.ids = ids;
    RunRequest run;
    run.logits = LogitRows::last;
    const EditedRun whole = run_text(session_, text, request.edits, std::move(run));
    const auto logits = std::get<FloatRun>(whole.run).logits.values();
    const auto top = std::max_element(logits.begin(), logits.end()) - logits.begin();
    EXPECT_EQ(token.id, top);
    ids.push_back(token.id);
  }
}

TEST_P(Families, VerifyFindsSmallErrors) {
  const Verification verification = verify(session_, {.text = kMarley});
  EXPECT_GE(verification.errors.size(), all_hook_points(session_.config()).size());
  for (const PointError& error : verification.errors) EXPECT_LE(error.max_rel, 2e-4) << name_of(error.at);
}

TEST_P(Families, TheOpenTextHasTheRunsBits) {
  OpenText open(session_, kMarley);
  open.set_edits({{"blocks.1.attn.hook_z *= 0.5"}, {}});
  const std::size_t last = open.positions() - 1;
  const Tensor logits = open.last_logits(last);
  for (const bool edited : {false, true}) {
    RunRequest run;
    run.logits = LogitRows::last;
    const Edits edits{
        edited ? std::vector<EditExpression>{"blocks.1.attn.hook_z *= 0.5"} : std::vector<EditExpression>{}, {}};
    const EditedRun whole = run_text(session_, open.text(), edits, std::move(run));
    EXPECT_TRUE(test::same_bits<float>(std::get<FloatRun>(whole.run).logits.values(),
                                       logits.matrix().row_span(edited ? 1 : 0)));
  }
}

TEST_P(Families, AblationPatchingAttentionAndGeometryGiveNumbers) {
  AblateRequest ablated;
  ablated.text = kMarley;
  ablated.targets = {{{}, 5}};
  const Ablations ablations = ablate(session_, ablated);
  const ModelConfig& config = session_.config();
  EXPECT_EQ(ablations.ablations.size(), config.n_layers() * (config.n_heads() + 3));
  for (const Ablation& each : ablations.ablations) EXPECT_TRUE(std::isfinite(each.value)) << each.layer;

  PatchRequest patched;
  patched.text = kMarley;
  patched.corrupt = "Marley was deaf: to begin with.";
  patched.targets = {{{}, 5}, {{}, 9}};
  const Patch patch = stratoscope::patch(session_, patched);
  EXPECT_EQ(patch.grids.size(), 4U);
  for (const PatchGrid& grid : patch.grids)
    for (const auto& row : grid.values)
      for (const double value : row) EXPECT_TRUE(std::isfinite(value)) << grid.title;

  EXPECT_EQ(attention(session_, {.text = kMarley}).heads.size(), config.n_layers() * config.n_heads());
  EXPECT_FALSE(to_json(session_, geometry(session_, {.text = kMarley})).text().empty());
}

TEST_P(Families, EveryHookHasADistribution) {
  DistributionsRequest request;
  request.text = kMarley;
  request.hooks = {"*"};
  request.bins = 5;
  const Distributions result = distributions(session_, request);
  EXPECT_EQ(result.hooks.size(), hooks_of(session_.config()).size());
  for (const HookDistributions& hook : result.hooks)
    for (const Distribution& each : hook.blocks) {
      EXPECT_TRUE(std::isfinite(each.moments.mean())) << each.hook_point << ": hidden keys do not count";
      EXPECT_EQ(each.histogram.not_numbers(), 0) << each.hook_point;
    }
}

TEST_P(Families, TablesAndTensorsAreRead) {
  const std::size_t width = session_.config().d_model;
  for (const EmbeddingTable table : {EmbeddingTable::embedding, EmbeddingTable::unembedding}) {
    EmbeddingsRequest words;
    words.words = {{{}, 5}, {{}, 9}, {{}, 5}};
    words.table = table;
    const Embeddings found = embeddings(session_, words);
    std::vector<double> row(width);
    session_.checkpoint().read_row(table == EmbeddingTable::embedding ? Role::embed : Role::unembed, 9, std::span(row));
    EXPECT_EQ(found.vectors[1], row);
    EXPECT_NEAR(found.cosines[0][2], 1, 1e-12);
    EXPECT_EQ(found.nearest[0].size(), words.top);
    for (const NearToken& each : found.nearest[0]) EXPECT_NE(each.id, 5);
  }
  WeightsRequest request;
  request.names = {"*"};
  const CheckpointWeights all = weights(session_, request);
  EXPECT_EQ(all.tensors.size(), session_.checkpoint().stored_tensors().size());
  for (const TensorSummary& tensor : all.tensors) {
    EXPECT_EQ(tensor.count, element_count(tensor.shape));
    EXPECT_TRUE(tensor.statistics && std::isfinite(tensor.statistics->sd)) << tensor.name;
  }
}

TEST_P(Families, EdgesAreFoundOrRefusedWithTheReason) {
  EdgesExperimentRequest request;
  request.text = kMarley;
  request.targets = {{{}, 5}};
  if (session_.config().blocks[0].ln1_post.exists())
    EXPECT_TRUE(test::refuses([&] { edges(session_, request); }, "a norm after attention"));
  else
    EXPECT_FALSE(edges(session_, request).strongest.empty());
}

INSTANTIATE_TEST_SUITE_P(Golden, Families,
                         testing::Values("gpt_neo", "gpt_neox", "opt", "llama3", "qwen3", "phi3", "gemma2", "gemma3",
                                         "olmo2"),
                         [](const auto& family) { return family.param; });

INSTANTIATE_TEST_SUITE_P(Golden, FamiliesWithNormsAfterBranches, testing::Values("gemma2", "gemma3", "olmo2"),
                         [](const auto& family) { return family.param; });

// ---- texts longer than the model's context

std::string long_text(const Session& session, std::size_t tokens) {
  std::string text;
  while (session.read(text, {AddedTokens::none, false, false}).ids.size() < tokens) text += "ab";
  return text;
}

TEST(LongTexts, ATableOfPositionsIsALimitAndARotationIsNot) {
  const Session table = family_session("opt"), turning = family_session("llama3");
  const std::string beyond_table = long_text(table, table.config().n_ctx + 1);
  EXPECT_TRUE(test::refuses([&] { table.read(beyond_table); }, "more than the model's context"));
  const std::size_t made_for = turning.config().n_ctx;
  const std::string longer = long_text(turning, made_for + 3);
  const Text text = turning.read(longer);
  EXPECT_GT(text.ids.size(), made_for);
  ASSERT_EQ(text.notes.size(), 1U);
  EXPECT_NE(text.notes[0].find("the model was made for"), std::string::npos);
  EXPECT_EQ(turning.read(longer, {AddedTokens::usual, true}).ids.size(), made_for);
  const auto logits = turning.model().run({.sequences = {text.ids}}).logits;
  EXPECT_TRUE(std::all_of(logits.values().begin(), logits.values().end(), [](float x) { return std::isfinite(x); }));
}

TEST(LongTexts, GenerationStopsWhereTheTurnsChange) {
  const Session session = family_session("phi3");  // longrope, first trained on texts of 12 tokens
  GenerateTextRequest request;
  request.text = "Marley was";
  request.max_new = 40;
  request.ignore_end = true;
  const GeneratedText generated = generate(session, request);
  EXPECT_EQ(generated.prompt.ids.size() + generated.tokens.size(), 12U);
  EXPECT_EQ(generated.stopped, "rotary");
  EXPECT_NE(generated.why_full.find("beyond 12 tokens"), std::string::npos);
  request.text = kMarley;  // a long text from the beginning: no more changes
  request.max_new = 5;
  EXPECT_EQ(generate(session, request).tokens.size(), 5U);
}

}  // namespace
}  // namespace stratoscope
