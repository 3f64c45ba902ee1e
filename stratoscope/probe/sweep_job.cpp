#include "stratoscope/probe/sweep_job.h"

#include "stratoscope/probe/vector_files.h"

namespace stratoscope {

SweepJob::SweepJob(const Model& sweep_model, std::span<const SweepRequest> requests, const SweepOptions& sweep_options)
    : model(sweep_model), options(sweep_options), progress(requests.empty() ? nullptr : requests[0].progress) {
  const auto vectors = std::make_shared<VectorFiles>();
  for (const SweepRequest& request : requests) {
    const std::size_t p = prompts.size();
    prompts.push_back(std::make_unique<SweepPrompt>(model, request, vectors));
    const std::size_t of_prompt = prompts.back()->points();
    points += of_prompt;
    for (std::size_t i = 0; options.known && i < of_prompt; ++i) known += known_result({p, i}).has_value();
  }
}

std::optional<GridValue> SweepJob::known_result(GridPoint point) const {
  if (!options.known) return std::nullopt;
  std::optional<GridValue> known_value = options.known(point.prompt, point.index);
  if (known_value && known_value->also.size() != prompts[point.prompt]->request().also.size()) return std::nullopt;
  return known_value;
}

}  // namespace stratoscope
