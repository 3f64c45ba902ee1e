// Path patching in models of random descriptions and of known families' shapes, against whole runs: the output of one
// receiver on the changed stream is patched into the clean run.
#include "stratoscope/probe/edges.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <optional>

#include "stratoscope/model/make_edit.h"
#include "tests/support/described_model.h"
#include "tests/support/errors.h"
#include "tests/support/random_description.h"

namespace stratoscope {
namespace {

constexpr std::size_t kTokens = 6;
constexpr std::int32_t kTarget = 3;

using Doubles = std::vector<double>;  // [kTokens, width]

// Adds to every position, or sets one head or all numbers of every position.
HookEdit add_rows(HookPoint point, const Doubles& rows) {
  return {point, 0, make_edit([rows](const auto& value) {
            using Number = std::decay_t<decltype(value(0, 0, 0))>;
            const std::size_t width = value.shape[1] * value.shape[2];
            for (std::size_t p = 0; p < value.shape[0]; ++p)
              for (std::size_t i = 0; i < width; ++i)
                value(p, 0, i) += static_cast<Number>(rows[(p + value.first_position) * width + i]);
          })};
}

HookEdit set_rows(HookPoint point, const Doubles& rows, std::optional<std::size_t> head = std::nullopt) {
  return {point, 0, make_edit([rows, head](const auto& value) {
            using Number = std::decay_t<decltype(value(0, 0, 0))>;
            const std::size_t heads = value.shape[1], width = value.shape[2];
            for (std::size_t p = 0; p < value.shape[0]; ++p)
              for (std::size_t h = 0; h < heads; ++h)
                for (std::size_t i = 0; i < width && (!head || *head == h); ++i)
                  value(p, h, i) = static_cast<Number>(rows[((p + value.first_position) * heads + h) * width + i]);
          })};
}

class ByHand {
 public:
  ByHand(const test::DescribedModel& described, TokenIds ids)
      : model_(described.open(Precision::fp64)), ids_(std::move(ids)) {}

  Doubles value(HookPoint point, std::vector<HookEdit> edits = {}) const {
    RunRequest request;
    request.sequences = {ids_};
    request.edits = std::move(edits);
    request.captures = captures_of(std::vector{point});
    const auto run = model_.run_reference(request);
    return {run.value(point).values().begin(), run.value(point).values().end()};
  }

  double log_prob(std::vector<HookEdit> edits) const {
    RunRequest request;
    request.sequences = {ids_};
    request.edits = std::move(edits);
    const auto run = model_.run_reference(request);
    const auto row = run.logits.matrix().row_span(kTokens - 1);
    double sum = 0;
    for (const double logit : row) sum += std::exp(logit - row[kTarget]);
    return -std::log(sum);
  }

  // The change of the stream without the sender.
  Doubles change(const Component& sender) const {
    const ModelConfig& config = model_.config();
    Doubles rows(kTokens * config.d_model);
    const Doubles output = value({sender.is_mlp ? Hook::mlp_out : Hook::result, sender.layer});
    const double scale = sender.is_mlp ? 1 : config.blocks[sender.layer].branch_scale;
    const std::size_t width = output.size() / kTokens, first = sender.head * config.d_model;
    for (std::size_t p = 0; p < kTokens; ++p)
      for (std::size_t i = 0; i < config.d_model; ++i)
        rows[p * config.d_model + i] = -scale * output[p * width + first + i];
    return rows;
  }

  double edge(const Component& sender, const std::optional<Component>& receiver) const {
    const ModelConfig& config = model_.config();
    const Doubles rows = change(sender);
    if (!receiver) return log_prob({add_rows({Hook::resid_post, config.n_layers() - 1}, rows)});
    const std::size_t layer = receiver->layer;
    if (!receiver->is_mlp)
      return log_prob({set_rows({Hook::z, layer}, value({Hook::z, layer}, {add_rows({Hook::resid_pre, layer}, rows)}),
                                receiver->head)});
    const Hook read = config.blocks[layer].parallel ? Hook::resid_pre : Hook::resid_mid;
    return log_prob({set_rows({Hook::mlp_out, layer}, value({Hook::mlp_out, layer}, {add_rows({read, layer}, rows)}))});
  }

 private:
  Model model_;
  TokenIds ids_;
};

bool has_paths(const ModelConfig& config) {
  for (const BlockSpec& block : config.blocks)
    if (block.ln1_post.exists() || block.ln2_post.exists() || !block.ln1.exists() ||
        !(block.ln2.exists() || block.shared_norm) || block.attention.heads != config.blocks[0].attention.heads)
      return false;
  return true;
}

EdgesRequest zero_request(const TokenIds& ids) {
  EdgesRequest request;
  request.text = ids;
  request.replacement = Replacement::zero;
  request.targets = {kTarget};
  return request;
}

TEST(Edges, AreWhatOneReceiverMakesOfTheChangedStream) {
  std::size_t parallel = 0, shared = 0, serial = 0;
  std::uint64_t seed = 40;
  for (const ModelConfig& config : test::all_descriptions(40, 7)) {
    if (!has_paths(config)) continue;
    SCOPED_TRACE(test::summary_of(config));
    const test::DescribedModel described(config, ++seed);
    test::Random random(seed);
    const TokenIds ids = test::random_ids(random, kTokens, config.d_vocab);
    const Edges edges = patch_edges(described.open(Precision::fp64), zero_request(ids));
    const ByHand by_hand(described, ids);
    // A few of every kind.
    for (std::size_t s = 0; s < edges.components.size(); ++s)
      for (std::size_t r = 0; r <= edges.components.size(); ++r) {
        const bool to_logits = r == edges.components.size();
        const Component& sender = edges.components[s];
        EXPECT_FALSE(!to_logits && sender.layer > edges.components[r].layer && edges.has(s, r));
        EXPECT_EQ(edges.has(s, r), !std::isnan(edges.values[s][r]));
        if (!edges.has(s, r) || random.below(6) != 0) continue;
        const double expected = by_hand.edge(sender, to_logits ? std::nullopt : std::optional(edges.components[r]));
        EXPECT_NEAR(edges.values[s][r], expected, 2e-5 * (1 + std::abs(expected)))
            << name_of(sender) << " to " << (to_logits ? "logits" : name_of(edges.components[r]));
      }
    for (const BlockSpec& block : config.blocks) ++(block.shared_norm ? shared : block.parallel ? parallel : serial);
  }
  EXPECT_GT(parallel, 1U);
  EXPECT_GT(shared, 1U);
  EXPECT_GT(serial, 1U);
}

TEST(Edges, ANormAfterAttentionIsRefusedWithItsReason) {
  std::size_t refused = 0;
  for (const ModelConfig& config : test::all_descriptions(20, 3)) {
    if (!config.blocks[0].ln1_post.exists()) continue;
    const test::DescribedModel described(config, 1);
    EXPECT_TRUE(test::refuses([&] { patch_edges(described.open(), zero_request({1, 2})); }, "a norm after attention"));
    ++refused;
  }
  EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace stratoscope
