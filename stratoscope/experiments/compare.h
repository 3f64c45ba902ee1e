// Two groups of prompts compared: each number of a hook point by Welch's t-test, effect size and area under the curve;
// a linear probe at each block; and the similarity of all prompts to each other from block to block (RSA: Kriegeskorte
// et al. 2008). Formulas are in analysis/two_groups.h, ranks.h and logistic_probe.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "stratoscope/analysis/two_groups.h"
#include "stratoscope/base/api.h"
#include "stratoscope/base/choice.h"
#include "stratoscope/figures/figure.h"
#include "stratoscope/session/document.h"
#include "stratoscope/session/named_values.h"

namespace stratoscope {
class Fields;
}

namespace STRATOSCOPE_API stratoscope {

// The correlation of two matrices of similarities, over the pairs of prompts.
enum class RsaCorrelation { spearman, pearson };

// The content of a figure.
enum class CompareView {
  effects,  // effect sizes and significance by block, the probes, and the largest effects
  rsa,      // the correlations between blocks
  prompts,  // the similarities between prompts at some blocks
};

inline constexpr Choice<RsaCorrelation> kRsaCorrelations[] = {{RsaCorrelation::spearman, "spearman"},
                                                              {RsaCorrelation::pearson, "pearson"}};
constexpr std::span<const Choice<RsaCorrelation>> choices_of(RsaCorrelation) { return kRsaCorrelations; }
inline constexpr Choice<CompareView> kCompareViews[] = {
    {CompareView::effects, "effects"}, {CompareView::rsa, "rsa"}, {CompareView::prompts, "prompts"}};
constexpr std::span<const Choice<CompareView>> choices_of(CompareView) { return kCompareViews; }

struct CompareRequest {
  std::vector<std::string> group_a = {}, group_b = {};  // at least two different prompts each
  TextOptions text_options = {};
  // A hook point in every block by its name alone, or a name, shorthand or glob of one hook, with optional heads. It
  // has a pos axis and no key axis.
  HookExpression at = "hook_resid_post";
  bool norms = false;             // one number per head, or without heads per block: the norm of its vector
  std::string position = "last";  // of each prompt: last, mean (over all of them), or an index
  std::size_t top = 20;           // listed units
  double alpha = 0.05;            // of significance after correction
  std::size_t folds = 5;          // of the probe; fewer for smaller groups
  double penalty = 1;             // of the probe's squared weights
  std::size_t shuffles = 20;      // of the labels, for the probe's chance level; 0: none
  std::size_t seed = 0;           // of folds and shuffles
  RsaCorrelation correlation = RsaCorrelation::spearman;
  std::optional<std::string> with_model = {};  // a second model, for RSA between the two
  CompareView draw = CompareView::effects;
};
void describe(CompareRequest& request, Fields& fields);

// One number of a hook point: a neuron, a dimension, or a head's norm.
struct ComparedUnit {
  std::size_t point = 0;             // index of its hook point
  std::optional<std::size_t> head;   // where the hook point has heads
  std::optional<std::size_t> index;  // among the numbers of the head or of the point; none for a norm
  GroupDifference difference = {};
  double p_bonferroni = 0, p_fdr = 0;  // corrected for all units of all hook points
};

struct ComparedPoint {
  HookPoint at = {};
  std::string label;
  std::size_t units = 0, bonferroni = 0, fdr = 0;  // how many there are, and are significant after each correction
  double accuracy = 0, auc = 0;                    // of the probe, on prompts that it was not fitted to
  // Of shuffled labels: means, and the share of shuffles (with the true labels as one of them) that reach `accuracy`.
  // NaN without shuffles.
  double chance_accuracy = 0, chance_auc = 0, p = 0;
};

struct GroupComparison {
  std::size_t count_a = 0, count_b = 0;
  std::string position;
  bool norms = false;
  double alpha = 0.05;
  std::size_t folds = 0, shuffles = 0;
  std::vector<ComparedPoint> points;
  std::vector<ComparedUnit> units;  // of all points, in their order
  std::vector<std::size_t> ranked;  // indices of the listed units, by p and then by the size of d
  RsaCorrelation correlation = RsaCorrelation::spearman;
  std::vector<std::string> prompts;                            // of both groups
  std::vector<std::vector<std::vector<double>>> similarities;  // cosines [point][prompt][prompt]
  std::optional<std::string> other_model;
  std::vector<std::string> other_labels;  // the columns of `rsa`: this model's blocks, or the other one's
  std::vector<std::vector<double>> rsa;   // [point][point]; NaN for fewer than three pairs or equal similarities
  std::vector<std::string> warnings;
};

GroupComparison compare_groups(const Session& session, const CompareRequest& request);
// "L3[512]", "L5H3[12]", "L5H3"
std::string name_of(const GroupComparison& result, const ComparedUnit& unit);
Document to_json(const Session& session, const GroupComparison& result);
// mean_a, mean_b, t, degrees, p, d, auc, p_bonferroni and p_fdr [point, unit], NaN where a point has fewer units;
// accuracy, probe_auc and chance_accuracy [point]; rsa [point, point]; similarities [point, prompt, prompt].
std::vector<NamedValues> arrays_of(const GroupComparison& result);
Figure figure_of(const GroupComparison& result, const CompareRequest& request);

}  // namespace stratoscope
