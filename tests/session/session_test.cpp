// Runs with edits, their effects, documents, and refused requests.
#include "stratoscope/session/session.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "stratoscope/experiments/bench.h"
#include "stratoscope/experiments/info.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/tokens.h"
#include "stratoscope/session/json_document.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"

namespace stratoscope {
namespace {

using test::built_in;
using test::refuses;

TEST(RunText, TheEffectIsTheLargestOverThePositionsRead) {
  const Text text = built_in().read(test::kPenguins);
  const auto effect = [&](const std::vector<EditExpression>& edits, std::optional<std::size_t> row = std::nullopt) {
    return run_text(built_in(), text, {edits, std::nullopt}, {}, {}, row).effect;
  };
  EXPECT_FALSE(effect({}));
  const auto nothing = effect({"blocks.3.hook_resid_post *= 1"});
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->kl, 0);
  EXPECT_EQ(nothing->max_change, 0);
  const std::vector<EditExpression> late = {"blocks.3.hook_resid_post[7:] *= 0.2"};
  EXPECT_GT(effect(late)->kl, 0.01);
  EXPECT_EQ(effect(late, 6)->max_change, 0) << "rows before the edit cannot change";
  EXPECT_GE(effect(late)->kl, effect(late, 8)->kl);
}

TEST(EffectWarning, ExplainsTheLastBlocksScaling) {
  const ModelConfig& config = built_in().config();
  EXPECT_EQ(effect_warning({0.1, 1}, config, {"blocks.11.hook_resid_post *= 0.8"}), "");
  EXPECT_NE(effect_warning({0, 0}, config, {"blocks.11.hook_resid_post *= 0.8"}).find("the final norm cancels"),
            std::string::npos);
  EXPECT_NE(effect_warning({0, 0}, config, {"transformer.h.-1 *= 0.8"}).find("the final norm cancels"),
            std::string::npos);
  EXPECT_EQ(effect_warning({0, 0}, config, {"blocks.3.hook_resid_post *= 1"}),
            "the edit moved the prediction by next to nothing");
  EXPECT_EQ(effect_warning({std::nan(""), std::nan("")}, config, {"blocks.3.hook_resid_post *= 1"}),
            "the edited logits are not finite");
}

TEST(Predict, SurprisalsAreTheLogProbabilitiesOfTheTokensThatCame) {
  PredictRequest request;
  request.text = test::kPenguins;
  request.all = true;
  request.position = 3;
  request.top = 5;
  const Predictions all = predict(built_in(), request);
  EXPECT_EQ(all.position, 3U);
  ASSERT_EQ(all.surprisals.size(), 9U);
  double sum = 0;
  for (const Surprisal& surprisal : all.surprisals) {
    request.position = static_cast<long>(surprisal.index) - 1;
    request.top = built_in().config().d_vocab;
    const Predictions before = predict(built_in(), request);
    for (const Prediction& prediction : before.top)
      if (prediction.id == surprisal.id) {
        EXPECT_NEAR(surprisal.nats, -prediction.log_prob, 1e-12);
      }
    EXPECT_EQ(surprisal.id, all.text.ids[surprisal.index]);
    sum += surprisal.nats;
  }
  EXPECT_NEAR(all.mean_loss, sum / 9, 1e-12);
  request.top = 0;
  EXPECT_TRUE(refuses([&] { predict(built_in(), request); }, "--top 0 asks for nothing"));
  request.top = 1;
  request.position = 10;
  EXPECT_TRUE(refuses([&] { predict(built_in(), request); }, "position: 10 is out of range"));
}

TEST(CountTokens, OfTheGoldens) {
  const auto golden = test::golden("demo3.json");
  const TokenCounts counts = tokens(built_in(), {golden["text"].get<std::string>(), {}});
  const std::string& text = counts.text.text;
  EXPECT_EQ(counts.characters, text.size());
  EXPECT_EQ(counts.unique_characters, std::set<char>(text.begin(), text.end()).size());
  EXPECT_EQ(counts.unique, std::set<TokenId>(counts.text.ids.begin(), counts.text.ids.end()).size());
  EXPECT_EQ(tokens(built_in(), {"é€😀é", {}}).characters, 4U);
  EXPECT_EQ(tokens(built_in(), {"é€😀é", {}}).unique_characters, 3U);
}

TEST(ReadIds, GivesTheTextThatTheyAre) {
  for (const char* written : {"A wise man once said", "é€😀é", " two  spaces\n"}) {
    const Text text = built_in().read(written), same = built_in().read(text.ids);
    EXPECT_EQ(same.text, written);
    EXPECT_EQ(same.ids, text.ids);
    EXPECT_EQ(same.tokens, text.tokens);
    EXPECT_EQ(same.offsets, text.offsets);
  }
}

TEST(ReadIds, ShowsBytesThatAreNoText) {
  const Text penguin = built_in().read("🐧");
  ASSERT_GT(penguin.ids.size(), 1U);
  const Text part = built_in().read(TokenIds{penguin.ids[0], penguin.ids[0]});
  EXPECT_EQ(part.text, penguin.tokens[0] + penguin.tokens[0]);
  EXPECT_EQ(part.offsets[1], std::pair(penguin.tokens[0].size(), part.text.size()));
}

TEST(ReadIds, AreReadAsTheyAre) {
  TextInput both = "text";
  both.ids = {3};
  EXPECT_THROW(built_in().read(both), UsageError);
  TextOptions options;
  options.added = AddedTokens::beginning;
  EXPECT_THROW(built_in().read(TokenIds{3}, options), UsageError);
  EXPECT_TRUE(refuses([] { built_in().read(TokenIds{8192}); }, "the weights have no row"));
  EXPECT_TRUE(refuses([] { built_in().read(TokenIds{-1}); }, "the weights have no row"));
  EXPECT_TRUE(refuses([] { built_in().read(TokenIds(600, 3)); }, "has 600 tokens"));
  options = {};
  options.repeat = true;
  EXPECT_EQ(built_in().read(TokenIds{5, 7}, options).ids, (TokenIds{5, 7, 5, 7}));
}

TEST(Sessions, LoadTheModelOnceForAllThreads) {
  const Session session({(test::kSource / "models/novella-7m").string(), Precision::fp32, 0, nullptr});
  const Session copy = session;
  EXPECT_FALSE(session.model_is_loaded());
  std::array<const Model*, 4> seen{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < seen.size(); ++i)
    threads.emplace_back([&, i] { seen[i] = i % 2 == 0 ? &session.model() : &copy.model(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(session.model_is_loaded() && copy.model_is_loaded());
  for (const Model* model : seen) EXPECT_EQ(model, seen[0]);
}

TEST(Documents, SayWhatTheyWereMadeWithAndNumbersThatAreNone) {
  const Json json = begin_document(built_in(), Effect{1, 2});
  EXPECT_EQ(json["model"]["name"], "novella-7m");
  EXPECT_EQ(json["model"]["hash"].get<std::string>().size(), 16U);
  EXPECT_EQ(json["precision"], "fp32");
  EXPECT_FALSE(json["isa"].get<std::string>().empty());
  EXPECT_EQ(json["effect"]["kl"], 1.0);
  EXPECT_TRUE(finish_document(json).all_finite());
  EXPECT_FALSE(finish_document(Json{{"a", {1, {{"b", std::nan("")}}}}}).all_finite());
  EXPECT_FALSE(finish_document(Json::array({-std::numeric_limits<double>::infinity()})).all_finite());
  EXPECT_EQ(json_of(to_json(built_in(), ModelInfo{}))["hook_points"].size(), 2U + 12 * 20 + 4);
}

TEST(Timing, OperationsCountedByHand) {
  const ModelConfig config = test::described({2, 1, 3, 5, 9, 7});
  // For 4 tokens: in each block q, k, v and the output (3x9, 3x3), the MLP (3x5 twice), scores and mix over
  // 1+2+3+4 keys; then the unembedding (3x7).
  const double products = 2.0 * 4 * (3 * 9 + 3 * 3 + 3 * 5 + 5 * 3), attention = 2.0 * 2 * 3 * 10;
  EXPECT_EQ(forward_operations(config, 4), 2 * (products + attention) + 2.0 * 4 * 3 * 7);
}

TEST(Timing, RefusesWhatItCannotTime) {
  EXPECT_TRUE(refuses([] { bench(built_in(), {{0}, 1}); }, "0 tokens are out of range"));
  EXPECT_TRUE(refuses([] { bench(built_in(), {{100000}, 1}); }, "100000 tokens are out of range"));
  EXPECT_TRUE(refuses([] { bench(built_in(), {{1}, 0}); }, "--repeat 0 measures nothing"));
  EXPECT_TRUE(refuses([] { bench(built_in(Precision::fp64), {{1}, 1}); }, "fp64 is a reference"));
}

TEST(Timing, GivesARunForEachLength) {
  const Timing timing = bench(built_in(), {{3, 1}, 1});
  ASSERT_EQ(timing.runs.size(), 2U);
  EXPECT_EQ(timing.runs[0].tokens, 3U);
  for (const TimedRun& run : timing.runs) EXPECT_TRUE(run.forward_s > 0 && run.prompt_s > 0 && run.sweep_s > 0);
  EXPECT_GT(timing.resident_bytes, built_in().model().weight_bytes());
}

TEST(Session, FilesThatDoNotBelongTogether) {
  const test::TestModelFolder folder;
  const auto open = [&] { Session({folder.path().string(), Precision::fp32, 0, nullptr}); };
  EXPECT_TRUE(refuses(open, "vocab.json"));
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer.json"}) {
    std::error_code none;
    std::filesystem::copy_file(test::kSource / "models/novella-7m" / name, folder / name, none);
  }
  const Session session({folder.path().string(), Precision::fp32, 0, nullptr});
  ASSERT_EQ(session.notes().size(), 1U);
  EXPECT_NE(session.notes()[0].find("8125 tokens of the vocabulary without a row in the weights"), std::string::npos);
  EXPECT_TRUE(refuses([&] { session.read("The king"); }, "for which the weights have no row"));
  EXPECT_TRUE(refuses([&] { session.ids_of("The king"); }, "for which the weights have no row"));
}

class CountingProgress : public Progress {
 public:
  void update(const char* what, std::size_t, std::size_t) override { ++updates[what]; }
  bool cancelled() const override { return stops; }
  std::map<std::string, int> updates;
  bool stops = false;
};

TEST(Session, WithAProgressOfItsOwnSharesTheModel) {
  const test::TestModelFolder folder;
  std::filesystem::copy(test::kSource / "models/novella-7m/tokenizer.json", folder.path() / "tokenizer.json");
  const Session session({folder.path().string(), Precision::fp32, 0, nullptr});
  CountingProgress first, second;
  second.stops = true;
  EXPECT_THROW(session.with_progress(&second).model(), Interrupted);
  EXPECT_FALSE(session.model_is_loaded());
  const Session reporting = session.with_progress(&first);
  const Model& loaded = reporting.model();
  EXPECT_EQ(&session.model(), &loaded);
  EXPECT_EQ(first.updates["loading"], 3) << "two blocks and the unembedding";
  EXPECT_EQ(reporting.progress(), &first);
  EXPECT_EQ(session.progress(), nullptr);
}

}  // namespace
}  // namespace stratoscope
