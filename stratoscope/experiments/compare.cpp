#include "stratoscope/experiments/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "stratoscope/analysis/logistic_probe.h"
#include "stratoscope/analysis/permutation.h"
#include "stratoscope/analysis/ranks.h"
#include "stratoscope/analysis/similarity.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/hook_names.h"
#include "stratoscope/session/hook_rows.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostShuffles = 1000, kMostFolds = 100;

// "last" and "mean" or an index; nothing for the mean.
std::optional<Index> position_of(const std::string& written) {
  if (written == "mean") return std::nullopt;
  if (written == "last") return Index(-1);
  if (wrong_piece(written) || written.find_first_not_of("-0123456789") != std::string::npos)
    throw Error("compare", in_quotes(written) + " is no position", "last, mean, or an index such as 3 or -2");
  return Index::parse(written, "position");
}

// The hook points, all of one hook, and their heads.
std::vector<Capture> points_at(const HookExpression& at, const ModelConfig& config) {
  if (at.positions || at.keys || at.dims)
    throw Error("compare", in_quotes(at.text) + " selects more than heads",
                "name the hook point alone; the position is a field of its own");
  const auto hooks = hook_table();
  const bool is_short = std::any_of(hooks.begin(), hooks.end(), [&](const HookInfo& info) {
    return info.scope == Scope::block && info.name == at.hook;
  });
  const HookMatch match = match_hook(is_short ? "blocks.*." + at.hook : at.hook, config);
  std::vector<Capture> captures;
  for (const HookPoint point : match.points) {
    if (point.hook != match.points[0].hook)
      throw Error(
          "compare",
          in_quotes(at.text) + " matches different hooks, " + name_of(match.points[0]) + " and " + name_of(point),
          "name one hook of several blocks, such as mlp.hook_post");
    if (has_axis(point, HookAxis::key, config) || point.hook == Hook::unembed_out)
      throw Error("compare", name_of(point) + " cannot be compared",
                  "name one with a position and numbers of its own, such as hook_resid_post, mlp.hook_post or "
                  "attn.hook_z");
    Capture capture{point};
    const bool has_heads = has_axis(point, HookAxis::head, config);
    if (match.heads)
      capture.heads = match.heads;
    else if (at.heads && has_heads)
      capture.heads = at.heads->set_in(heads_of(point, config), "head");
    if (at.heads && !has_heads) throw Error("compare", name_of(point) + " has no heads", "leave out .head");
    captures.push_back(std::move(capture));
  }
  return captures;
}

std::string label_of(HookPoint point) {
  return info_of(point.hook).scope == Scope::block ? block_label(point.layer) : name_of(point);
}

// Without repetitions, which would count one prompt twice and let the probe see a prompt that it is judged on.
std::vector<std::string> each_once(const std::vector<std::string>& prompts, const std::string& group,
                                   std::vector<std::string>& warnings) {
  std::vector<std::string> kept;
  std::set<std::string> seen;
  for (const std::string& prompt : prompts)
    if (seen.insert(prompt).second) kept.push_back(prompt);
  if (kept.size() < 2)
    throw Error("compare",
                "group " + group + " has " + (kept.empty() ? "no prompt" : "only one prompt") +
                    (prompts.size() > kept.size() ? ", given several times" : ""),
                "a comparison needs two or more different prompts in each group");
  if (kept.size() < prompts.size())
    warnings.push_back("group " + group + " repeats " + std::to_string(prompts.size() - kept.size()) +
                       " prompts; each is used once");
  return kept;
}

// The numbers of all prompts at the hook points of a model, group A first.
struct PromptStates {
  std::vector<Capture> captures;
  std::map<HookPoint, BasicTensor<double>> rows;  // [prompts, units]

  MatrixView<const double> at(std::size_t point) const { return rows.at(captures[point].at).matrix(); }
};

PromptStates states_of(const Session& session, const CompareRequest& request, const std::vector<std::string>& a,
                       const std::vector<std::string>& b) {
  PromptStates states;
  states.captures = points_at(request.at, session.config());
  const std::optional<Index> position = position_of(request.position);
  std::vector<Text> texts;
  for (const auto& [group, prompts] : {std::pair("A", &a), std::pair("B", &b)}) {
    const std::string what = "prompt of group " + std::string(group);
    for (Text& text : read_each(session, *prompts, request.text_options, what)) {
      if (position) position->in(text.ids.size(), "position of " + in_quotes(text.text));
      texts.push_back(std::move(text));
    }
  }
  states.rows = hook_rows(session, texts, states.captures, position, request.norms);
  return states;
}

class GroupComparer {
 public:
  GroupComparer(const Session& session, const CompareRequest& request, const PromptStates& states,
                GroupComparison& result)
      : session_(session), request_(request), states_(states), result_(result) {
    for (std::size_t i = 0; i < result.prompts.size(); ++i) is_first_.push_back(i < result.count_a);
  }

