#include "stratoscope/experiments/distributions.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/memory.h"
#include "stratoscope/base/names.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/ops/attention.h"
#include "stratoscope/probe/captures.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMostBins = 10'000, kMostServedBins = 1000;
// Limits are found from at most about this many values, evenly spaced.
constexpr std::size_t kMostForLimits = 4'000'000;

// All values of a capture, without the keys that a query does not see.
template <class T, class Use>
void for_each_value(const Capture& capture, const BasicTensor<T>& values, const ModelConfig& config, const Use& use) {
  if (!has_axis(capture.at, HookAxis::key, config)) {
    for (const T value : values.values()) use(static_cast<double>(value));
    return;
  }
  const KeyWindow window{config.blocks[capture.at.layer].attention.window};
  const std::size_t queries = values.shape()[1];
  for (std::size_t row = 0; row < values.matrix().rows; ++row) {
    const std::size_t i = row % queries, query = capture.rows ? (*capture.rows)[i] : i;
    for (std::size_t key = window.first_key(query); key <= query; ++key)
      use(static_cast<double>(values.matrix().row(row)[key]));
  }
}

// "attn.hook_q of head 3 at position −1" where every block has the same choice; without it otherwise.
std::string label_of(const std::vector<const Capture*>& captures) {
  const Capture& first = *captures.front();
  const bool same = std::all_of(captures.begin(), captures.end(), [&](const Capture* each) {
    return each->heads == first.heads && each->rows == first.rows;
  });
  const auto listed = [](const char* one, const std::vector<std::size_t>& indices) {
    std::string text = std::string(one) + (indices.size() == 1 ? " " : "s ");
    if (indices.size() > 4) return std::to_string(indices.size()) + " " + one + "s";
    for (std::size_t i = 0; i < indices.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(indices[i]);
    return text;
  };
  std::string label(info_of(first.at.hook).name);
  if (same && first.heads) label += " of " + listed("head", *first.heads);
  if (same && first.rows) label += " at " + listed("position", *first.rows);
  return label;
}

// The runs whose values are counted, and the hooks in them.
class Reader {
 public:
  Reader(const Session& session, const DistributionsRequest& request, const std::vector<Capture>& captures)
      : config_(session.config()), request_(request) {
    for (const Capture& capture : captures) {
      if (hooks_.empty() || hooks_.back().front()->at.hook != capture.at.hook) {
        const auto known = std::find_if(hooks_.begin(), hooks_.end(),
                                        [&](const auto& each) { return each.front()->at.hook == capture.at.hook; });
        if (known != hooks_.end()) {
          known->push_back(&capture);
          continue;
        }
        hooks_.emplace_back();
      }
      hooks_.back().push_back(&capture);
    }
    std::sort(hooks_.begin(), hooks_.end(),
              [](const auto& a, const auto& b) { return a.front()->at.hook < b.front()->at.hook; });
  }

  std::vector<std::size_t> blocks() const {
    std::set<std::size_t> blocks;
    for (const auto& hook : hooks_)
      for (const Capture* capture : hook)
        if (is_in_block(*capture)) blocks.insert(capture->at.layer);
    return {blocks.begin(), blocks.end()};
  }

  // The ends of each hook's bins, from these runs.
  void find_limits(const std::vector<const AnyRun*>& runs) {
    limits_.assign(hooks_.size(), {0, 1});
    if (!request_.limits.empty()) {
      limits_.assign(hooks_.size(), {request_.limits[0], request_.limits[1]});
    } else if (request_.own_bins) {
      for (std::size_t h = 0; h < hooks_.size(); ++h) limits_[h] = limits_of(runs, {hooks_[h]});
    } else {
      limits_.assign(hooks_.size(), limits_of(runs, hooks_));
    }
  }

  std::vector<HookDistributions> read(const AnyRun& run) const {
    std::vector<HookDistributions> all;
    for (std::size_t h = 0; h < hooks_.size(); ++h) {
      HookDistributions& of = all.emplace_back();
      of.hook = info_of(hooks_[h].front()->at.hook).name;
      of.label = label_of(hooks_[h]);
      for (const Capture* capture : hooks_[h]) {
        Distribution each{
            name_of(capture->at), std::nullopt, {}, Histogram(limits_[h].first, limits_[h].second, request_.bins)};
        if (is_in_block(*capture)) each.block = capture->at.layer;
        visit(run, *capture, [&](double value) {
          each.moments.add(value);
          each.histogram.add(value);
        });
        of.blocks.push_back(std::move(each));
      }
    }
    return all;
  }

 private:
  static bool is_in_block(const Capture& capture) { return info_of(capture.at.hook).scope == Scope::block; }

  template <class Use>
  void visit(const AnyRun& run, const Capture& capture, const Use& use) const {
    std::visit([&](const auto& values) { for_each_value(capture, values.value(capture.at), config_, use); }, run);
  }

  std::pair<double, double> limits_of(const std::vector<const AnyRun*>& runs,
                                      const std::vector<std::vector<const Capture*>>& hooks) const {
    std::size_t count = 0, place = 0;
    const auto for_all = [&](const auto& use) {
      for (const AnyRun* run : runs)
        for (const auto& hook : hooks)
          for (const Capture* capture : hook) visit(*run, *capture, use);
    };
    for_all([&](double) { ++count; });
    const std::size_t step = count / kMostForLimits + 1;
    std::vector<double> values;
    values.reserve(count / step + 1);
    for_all([&](double value) {
      if (place++ % step == 0) values.push_back(value);
    });
    return robust_limits(values);
  }

  const ModelConfig& config_;
  const DistributionsRequest& request_;
  std::vector<std::vector<const Capture*>> hooks_;
  std::vector<std::pair<double, double>> limits_;
};

CaptureList captures_named(const DistributionsRequest& request, const ModelConfig& config) {
  std::vector<HookExpression> expressions = request.hooks;
  for (HookExpression& expression : expressions) expression.hook = in_all_blocks(expression.hook);
  return {expressions, config};
}

double bytes_of(const std::vector<Capture>& captures, const Session& session, std::size_t positions) {
  double numbers = 0;
  for (const Capture& capture : captures) {
    auto each = static_cast<double>(element_count(shape_of(capture.at, session.config(), positions)));
    if (capture.rows) each *= static_cast<double>(capture.rows->size()) / static_cast<double>(positions);
    if (capture.heads)
      each *= static_cast<double>(capture.heads->size()) / static_cast<double>(heads_of(capture.at, session.config()));
    numbers += each;
  }
  const std::size_t size = session.precision() == Precision::fp64 ? sizeof(double) : sizeof(float);
  return numbers * static_cast<double>(size);
}

}  // namespace

