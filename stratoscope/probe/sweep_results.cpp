#include "stratoscope/probe/sweep_results.h"

#include <cmath>
#include <utility>

namespace stratoscope {

SweepResults::SweepResults(const SweepJob& job) : job_(job) {
  for (const auto& prompt : job.prompts) {
    results_.emplace_back();
    results_.back().values.resize(prompt->points());
    results_.back().effects.resize(prompt->points());
    results_.back().also_values.assign(prompt->request().also.size(), std::vector<double>(prompt->points()));
  }
}

void SweepResults::take_clean(std::size_t prompt, const GridValue& clean) {
  results_[prompt].clean = clean.value;
  results_[prompt].also_clean = clean.also;
  if (job_.options.take_clean && reported_.insert(prompt).second) job_.options.take_clean(prompt, clean);
}

void SweepResults::take(std::span<const GridPoint> points, std::span<const GridValue> results) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    take_known(points[i], results[i]);
    ++done_;
    if (job_.options.take) job_.options.take(points[i].prompt, points[i].index, results[i]);
  }
}

void SweepResults::take_known(GridPoint point, const GridValue& result) {
  results_[point.prompt].values[point.index] = result.value;
  results_[point.prompt].effects[point.index] = result.effect;
  for (std::size_t m = 0; m < result.also.size(); ++m)
    results_[point.prompt].also_values[m][point.index] = result.also[m];
}

void SweepResults::report(std::size_t in_work) const {
  if (job_.progress != nullptr) job_.progress->update("sweep", done_ + in_work, job_.points - job_.known);
}

std::vector<SweepResult> SweepResults::finish() {
  for (SweepResult& result : results_)
    for (const Effect& effect : result.effects) result.effect.include(effect);
  find_nonfinite();
  report();
  return std::move(results_);
}

void SweepResults::find_nonfinite() {
  for (std::size_t p = 0; p < results_.size(); ++p)
    for (std::size_t point = 0; point < results_[p].effects.size(); ++point) {
      const Effect& effect = results_[p].effects[point];
      if (std::isfinite(effect.kl) && std::isfinite(effect.max_change)) continue;
      SweepPrompt& prompt = *job_.prompts[p];
      QuietProgress quiet(job_.progress);
      RunRequest pass;
      pass.sequences = {prompt.ids()};
      pass.edits = prompt.edits_at(point);
      for (HookEdit& edit : pass.edits) edit.sequence = 0;
      pass.progress = &quiet;
      auto place = first_nonfinite(job_.model, pass);
      prompt.release();
      if (place) place->sequence = p;
      results_[p].effects[point].nonfinite = results_[p].effect.nonfinite = place;
      return;
    }
}

}  // namespace stratoscope
