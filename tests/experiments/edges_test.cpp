// Edges of small checkpoints against whole runs: a receiver's output on the changed stream is patched into the
// clean run.
#include "stratoscope/experiments/edges.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "stratoscope/model/make_edit.h"
#include "stratoscope/session/json_document.h"
#include "tests/support/built_in_model.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::refuses;

constexpr const char *kDead = "Marley was dead: to begin with.", *kDeaf = "Marley was deaf: to begin with.";
constexpr TokenId kFollowedId = 5;

Session small_session(const std::string& family) {
  return Session({(test::kSource / "tests/golden/families" / family).string(), Precision::fp64, 0, nullptr});
}

EdgesExperimentRequest edges_request() {
  EdgesExperimentRequest request;
  request.text = kDead;
  request.targets = {{"", kFollowedId}};
  return request;
}

// Rows of numbers, one for each position.
using Rows = std::vector<std::vector<double>>;

class EdgesByHand {
 public:
  EdgesByHand(const Session& session, Replacement replacement)
      : session_(session), replacement_(replacement), ids_(session.read(kDead).ids), other_(session.read(kDeaf).ids) {}

  double edge(const Component& sender, const Component* receiver) const {
    const Rows change = change_of(sender);
    const ModelConfig& config = session_.config();
    if (receiver == nullptr) return log_prob({added({Hook::resid_post, config.n_layers() - 1}, change)});
    const std::size_t layer = receiver->layer;
    if (!receiver->is_mlp) {
      const Rows z = rows_of({Hook::z, layer}, ids_, {added({Hook::resid_pre, layer}, change)});
      return log_prob({set({Hook::z, layer}, z, static_cast<long>(receiver->head))});
    }
    const Hook reads = config.blocks[layer].parallel ? Hook::resid_pre : Hook::resid_mid;
    const Rows output = rows_of({Hook::mlp_out, layer}, ids_, {added({reads, layer}, change)});
    return log_prob({set({Hook::mlp_out, layer}, output, -1)});
  }

  double log_prob(std::vector<HookEdit> edits) const {
    RunRequest request;
    request.sequences = {ids_};
    request.edits = std::move(edits);
    const auto run = session_.model().run_reference(request);
    const auto row = run.logits.matrix().row_span(ids_.size() - 1);
    double sum = 0;
    for (const double logit : row) sum += std::exp(logit - row[kFollowedId]);
    return -std::log(sum);
  }

 private:
  Rows rows_of(HookPoint point, const TokenIds& ids, std::vector<HookEdit> edits = {}) const {
    RunRequest request;
    request.sequences = {ids};
    request.edits = std::move(edits);
    request.captures = captures_of(std::vector{point});
    const auto run = session_.model().run_reference(request);
    const auto& value = run.value(point);
    const std::size_t width = value.size() / ids.size();
    Rows rows;
    for (std::size_t p = 0; p < ids.size(); ++p)
      rows.emplace_back(value.data() + p * width, value.data() + (p + 1) * width);
    return rows;
  }

  // The sender's output into the stream.
  Rows written_by(const Component& sender, const TokenIds& ids) const {
    const Rows all = rows_of({sender.is_mlp ? Hook::mlp_out : Hook::result, sender.layer}, ids);
    const std::size_t width = session_.config().d_model;
    const auto first = static_cast<std::ptrdiff_t>(sender.is_mlp ? 0 : sender.head * width);
    Rows rows;
    for (const auto& row : all)
      rows.emplace_back(row.begin() + first, row.begin() + first + static_cast<std::ptrdiff_t>(width));
    return rows;
  }

  Rows change_of(const Component& sender) const {
    const Rows own = written_by(sender, ids_);
    Rows change(own.size(), std::vector<double>(own[0].size()));
    if (replacement_ == Replacement::corrupt) change = written_by(sender, other_);
    if (replacement_ == Replacement::mean)
      for (auto& row : change)
        for (std::size_t i = 0; i < row.size(); ++i)
          for (const auto& one : own) row[i] += one[i] / static_cast<double>(own.size());
    for (std::size_t p = 0; p < own.size(); ++p)
      for (std::size_t i = 0; i < own[p].size(); ++i) change[p][i] -= own[p][i];
    return change;
  }

