#include "stratoscope/session/target.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/session/labels.h"

namespace stratoscope {

Target read_target(const Session& session, const TargetChoice& choice) {
  Target target;
  if (choice.id) {
    const std::size_t vocabulary = session.config().d_vocab;
    if (*choice.id < 0 || static_cast<std::size_t>(*choice.id) >= vocabulary)
      throw Error("target", "token id " + std::to_string(*choice.id) + " is out of range",
                  "ids are 0 to " + std::to_string(vocabulary - 1));
    target.ids = {static_cast<TokenId>(*choice.id)};
  } else {
    target.ids = session.ids_of(choice.text);
    if (target.ids.empty()) throw Error("target", "is empty", "give the text of a token, such as \" insect\"");
  }
  for (const TokenId id : target.ids) target.pieces.push_back(session.token_text(id));
  target.id = target.ids[0];
  target.token = target.pieces[0];
  return target;
}

std::vector<Target> read_targets(const Session& session, const std::vector<TargetChoice>& choices) {
  std::vector<Target> targets;
  targets.reserve(choices.size());
  for (const TargetChoice& choice : choices) targets.push_back(read_target(session, choice));
  return targets;
}

std::string cut_warning(const Target& target) {
  if (target.ids.size() < 2) return {};
  std::string text = "the target is several tokens:";
  for (const std::string& piece : target.pieces) text += " " + token_label(piece);
  return text + "; the first is used";
}

std::vector<std::string> cut_warnings(const std::vector<Target>& targets) {
  std::vector<std::string> warnings;
  for (const Target& target : targets)
    if (std::string warning = cut_warning(target); !warning.empty()) warnings.push_back(std::move(warning));
  return warnings;
}

std::vector<TargetMeasure> measures_of(const char* who, const std::vector<Metric>& metrics,
                                       const std::vector<Target>& targets) {
  std::vector<TargetMeasure> measures;
  bool targets_are_read = false;
  for (auto given = metrics.begin(); given != metrics.end(); ++given) {
    const Metric metric = *given;
    if (std::find(metrics.begin(), given, metric) != given)
      throw Error(who, "the metric " + std::string(name_of(metric)) + " is given twice", "name each once");
    const std::size_t read = targets_of(metric);
    targets_are_read |= read > 0;
    if (read == 1 && !targets.empty()) {
      for (const Target& target : targets) measures.push_back({metric, {target}});
      continue;
    }
    if (read > 0) check_target_count(who, metric, targets.size());
    measures.push_back({metric, read > 0 ? targets : std::vector<Target>()});
  }
  if (!targets_are_read) check_target_count(who, metrics.front(), targets.size());
  return measures;
}

std::string metric_title(Metric metric, const std::vector<Target>& targets) {
  std::string title(title_of(metric));
  if (targets.empty() || targets_of(metric) == 0) return title;
  std::string of = " of " + token_label(targets[0].token);
  if (metric == Metric::logit_diff) of += " to " + token_label(targets[1].token);
  const auto unit = title.find(" (");
  return unit == std::string::npos ? title + of : title.insert(unit, of);
}

}  // namespace stratoscope