void describe(DistributionsRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields
      .add("hooks", request.hooks,
           "the hook points: names, globs, or a name without its block such as hook_q, which means all blocks; with "
           "positions and heads, as in hook_q[-1].head[3]")
      .as_option("at")
      .value("HOOK …")
      .several(looks_like_a_hook_point)
      .required();
  fields.add("bins", request.bins, "the number of bins").value("N").range(1, kMostBins).serve_at_most(kMostServedBins);
  fields
      .add("limits", request.limits,
           "the ends of the bins (default: those of the values, without the outermost 0.1 % where they lie far out)")
      .value("LO,HI");
  fields.add("own_bins", request.own_bins, "bins of each hook's own values, instead of the same for all");
  add_compare(fields, request.compare);
  add_text(fields, request.text);
}

void check(const DistributionsRequest& request) {
  if (request.limits.empty()) return;
  if (request.limits.size() != 2 || !(request.limits[0] < request.limits[1]))
    throw UsageError("distributions", "--limits takes two numbers, the lower one first, as in -3,3");
  if (request.own_bins) throw UsageError("distributions", "--limits excludes --own-bins");
}

Distributions distributions(const Session& session, const DistributionsRequest& request) {
  if (request.hooks.empty()) throw Error("distributions", "no hook point is named", "name one with --at");
  if (request.bins == 0) throw Error("distributions", "0 bins hold no value", "give 1 or more");
  check(request);
  Distributions result;
  const CaptureList list = captures_named(request, session.config());
  result.globs = list.globs();
  result.text = session.read(request.text, request.text_options);
  const std::size_t ends[] = {0, result.text.ids.size()};
  const std::vector<Capture> captures = list.of_texts(ends);
  require_memory(bytes_of(captures, session, ends[1]) * (request.compare ? 2 : 1), ends[1]);
  RunRequest pass;
  pass.captures = captures;
  pass.hidden_states = false;
  pass.logits = LogitRows::last;
  const bool reads_logits = std::any_of(captures.begin(), captures.end(), [](const Capture& capture) {
    return info_of(capture.at.hook).scope == Scope::after_blocks;
  });
  if (reads_logits) pass.logits = LogitRows::all;
  const EditedRun edited = run_text(session, result.text, request.edits, pass, request.text_options);
  result.effect = edited.effect;
  std::optional<EditedRun> clean;
  if (request.compare && edited.effect) clean = run_text(session, result.text, {}, pass, request.text_options);
  Reader reader(session, request, captures);
  std::vector<const AnyRun*> runs = {&edited.run};
  if (clean) runs.push_back(&clean->run);
  reader.find_limits(runs);
  result.blocks = reader.blocks();
  result.hooks = reader.read(edited.run);
  if (clean) result.clean = reader.read(clean->run);
  return result;
}

}  // namespace stratoscope