  static HookEdit added(HookPoint point, const Rows& rows) {
    return {point, 0, make_edit([rows](const auto& value) {
              using Number = std::decay_t<decltype(value(0, 0, 0))>;
              for (std::size_t p = 0; p < value.shape[0]; ++p)
                for (std::size_t i = 0; i < value.shape[2]; ++i)
                  value(p, 0, i) += static_cast<Number>(rows[p + value.first_position][i]);
            })};
  }

  // Of one head; -1: of all numbers.
  static HookEdit set(HookPoint point, const Rows& rows, long head) {
    return {point, 0, make_edit([rows, head](const auto& value) {
              using Number = std::decay_t<decltype(value(0, 0, 0))>;
              const std::size_t width = value.shape[2];
              for (std::size_t p = 0; p < value.shape[0]; ++p)
                for (std::size_t h = 0; h < value.shape[1]; ++h)
                  for (std::size_t i = 0; i < width && (head < 0 || head == static_cast<long>(h)); ++i)
                    value(p, h, i) = static_cast<Number>(rows[p + value.first_position][h * width + i]);
            })};
  }

  const Session& session_;
  Replacement replacement_;
  TokenIds ids_, other_;
};

class EdgesOfFamilies : public ::testing::TestWithParam<std::tuple<const char*, Replacement>> {};

TEST_P(EdgesOfFamilies, AreWhatOneReceiverMakesOfTheReplacedSender) {
  const auto [family, replacement] = GetParam();
  const Session session = small_session(family);
  EdgesExperimentRequest request = edges_request();
  if (replacement == Replacement::corrupt) request.corrupt = kDeaf;
  request.mean = replacement == Replacement::mean;
  const EdgesExperiment experiment = edges(session, request);
  EXPECT_EQ(experiment.replacement, replacement);
  const EdgesByHand by_hand(session, replacement);
  EXPECT_NEAR(experiment.edges.clean, by_hand.log_prob({}), 1e-10);
  const auto& components = experiment.edges.components;
  std::size_t found = 0, moved = 0;
  for (const StrongEdge& edge : experiment.strongest) {
    if (++found % 3 == 0) continue;
    const Component* receiver = edge.receiver == components.size() ? nullptr : &components[edge.receiver];
    const double expected = by_hand.edge(components[edge.sender], receiver);
    EXPECT_NEAR(experiment.edges.clean + edge.change, expected, 2e-5 * (1 + std::abs(expected)))
        << receiver_name(experiment, edge.sender) << " to " << receiver_name(experiment, edge.receiver);
    moved += std::abs(edge.change) > 1e-4 ? 1 : 0;
  }
  EXPECT_GT(moved, 5U) << "of " << found;
}

INSTANTIATE_TEST_SUITE_P(Experiment, EdgesOfFamilies,
                         ::testing::Combine(::testing::Values("llama3", "gpt_neox"),
                                            ::testing::Values(Replacement::zero, Replacement::mean,
                                                              Replacement::corrupt)));

TEST(EdgesExperiment, ListsEveryEdgeOnceTheStrongestFirst) {
  const Session session = small_session("llama3");
  EdgesExperimentRequest request = edges_request();
  request.metric = Metric::kl;
  request.targets = {};
  const EdgesExperiment experiment = edges(session, request);
  EdgesRequest plain;
  plain.text = session.read(kDead).ids;
  plain.replacement = Replacement::zero;
  plain.metric = Metric::kl;
  const Edges expected = patch_edges(session.model(), plain);
  std::vector<std::vector<int>> listed(expected.values.size(), std::vector<int>(expected.values.size() + 1));
  double before = HUGE_VAL;
  for (const StrongEdge& edge : experiment.strongest) {
    ++listed.at(edge.sender).at(edge.receiver);
    EXPECT_EQ(edge.change, expected.values[edge.sender][edge.receiver]) << "of a clean divergence of 0";
    EXPECT_LE(std::abs(edge.change), before);
    before = std::abs(edge.change);
  }
  for (std::size_t s = 0; s < listed.size(); ++s)
    for (std::size_t r = 0; r < listed[s].size(); ++r) EXPECT_EQ(listed[s][r], expected.has(s, r) ? 1 : 0);
}