  void compare() {
    for (std::size_t i = 0; i < states_.captures.size(); ++i) add_point(i);
    correct();
    probe();
    for (std::size_t i = 0; i < states_.captures.size(); ++i)
      result_.similarities.push_back(cosine_matrix(states_.at(i)));
  }

 private:
  void add_point(std::size_t i) {
    const MatrixView<const double> rows = states_.at(i);
    ComparedPoint& point = result_.points.emplace_back();
    point.at = states_.captures[i].at;
    point.label = label_of(point.at);
    point.units = rows.cols;
    const bool has_heads = has_axis(point.at, HookAxis::head, session_.config());
    const auto& heads = states_.captures[i].heads;
    const std::size_t count = !has_heads ? 1 : heads ? heads->size() : heads_of(point.at, session_.config());
    const std::size_t length = rows.cols / count, first = result_.units.size();
    for (std::size_t unit = 0; unit < rows.cols; ++unit) {
      ComparedUnit& made = result_.units.emplace_back();
      made.point = i;
      if (has_heads) made.head = heads ? (*heads)[unit / length] : unit / length;
      if (!request_.norms) made.index = unit % length;
    }
    parallel_for(rows.cols, [&](std::size_t unit) {
      std::vector<double> a, b;
      for (std::size_t r = 0; r < rows.rows; ++r) (is_first_[r] ? a : b).push_back(rows.row(r)[unit]);
      result_.units[first + unit].difference = compare_two_groups(a, b);
    });
  }

  void correct() {
    std::vector<double> p;
    for (const ComparedUnit& unit : result_.units) p.push_back(unit.difference.p);
    const std::vector<double> by_number = bonferroni(p), rates = false_discovery_rates(p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      ComparedUnit& unit = result_.units[i];
      unit.p_bonferroni = by_number[i];
      unit.p_fdr = rates[i];
      if (unit.p_bonferroni <= request_.alpha) ++result_.points[unit.point].bonferroni;
      if (unit.p_fdr <= request_.alpha) ++result_.points[unit.point].fdr;
      if (!std::isnan(p[i])) result_.ranked.push_back(i);
    }
    std::sort(result_.ranked.begin(), result_.ranked.end(), [&](std::size_t i, std::size_t j) {
      const double size_i = std::abs(result_.units[i].difference.d), size_j = std::abs(result_.units[j].difference.d);
      return std::tuple(p[i], -size_i, i) < std::tuple(p[j], -size_j, j);
    });
    result_.ranked.resize(std::min(result_.ranked.size(), request_.top));
  }

  void probe() {
    std::vector<std::vector<bool>> labels = {is_first_};
    for (std::size_t shuffle = 0; shuffle < request_.shuffles; ++shuffle) {
      std::mt19937_64 random(request_.seed + 1 + shuffle);
      auto& shuffled = labels.emplace_back();
      for (const std::size_t from : permutation(is_first_.size(), random)) shuffled.push_back(is_first_[from]);
    }
    for (std::size_t i = 0; i < result_.points.size(); ++i) {
      if (session_.progress() != nullptr) session_.progress()->update("probes", i, result_.points.size());
      std::vector<ProbeQuality> found(labels.size());
      parallel_for(labels.size(), [&](std::size_t k) {
        found[k] = cross_validate(states_.at(i), labels[k], result_.folds, request_.seed, request_.penalty);
      });
      ComparedPoint& point = result_.points[i];
      point.accuracy = found[0].accuracy;
      point.auc = found[0].auc;
      double accuracy = 0, auc = 0;
      std::size_t reached = 1;
      for (std::size_t k = 1; k < found.size(); ++k) {
        accuracy += found[k].accuracy;
        auc += found[k].auc;
        if (found[k].accuracy >= found[0].accuracy) ++reached;
      }
      const auto shuffles = static_cast<double>(request_.shuffles);
      const bool is_judged = shuffles > 0 && !std::isnan(found[0].accuracy);
      point.chance_accuracy = is_judged ? accuracy / shuffles : kNoValue;
      point.chance_auc = is_judged ? auc / shuffles : kNoValue;
      point.p = is_judged ? static_cast<double>(reached) / (shuffles + 1) : kNoValue;
    }
  }

  const Session& session_;
  const CompareRequest& request_;
  const PromptStates& states_;
  GroupComparison& result_;
  std::vector<bool> is_first_;
};

std::vector<std::vector<double>> correlations(const std::vector<std::vector<std::vector<double>>>& rows,
                                              const std::vector<std::vector<std::vector<double>>>& columns,
                                              RsaCorrelation by) {
  constexpr std::size_t kFewestPairs = 3;
  // Spearman's is Pearson's of the ranks, which are found once.
  const auto pairs_of = [&](const auto& matrices) {
    std::vector<std::vector<double>> all;
    for (const auto& matrix : matrices) {
      all.push_back(upper_triangle(matrix, 0));
      if (by == RsaCorrelation::spearman) all.back() = mid_ranks(all.back());
    }
    return all;
  };
  const auto x = pairs_of(rows), y = pairs_of(columns);
  std::vector<std::vector<double>> result;
  for (const auto& row : x)
    for (auto& values = result.emplace_back(); const auto& column : y)
      values.push_back(row.size() < kFewestPairs ? kNoValue : pearson_correlation(row, column));
  return result;
}

