#include "stratoscope/experiments/geometry.h"

#include <algorithm>
#include <numeric>

#include "stratoscope/analysis/cka.h"
#include "stratoscope/analysis/nearest_rows.h"
#include "stratoscope/analysis/permutation.h"
#include "stratoscope/analysis/principal_components.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/base/threads.h"
#include "stratoscope/experiments/activations.h"
#include "stratoscope/experiments/common_fields.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {
namespace {

constexpr std::size_t kComponents = 2;

std::vector<std::size_t> measured_tokens(const GeometryRequest& request, std::size_t count) {
  if (request.tokens) return request.tokens->set_in(count, "token");
  const std::size_t first = count >= 3 ? 1 : 0;
  std::vector<std::size_t> tokens(count - first);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// Measures the states of one run.
template <class T>
class Surveyor {
 public:
  Surveyor(const Session& session, const Run<T>& run, Geometry& result)
      : session_(session), run_(run), result_(result), depths_(result.labels.size()), count_(result.tokens.size()) {}

  void survey(const GeometryRequest& request) {
    gather();
    std::vector<MatrixView<const T>> sets;
    for (std::size_t depth = 0; depth < depths_; ++depth) sets.push_back(std::as_const(states_).slice(depth));
    result_.dimensions.resize(depths_);
    result_.anisotropies.resize(depths_);
    result_.components.resize(depths_);
    result_.shuffled_components.resize(depths_);
    tell(0);
    for (const auto& set : sets) result_.norms.push_back(row_norms(set));
    parallel_for(depths_, [&](std::size_t depth) {
      result_.dimensions[depth] = participation_ratio(sets[depth]);
      result_.anisotropies[depth] = anisotropy(sets[depth]);
    });
    tell(1);
    parallel_for(2 * depths_, [&](std::size_t i) {
      const std::size_t depth = i / 2;
      if (i % 2 == 0) {
        result_.components[depth] = components_for_variance(sets[depth], request.variance);
      } else {
        const BasicTensor<T> shuffled = shuffled_columns(sets[depth], request.seed);
        result_.shuffled_components[depth] = components_for_variance(shuffled.matrix(), request.variance);
      }
    });
    tell(2);
    const std::span<const MatrixView<const T>> all(sets);
    result_.cka = linear_cka(all);
    result_.cka_debiased = linear_cka(all, CkaEstimate::debiased);
    tell(3);
    find_trajectories();
    tell(4);
    find_nearest(request.top);
    session_.checkpoint().check_unchanged();
  }

 private:
  void tell(std::size_t step) const {
    if (session_.progress() != nullptr) session_.progress()->update("geometry", step, 5);
  }

  const T* state(std::size_t depth, std::size_t token) const {
    const bool replaced = result_.at == LastDepth::resid && depth + 1 == depths_;
    return replaced ? run_.value({Hook::resid_post, depths_ - 2}).matrix().row(token)
                    : run_.hidden_states.slice(depth).row(token);
  }

  // [depth, measured token, d_model]
  void gather() {
    const std::size_t width = session_.config().d_model;
    states_ = BasicTensor<T>({depths_, count_, width});
    for (std::size_t depth = 0; depth < depths_; ++depth)
      for (std::size_t i = 0; i < count_; ++i)
        std::copy_n(state(depth, result_.tokens[i]), width, states_.slice(depth).row(i));
  }

  void find_trajectories() {
    const PrincipalComponents found = principal_components(std::as_const(states_).matrix(), kComponents);
    result_.explained = found.explained;
    for (std::size_t i = 0; i < count_; ++i) {
      auto& path = result_.trajectories.emplace_back();
      for (std::size_t depth = 0; depth < depths_; ++depth) {
        path.push_back(found.coordinates[depth * count_ + i]);
        path.back().resize(kComponents);  // a model of width 1 has one
      }
    }
    result_.explained.resize(kComponents);
  }

  void find_nearest(std::size_t top) {
    const std::size_t width = session_.config().d_model;
    BasicTensor<T> rows({depths_, width});
    for (std::size_t depth = 0; depth < depths_; ++depth)
      std::copy_n(state(depth, result_.token), width, rows.matrix().row(depth));
    result_.nearest = nearest_tokens(session_, Role::embed, std::as_const(rows).matrix(), top);
  }

  const Session& session_;
  const Run<T>& run_;
  Geometry& result_;
  std::size_t depths_, count_;
  BasicTensor<T> states_;
};

}  // namespace

void describe(GeometryRequest& request, Fields& fields) {
  add_edits(fields, request.edits, request.text_options);
  fields
      .add("draw", request.draw,
           "contents of a figure: all measures, the tokens' paths, CKA, the components for a share of the variance, or "
           "nearest tokens")
      .only_shown();
  fields.add("at", request.at, "the last depth: resid, the last block's output; hidden, after the final norm");
  fields.add("tokens", request.tokens, "the measured tokens (default: all but the first)").value("I,J,…");
  fields
      .add("token", request.token,
           "the token whose nearest tokens are listed: an index, or a word of the text (default: 8, or the last)")
      .value("T");
  add_top(fields, request.top, "number of nearest tokens");
  fields.add("variance", request.variance, "the share of the variance that principal components are counted for")
      .value("SHARE");
  fields.add("seed", request.seed, "the seed of the shuffled control: each dimension permuted over the tokens")
      .value("S");
  add_text(fields, request.text);
}

Geometry geometry(const Session& session, const GeometryRequest& request) {
  if (request.top == 0) throw Error("geometry", "--top 0 asks for nothing", "give 1 or more");
  if (!(request.variance > 0 && request.variance <= 1))
    throw Error("geometry", "--variance " + short_number(request.variance) + " is not a share of the variance",
                "give a number above 0 and up to 1, such as 0.95");
  Geometry result;
  result.at = request.at;
  result.variance = request.variance;
  result.text = session.read(request.text, request.text_options);
  result.tokens = measured_tokens(request, result.text.ids.size());
  result.token = choose_token(result.text, request.token);
  result.labels = depth_labels(session.config());
  RunRequest pass;
  pass.logits = LogitRows::none;
  if (request.at == LastDepth::resid)
    pass.captures = captures_of(std::vector<HookPoint>{{Hook::resid_post, session.config().n_layers() - 1}});
  const EditedRun edited = run_text(session, result.text, request.edits, std::move(pass), request.text_options);
  result.effect = edited.effect;
  const ThreadScope threads(session.model().threads());
  std::visit([&]<class T>(const Run<T>& run) { Surveyor<T>(session, run, result).survey(request); }, edited.run);
  return result;
}

}  // namespace stratoscope
