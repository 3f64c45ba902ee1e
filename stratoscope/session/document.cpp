#include "stratoscope/session/document.h"

#include <cmath>

#include "stratoscope/base/names.h"
#include "stratoscope/model/precision.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/session/labels.h"
#include "stratoscope/version.h"

namespace stratoscope {
namespace {

bool has_nonfinite(const Json& json) {
  if (json.is_number_float()) return !std::isfinite(json.get<double>());
  if (!json.is_structured()) return false;
  for (const auto& element : json)
    if (has_nonfinite(element)) return true;
  return false;
}

}  // namespace

Json begin_document(const Session& session, const std::optional<Effect>& effect, const Text* text) {
  Json json;
  json["version"] = STRATOSCOPE_VERSION;
  json["model"] = {{"name", session.model_name()}, {"hash", session.model_hash()}};
  json["precision"] = name_of(session.precision());
  json["isa"] = instruction_set_of(session.precision());
  if (effect) json["effect"] = {{"kl", effect->kl}, {"max_change", effect->max_change}};
  if (effect && effect->nonfinite)
    json["effect"]["nonfinite"] = {{"hook_point", name_of(effect->nonfinite->at)},
                                   {"text", effect->nonfinite->sequence},
                                   {"position", effect->nonfinite->position}};
  if (effect) add_globs(effect->globs, json);
  if (text != nullptr && !text->notes.empty()) json["notes"] = text->notes;
  return json;
}

void add_globs(const std::vector<GlobMatch>& globs, Json& document) {
  for (const GlobMatch& glob : globs) {
    Json names = Json::array();
    for (const HookPoint point : glob.points) names.push_back(name_of(point));
    document["globs"].push_back({{"expression", glob.expression}, {"hook_points", std::move(names)}});
  }
}

Json target_json(const Target& target) { return {{"id", target.id}, {"token", target.token}, {"ids", target.ids}}; }

Json targets_json(const std::vector<Target>& targets) {
  Json all = Json::array();
  for (const Target& target : targets) all.push_back(target_json(target));
  return all;
}

Document finish_document(Json json) {
  return Document(std::make_shared<Document::Data>(Document::Data{std::move(json)}));
}

const Json& json_of(const Document& document) {
  static const Json nothing;
  return document.data() ? document.data()->json : nothing;
}

Document with_warnings(Document document, const std::vector<std::string>& warnings) {
  if (!warnings.empty()) document.data()->json["warnings"] = warnings;
  return document;
}

std::string Document::text() const { return json_of(*this).dump(2, ' ', false, Json::error_handler_t::replace); }

bool Document::all_finite() const { return !has_nonfinite(json_of(*this)); }

std::string describe(const Effect& effect) {
  return "effect of the edits: KL(clean ‖ edited) up to " + short_number(effect.kl) +
         " nats, a logit changed by up to " + short_number(effect.max_change);
}

std::string describe(const GlobMatch& glob) {
  constexpr std::size_t kShown = 12;
  const std::size_t count = glob.points.size(), shown = count > kShown ? kShown - 1 : count;
  std::string text = in_quotes(glob.expression) + " means " + std::to_string(count) +
                     (count == 1 ? " hook point: " : " hook points: ");
  for (std::size_t i = 0; i < shown; ++i) text += (i > 0 ? ", " : "") + name_of(glob.points[i]);
  return shown < count ? text + ", … " + name_of(glob.points.back()) : text;
}

}  // namespace stratoscope