void check_numbers(const CompareRequest& request) {
  const auto refuse = [](const std::string& problem, const char* hint) { throw Error("compare", problem, hint); };
  if (request.top == 0) refuse("--top 0 asks for nothing", "give 1 or more");
  if (!(request.alpha > 0 && request.alpha < 1))
    refuse("the significance level " + short_number(request.alpha) + " is not between 0 and 1", "such as 0.05");
  if (!(request.penalty > 0 && std::isfinite(request.penalty)))
    refuse("the penalty " + short_number(request.penalty) + " is not above 0", "such as 1");
  if (request.folds < 2) refuse("a probe needs two folds or more", "such as 5");
}

}  // namespace

void describe(CompareRequest& request, Fields& fields) {
  fields
      .add("group_a", FieldTarget(TextsOfFile{&request.group_a, PlainText::lines}),
           "the prompts of group A: one JSON object with text per line, or a .txt file with one prompt per line")
      .value("FILE")
      .positional()
      .required();
  fields
      .add("group_b", FieldTarget(TextsOfFile{&request.group_b, PlainText::lines}), "the prompts of group B, likewise")
      .value("FILE")
      .positional()
      .required();
  fields.add("at", request.at, "the compared hook point of every block, or a name or glob of one hook").value("HOOK");
  fields.add("norms", request.norms, "compare the norms of the heads (or of whole vectors) instead of single numbers");
  fields.add("position", request.position, "of each prompt: last, mean (over all positions), or an index").value("P");
  add_top(fields, request.top, "number of listed neurons, dimensions or heads").only_shown();
  fields.add("alpha", request.alpha, "the level of significance after correction").value("P");
  fields.add("folds", request.folds, "parts of the prompts for the probe's cross-validation")
      .value("K")
      .range(2, kMostFolds);
  fields.add("penalty", request.penalty, "weight of the probe's squared weights (L2)").value("X");
  fields.add("shuffles", request.shuffles, "shufflings of the labels for the probe's chance level; 0 for none")
      .value("N")
      .range(0, kMostShuffles)
      .serve_at_most(kMostServedTokens);
  fields.add("seed", request.seed, "of the folds and the shufflings").value("S");
  fields.add("correlation", request.correlation,
             "of the similarities between prompts at two blocks: spearman, of their ranks, or pearson");
  fields
      .add("with_model", request.with_model,
           "correlate with the similarities between the same prompts in this model, a name or folder")
      .value("NAME-OR-FOLDER")
      .local();
  fields
      .add("draw", request.draw,
           "contents of a figure: effects and probes, the correlations between blocks (rsa), or the similarities "
           "between prompts")
      .only_shown();
  add_added_tokens(fields, request.text_options);
  add_truncate(fields, request.text_options);
}

GroupComparison compare_groups(const Session& session, const CompareRequest& request) {
  check_numbers(request);
  GroupComparison result;
  const auto a = each_once(request.group_a, "A", result.warnings);
  const auto b = each_once(request.group_b, "B", result.warnings);
  result.count_a = a.size();
  result.count_b = b.size();
  result.position = request.position;
  result.norms = request.norms;
  result.alpha = request.alpha;
  result.folds = std::min({request.folds, a.size(), b.size()});
  result.shuffles = request.shuffles;
  result.correlation = request.correlation;
  result.prompts = a;
  result.prompts.insert(result.prompts.end(), b.begin(), b.end());
  const std::set<std::string> of_a(a.begin(), a.end());
  const auto shared = std::count_if(b.begin(), b.end(), [&](const std::string& text) { return of_a.contains(text); });
  if (shared > 0) result.warnings.push_back(std::to_string(shared) + " prompts are in both groups");
  const PromptStates states = states_of(session, request, a, b);
  const ThreadScope threads(session.model().threads());
  GroupComparer(session, request, states, result).compare();
  if (!request.with_model) {
    for (const ComparedPoint& point : result.points) result.other_labels.push_back(point.label);
    result.rsa = correlations(result.similarities, result.similarities, request.correlation);
    return result;
  }
  const Session other({*request.with_model, session.precision(), session.threads(), session.progress()});
  const PromptStates other_states = states_of(other, request, a, b);
  result.other_model = other.model_name();
  std::vector<std::vector<std::vector<double>>> similarities;
  for (std::size_t i = 0; i < other_states.captures.size(); ++i) {
    result.other_labels.push_back(label_of(other_states.captures[i].at));
    similarities.push_back(cosine_matrix(other_states.at(i)));
  }
  result.rsa = correlations(result.similarities, similarities, request.correlation);
  return result;
}

}  // namespace stratoscope
