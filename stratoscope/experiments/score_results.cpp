// Scores as numbers, as a document and as arrays.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "stratoscope/experiments/score.h"
#include "stratoscope/session/json_document.h"

namespace stratoscope {
namespace {

constexpr double kNotScored = std::numeric_limits<double>::quiet_NaN();

double comparable(const ScoredChoice& choice, ChoiceNorm norm, double nats) {
  switch (norm) {
    case ChoiceNorm::sum: return -nats;
    case ChoiceNorm::per_token: return -nats / static_cast<double>(choice.sum.tokens);
    default: return -nats / static_cast<double>(choice.choice_bytes);
  }
}

// Null for a mean over nothing.
Json mean_json(double value, std::size_t count) { return count > 0 ? Json(value) : Json(); }

Json losses_json(double nats, const ScoreSum& sum) {
  return {{"nats", nats},
          {"mean_loss", mean_json(nats / static_cast<double>(sum.tokens), sum.tokens)},
          {"perplexity", mean_json(perplexity(nats, sum.tokens), sum.tokens)},
          {"bits_per_byte", mean_json(bits_per_byte(nats, sum.bytes), sum.bytes)}};
}

// The name of the numbers that are compared with.
const char* other_name(const Scores& scores) { return scores.against ? "against" : "clean"; }

Json sum_json(const Scores& scores, const ScoreSum& sum) {
  Json json = {{"tokens", sum.tokens}, {"bytes", sum.bytes}};
  json.update(losses_json(sum.nats, sum));
  if (!scores.has_other) return json;
  json[other_name(scores)] = losses_json(sum.other_nats, sum);
  json["loss_difference"] = mean_json(sum.mean_loss() - sum.other_mean_loss(), sum.tokens);
  json["mean_kl"] = mean_json(sum.mean_kl(), sum.tokens);
  return json;
}

Json log_probs_json(const ScoredChoice& choice, double nats) {
  Json json = {{"log_prob", -nats}};
  for (const ChoiceNorm norm : {ChoiceNorm::per_token, ChoiceNorm::per_byte})
    json[std::string(name_of(norm))] = comparable(choice, norm, nats);
  return json;
}

Json item_json(const Scores& scores, const ScoredItem& item) {
  Json json = {{"label", item.label ? Json(*item.label) : Json()}, {"choices", Json::array()}};
  for (const ScoredChoice& choice : item.choices) {
    Json one = {{"tokens", choice.sum.tokens}, {"bytes", choice.choice_bytes}};
    one.update(log_probs_json(choice, choice.sum.nats));
    if (scores.has_other) {
      one[other_name(scores)] = log_probs_json(choice, choice.sum.other_nats);
      one["mean_kl"] = mean_json(choice.sum.mean_kl(), choice.sum.tokens);
    }
    json["choices"].push_back(std::move(one));
  }
  for (const ChoiceNorm norm : kChoiceNorms) json["best"][std::string(name_of(norm))] = item.best(norm);
  return json;
}

Json accuracy_json(const Scores& scores, bool other) {
  Json json;
  for (const ChoiceNorm norm : kChoiceNorms)
    json[std::string(name_of(norm))] = mean_json(scores.accuracy(norm, other), scores.labelled());
  return json;
}

void add_choices(const Scores& scores, Json& json) {
  json["labelled"] = scores.labelled();
  json["accuracy"] = accuracy_json(scores, false);
  if (scores.has_other) json[std::string(other_name(scores)) + "_accuracy"] = accuracy_json(scores, true);
  json["chance"] = mean_json(scores.chance(), scores.items.size());
  if (scores.has_other) json["mean_kl"] = mean_json(scores.total.mean_kl(), scores.total.tokens);
  json["items"] = Json::array();
  for (const ScoredItem& item : scores.items) json["items"].push_back(item_json(scores, item));
}

NamedValues by_item(const char* name, const Scores& scores, double fill, double (*value)(const ScoredChoice&)) {
  std::vector<std::vector<double>> rows;
  for (const ScoredItem& item : scores.items) {
    auto& row = rows.emplace_back();
    for (const ScoredChoice& choice : item.choices) row.push_back(value(choice));
  }
  return named_values(name, rows, fill);
}

NamedValues by_token(const char* name, const Scores& scores, double TokenScore::*value) {
  std::vector<double> all;
  for (const ScoredText& text : scores.texts)
    for (const TokenScore& token : text.tokens) all.push_back(token.*value);
  return named_values(name, all);
}

}  // namespace

void ScoreSum::add(const ScoreSum& more) {
  tokens += more.tokens;
  bytes += more.bytes;
  nats += more.nats;
  other_nats += more.other_nats;
  kl += more.kl;
}

double bits_per_byte(double nats, std::size_t bytes) { return nats / std::numbers::ln2 / static_cast<double>(bytes); }

double perplexity(double nats, std::size_t tokens) { return std::exp(nats / static_cast<double>(tokens)); }

std::string_view name_of(ChoiceNorm norm) {
  return norm == ChoiceNorm::sum ? "sum" : norm == ChoiceNorm::per_token ? "per_token" : "per_byte";
}

std::size_t ScoredItem::best(ChoiceNorm norm, bool other) const {
  const auto value = [&](const ScoredChoice& choice) {
    return comparable(choice, norm, other ? choice.sum.other_nats : choice.sum.nats);
  };
  const auto best = std::max_element(choices.begin(), choices.end(),
                                     [&](const auto& a, const auto& b) { return value(a) < value(b); });
  return static_cast<std::size_t>(best - choices.begin());
}

std::size_t Scores::labelled() const {
  return static_cast<std::size_t>(
      std::count_if(items.begin(), items.end(), [](const ScoredItem& item) { return item.label.has_value(); }));
}

double Scores::accuracy(ChoiceNorm norm, bool other) const {
  const auto right = std::count_if(items.begin(), items.end(), [&](const ScoredItem& item) {
    return item.label && item.best(norm, other) == *item.label;
  });
  return labelled() > 0 ? static_cast<double>(right) / static_cast<double>(labelled()) : kNotScored;
}

double Scores::chance() const {
  double sum = 0;
  for (const ScoredItem& item : items) sum += 1 / static_cast<double>(item.choices.size());
  return sum / static_cast<double>(items.size());
}

Document to_json(const Session& session, const Scores& scores) {
  Json json = begin_document(session, scores.effect);
  if (scores.against) json["compared_with"] = *scores.against;
  if (!scores.items.empty()) {
    add_choices(scores, json);
    return finish_document(json);
  }
  json["context"] = scores.context;
  json["stride"] = scores.stride;
  json["total"] = sum_json(scores, scores.total);
  json["texts"] = Json::array();
  for (const ScoredText& text : scores.texts) json["texts"].push_back(sum_json(scores, text.sum));
  return finish_document(json);
}

std::vector<NamedValues> arrays_of(const Scores& scores) {
  std::vector<NamedValues> arrays;
  if (!scores.items.empty()) {
    arrays.push_back(
        by_item("log_probs", scores, kNotScored, [](const ScoredChoice& choice) { return -choice.sum.nats; }));
    if (scores.has_other)
      arrays.push_back(by_item("other_log_probs", scores, kNotScored,
                               [](const ScoredChoice& choice) { return -choice.sum.other_nats; }));
    arrays.push_back(by_item("choice_tokens", scores, 0,
                             [](const ScoredChoice& choice) { return static_cast<double>(choice.sum.tokens); }));
    arrays.push_back(by_item("choice_bytes", scores, 0,
                             [](const ScoredChoice& choice) { return static_cast<double>(choice.choice_bytes); }));
    return arrays;
  }
  arrays.push_back(by_token("nats", scores, &TokenScore::nats));
  if (scores.has_other) {
    arrays.push_back(by_token("other_nats", scores, &TokenScore::other_nats));
    arrays.push_back(by_token("kl", scores, &TokenScore::kl));
  }
  std::vector<std::int64_t> offsets = {0};
  for (const ScoredText& text : scores.texts)
    offsets.push_back(offsets.back() + static_cast<std::int64_t>(text.tokens.size()));
  const Shape shape = {offsets.size()};
  arrays.push_back(named_values("row_offsets", shape, std::move(offsets)));
  return arrays;
}

}  // namespace stratoscope