TEST(EdgesExperiment, Refusals) {
  const Session session = small_session("llama3");
  const auto refused = [&](const auto& change, const char* says) {
    EdgesExperimentRequest request = edges_request();
    change(request);
    return refuses([&] { edges(session, request); }, says);
  };
  EXPECT_TRUE(refused([](auto& r) { r.corrupt = kDeaf, r.mean = true; }, "a corrupt text and the mean are given"));
  EXPECT_TRUE(refused([](auto& r) { r.targets = {}; }, "the metric log_prob reads 1 target"));
  EXPECT_TRUE(refused([](auto& r) { r.metric = Metric::entropy; }, "entropy"));
  EXPECT_TRUE(refused([](auto& r) { r.corrupt = ""; }, "is empty"));
  EXPECT_TRUE(refused([](auto& r) { r.memory_limit = 10; }, "--memory-limit"));
  EdgesExperimentRequest shorter = edges_request();
  shorter.corrupt = "Marley was dead";
  try {
    edges(session, shorter);
    FAIL();
  } catch (const LengthMismatch& error) {
    EXPECT_NE(std::string(error.what()).find("both need the same number"), std::string::npos);
    EXPECT_FALSE(error.details().empty());
  }
}

TEST(EdgesExperiment, DocumentAndFigureHoldTheSameNumbers) {
  const Session session = small_session("gpt_neox");
  EdgesExperimentRequest request = edges_request();
  request.top = 3;
  const EdgesExperiment experiment = edges(session, request);
  const nlohmann::json document = nlohmann::json::parse(to_json(session, experiment).text());
  const std::size_t count = experiment.edges.components.size();
  EXPECT_EQ(document["replacement"], "zero");
  EXPECT_EQ(document["senders"].size(), count);
  EXPECT_EQ(document["receivers"].size(), count + 1);
  EXPECT_EQ(document["receivers"][count], "logits");
  EXPECT_EQ(document["edges"].size(), experiment.strongest.size()) << "all of them, whatever is shown";
  EXPECT_EQ(document["edges"][0]["change"], experiment.strongest[0].change);
  EXPECT_EQ(document["edges"][0]["sender"], receiver_name(experiment, experiment.strongest[0].sender));
  const Figure figure = figure_of(experiment, request);
  ASSERT_EQ(figure.panels.size(), 2U);
  const auto& drawn = std::get<Heatmap>(figure.panels[1].marks[0]).values;
  std::size_t edges = 0;
  for (std::size_t s = 0; s < count; ++s)
    for (std::size_t r = 0; r <= count; ++r) {
      const bool has = experiment.edges.has(s, r);
      edges += has ? 1 : 0;
      EXPECT_EQ(document["values"][s][r].is_null(), !has);
      EXPECT_EQ(std::isnan(drawn[s][r]), !has);
      if (!has) continue;
      EXPECT_EQ(document["values"][s][r], experiment.edges.values[s][r]);
      EXPECT_EQ(drawn[s][r], experiment.edges.values[s][r] - experiment.edges.clean);
    }
  EXPECT_EQ(edges, experiment.strongest.size());
  // Each edge is two points and a break.
  std::size_t points = 0;
  for (const Mark& mark : figure.panels[0].marks) points += std::get<Line>(mark).x.size();
  EXPECT_EQ(points, 3U * request.top);
}

}  // namespace
}  // namespace stratoscope
