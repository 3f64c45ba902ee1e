// The list of all experiments.
#include "stratoscope/experiments/ablate.h"
#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/attention.h"
#include "stratoscope/experiments/attribution.h"
#include "stratoscope/experiments/compare.h"
#include "stratoscope/experiments/distributions.h"
#include "stratoscope/experiments/edges.h"
#include "stratoscope/experiments/embeddings.h"
#include "stratoscope/experiments/generate.h"
#include "stratoscope/experiments/geometry.h"
#include "stratoscope/experiments/heatmap.h"
#include "stratoscope/experiments/info.h"
#include "stratoscope/experiments/lens.h"
#include "stratoscope/experiments/patch.h"
#include "stratoscope/experiments/predict.h"
#include "stratoscope/experiments/run.h"
#include "stratoscope/experiments/score.h"
#include "stratoscope/experiments/similarity.h"
#include "stratoscope/experiments/steer.h"
#include "stratoscope/experiments/sweep.h"
#include "stratoscope/experiments/tokens.h"
#include "stratoscope/experiments/typed_experiment.h"
#include "stratoscope/experiments/verify.h"
#include "stratoscope/experiments/weights.h"

namespace stratoscope {
namespace {

constexpr const char* kPenguins = R"({"text": "Penguins are cute."})";

// An experiment without a run needs no record.
Experiment not_recorded(Experiment experiment) {
  experiment.is_recorded = false;
  return experiment;
}

Experiment saved_run() {
  Experiment experiment = not_recorded(
      make_experiment<SaveRunRequest, SavedRun>("run", "one forward pass, saved: hidden states, logits, any hook point",
                                                run, {"file", "texts", "tokens", "keys"}));
  experiment.is_served = false;
  return experiment;
}

}  // namespace

const std::vector<Experiment>& all_experiments() {
  static const std::vector<Experiment> all = {
      not_recorded(make_experiment("info", "the model: architecture, sizes, and every hook point", info,
                                   {"config", "parameters", "dtype", "memory", "folder", "hook_points"})),
      not_recorded(make_experiment(
          "tokens", "a text's tokens, ids and byte offsets; any length", tokens,
          {"text", "ids", "tokens", "offsets", "characters", "unique_characters", "count", "unique", "context"},
          kPenguins)),
      saved_run(),
      make_experiment("predict", "the most likely next tokens, and each token's surprisal", predict,
                      {"position", "predictions"}, kPenguins),
      make_experiment("score",
                      "perplexity of texts and log-likelihoods of choices, and their change by edits or models", score,
                      {"context", "stride", "total", "texts"}, kPenguins),
      make_experiment<HeatmapRequest, TextHeatmap>(
          "heatmap", "a text coloured by a number for each token: surprisal, activations, attention, …", heatmap,
          {"ids", "tokens", "rows"}, kPenguins),
      make_experiment("activations", "one token's activations at every depth, and their variance", activations,
                      {"token", "layers"}, kPenguins),
      make_experiment("distributions", "histograms, variance and kurtosis of the values at hook points, block by block",
                      distributions, {"hooks", "bins", "tokens"},
                      R"({"text": "Penguins are cute.", "hooks": ["hook_q", "hook_k", "hook_v"]})"),
      make_experiment("similarity", "cosine similarity between depths, between tokens, or the laminar profile",
                      similarity, {}, R"({"text": "Penguins are cute.", "across": "layers"})"),
      make_experiment<SweepExperimentRequest, SweptPrompts>(
          "sweep", "one edit over a grid: layers, positions, factors, …", sweep, {"metric", "clean", "axes", "results"},
          R"({"text": "As Gregor Samsa awoke", "edits": ["blocks.{layer}.hook_resid_post *= 0.8"], "axes": ["layer=all"],
              "targets": [" insect"]})"),
      make_experiment("patch", "activation patching: the effect of each value on the difference between two prompts",
                      patch, {"clean", "corrupt", "direction", "metric", "target", "tokens", "grids"},
                      R"({"text": "Penguins are cute.", "corrupt": "Penguins are rude.", "targets": [" and"]})"),
      make_experiment("ablate", "every head, MLP or block ablated alone, ranked by effect", ablate,
                      {"metric", "target", "value", "clean", "ablations"},
                      R"({"text": "Penguins are cute.", "parts": ["mlps"], "targets": [" and"]})"),
      make_experiment("edges", "path patching: every edge from a head or MLP to a later one, patched alone", edges,
                      {"metric", "target", "replacement", "clean", "senders", "receivers", "values", "edges"},
                      R"({"text": "Penguins are", "targets": [" cute"]})"),
      make_experiment("steer", "a direction from two sets of prompts, its effect by block and strength, and on a text",
                      steer, {"hook", "prompts", "norms", "metric", "target", "clean", "axes", "results", "generated"},
                      R"({"text": "Penguins are", "positive": ["I love it."], "negative": ["I hate it."], "layers": [3],
                          "max_new": 3})"),
      make_experiment("compare", "two groups of prompts: every neuron, dimension or head tested, probes by block, RSA",
                      compare_groups, {"at", "position", "groups", "tests", "units", "layers", "rsa"},
                      R"({"group_a": ["I love it.", "A fine day."], "group_b": ["I hate it.", "A foul day."],
                          "shuffles": 2})"),
      make_experiment<GenerateTextRequest, GeneratedText>("generate", "continue a text, with edits, token by token",
                                                          generate, {"prompt", "text", "stopped", "tokens"},
                                                          R"({"text": "Penguins are", "max_new": 3})"),
      make_experiment("lens", "the logit lens: the prediction at each depth", lens, {"positions", "tokens", "layers"},
                      kPenguins),
      make_experiment("attention", "attention patterns, and heads ranked by their scores", attention,
                      {"tokens", "heads", "patterns"}, kPenguins),
      make_experiment<AttributionRequest, Attribution>(
          "attribution", "the contributions of components, heads, neurons and source positions to a logit", attribution,
          {"position", "target", "value", "components", "heads"}, kPenguins),
      make_experiment("geometry",
                      "geometry of hidden states: norms, effective dimension, anisotropy, CKA, PCA, nearest tokens",
                      geometry, {"at", "tokens", "layers", "cka", "pca"}, kPenguins),
      not_recorded(make_experiment<EmbeddingsRequest, Embeddings>(
          "embeddings", "words in the embedding or unembedding: vectors, cosines, nearest tokens, analogies",
          embeddings, {"table", "shape", "norms", "words", "cosines", "analogies"},
          R"({"words": ["king", "queen", "man"], "analogies": ["king - man + woman"]})")),
      not_recorded(make_experiment("weights",
                                   "the checkpoint's tensors: names, formats, shapes, statistics, copies in files",
                                   weights, {"tensors", "total"}, R"({"names": ["wte.weight"]})")),
      make_experiment("verify", "the largest error against float64, at every hook point and depth", verify,
                      {"hook_points"}, kPenguins),
  };
  return all;
}

}  // namespace stratoscope
