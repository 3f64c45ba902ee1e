// The distributions of the values at hook points, block by block: histograms over common bins, and their moments
// (analysis/histogram.h, moments.h).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/analysis/histogram.h"
#include "stratoscope/analysis/moments.h"
#include "stratoscope/base/api.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

struct DistributionsRequest {
  TextInput text = {};
  TextOptions text_options = {};
  Edits edits = {};
  // As captures: names, globs, with positions and heads ("hook_q[-1].head[3]"); the name of a hook without its block
  // means all blocks (in_all_blocks).
  std::vector<HookExpression> hooks = {};
  std::size_t bins = 60;
  // The ends of the bins, two numbers. Default: robust_limits of all values, also of the clean run's that is compared.
  std::vector<double> limits = {};
  bool own_bins = false;  // each hook has limits of its own
  bool compare = false;   // also the clean run's
};
void describe(DistributionsRequest& request, Fields& fields);

// The values at one hook point. Of scores and patterns only keys that a query sees count: the others have no value.
struct Distribution {
  std::string hook_point;
  std::optional<std::size_t> block;  // empty for a hook outside of the blocks
  Moments moments;
  Histogram histogram;
};

// One hook, block by block.
struct HookDistributions {
  std::string hook;   // "attn.hook_q"
  std::string label;  // with the chosen heads and positions, if all blocks have the same
  std::vector<Distribution> blocks;
};

struct Distributions {
  Text text;
  std::vector<std::size_t> blocks;       // those that any of the hooks was read in, ascending
  std::vector<HookDistributions> hooks;  // in firing order
  std::vector<HookDistributions> clean;  // of a comparison, where there are edits
  std::vector<GlobMatch> globs;
  std::optional<Effect> effect;
};

// Throws UsageError for limits that are not two ascending numbers.
void check(const DistributionsRequest& request);
Distributions distributions(const Session& session, const DistributionsRequest& request);
Document to_json(const Session& session, const Distributions& result, DocumentParts parts = DocumentParts::all);
// edges [hook, bin + 1] and counts [hook, block, bin]; count, mean, variance, kurtosis, zeros, min, max and outside
// [hook, block], NaN for a block that lacks the hook. A hook outside of the blocks stands in the first one. Of a
// comparison also those of the clean run, with names that begin with "clean_".
std::vector<NamedValues> arrays_of(const Distributions& result);
Figure figure_of(const Distributions& result);

}  // namespace stratoscope
