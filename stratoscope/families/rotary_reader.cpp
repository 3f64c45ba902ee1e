#include "stratoscope/families/rotary_reader.h"

#include <cmath>
#include <optional>

#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

constexpr double kLargestBase = 1e15;
constexpr std::size_t kMostPairs = 4096;  // of a head
constexpr double kFastestTurn = 1000;     // radians from one position to the next; 1 is the fastest without scaling

std::optional<ConfigReader> parameters_of(const ConfigReader& config, const RotaryKeys& keys) {
  auto parameters = config.section("rope_parameters");
  if (!parameters) return parameters;
  if (keys.part != nullptr && parameters->has(keys.part)) return parameters->section(keys.part);
  for (const char* part : {"full_attention", "sliding_attention"})
    if (keys.part == nullptr && parameters->has(part))
      parameters->refuse(parameters->named(part) + " is not implemented in this family",
                         "all its blocks rotate in the same way");
  return parameters;
}

Rotary unscaled(const ConfigReader& config, const std::optional<ConfigReader>& settings, std::size_t d_head,
                const RotaryKeys& keys) {
  const auto number = [&](const char* inside, const char* outside, double otherwise, double most) {
    return settings && settings->has(inside) ? settings->positive(inside, otherwise, most)
                                             : config.positive(outside, otherwise, most);
  };
  Rotary rotary;
  rotary.base = number("rope_theta", keys.base_key, keys.base, kLargestBase);
  rotary.dims = static_cast<std::size_t>(static_cast<double>(d_head) *
                                         number("partial_rotary_factor", keys.fraction_key, keys.fraction, 1));
  rotary.interleaved = keys.interleaved;
  if (rotary.base < 1)
    config.fail((settings && settings->has("rope_theta") ? settings->named("rope_theta") : std::string(keys.base_key)) +
                " is below 1");
  if (rotary.dims > 2 * kMostPairs)
    config.fail("more than 8192 numbers of a head of " + std::to_string(d_head) + " would rotate");
  if (rotary.dims == 0 || rotary.dims % 2 != 0)
    config.fail((config.has(keys.fraction_key) ? std::string(keys.fraction_key) + ": " : std::string()) +
                std::to_string(rotary.dims) + " numbers of a head of " + std::to_string(d_head) +
                " would rotate, which is not a positive even number");
  return rotary;
}

// LongRoPE has lists of one divisor for each pair.
RotaryScalingKind kind_of(const ConfigReader& settings, const RotaryKeys& keys) {
  const std::string type = settings.text("rope_type", settings.text("type", "default"));
  if (type == "default") return RotaryScalingKind::none;
  if (type == "linear") return RotaryScalingKind::linear;
  if (type == "dynamic") return RotaryScalingKind::dynamic;
  if (type == "llama3") return RotaryScalingKind::llama3;
  if (type == "longrope" || type == "su" || (type == "yarn" && keys.is_always_longrope))
    return RotaryScalingKind::longrope;
  if (type == "yarn") return RotaryScalingKind::yarn;
  settings.refuse(settings.named("rope_type") + " " + in_quotes(type) + " is not implemented",
                  "default, linear, dynamic, llama3, yarn and longrope are implemented");
}

double yarn_magnitude(const ConfigReader& settings, double factor) {
  const auto of = [&](double scale) { return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1; };
  if (settings.has("attention_factor")) return settings.positive("attention_factor", 1, kLargestBase);
  if (!settings.has("mscale") || !settings.has("mscale_all_dim")) return of(1);
  return of(settings.positive("mscale", 1, kLargestBase)) / of(settings.positive("mscale_all_dim", 1, kLargestBase));
}

void read_yarn(const ConfigReader& settings, RotaryScaling& scaling) {
  scaling.high_turns = settings.positive("beta_fast", 32, kLargestBase);
  scaling.low_turns = settings.positive("beta_slow", 1, kLargestBase);
  if (scaling.high_turns < scaling.low_turns) settings.fail(settings.named("beta_fast") + " is below beta_slow");
  scaling.whole_pairs = settings.flag("truncate", true);
  scaling.magnitude = yarn_magnitude(settings, scaling.factor);
}

void read_longrope(const ConfigReader& settings, std::size_t pairs, RotaryScaling& scaling) {
  scaling.short_divisors = settings.positives("short_factor", pairs);
  scaling.long_divisors = settings.positives("long_factor", pairs);
  if (settings.has("attention_factor"))
    scaling.magnitude = settings.positive("attention_factor", 1, kLargestBase);
  else if (scaling.factor > 1 && scaling.original_context > 1)
    scaling.magnitude = std::sqrt(1 + std::log(scaling.factor) / std::log(scaling.original_context));
}

RotaryScaling read_scaling(const ConfigReader& config, const ConfigReader& settings, const Rotary& rotary,
                           std::size_t max_context, const RotaryKeys& keys) {
  RotaryScaling scaling;
  if (settings.has("factor") && !settings.has("rope_type") && !settings.has("type"))
    settings.fail(settings.named("rope_type") + " is missing, but factor is given");
  scaling.kind = kind_of(settings, keys);
  if (scaling.kind == RotaryScalingKind::none) return scaling;
  scaling.max_context = static_cast<double>(max_context);
  constexpr auto kOriginal = "original_max_position_embeddings";
  const std::size_t otherwise =
      keys.original_context > 0 ? keys.original_context : settings.size(kOriginal).value_or(max_context);
  scaling.original_context = static_cast<double>(config.size(kOriginal).value_or(otherwise));
  const bool has_factor = settings.has("factor");
  const bool needs_factor = scaling.kind != RotaryScalingKind::yarn && scaling.kind != RotaryScalingKind::longrope;
  if (needs_factor && !has_factor) settings.fail(settings.named("factor") + " is missing");
  scaling.factor =
      has_factor ? settings.positive("factor", 1, kLargestBase) : scaling.max_context / scaling.original_context;
  switch (scaling.kind) {
    case RotaryScalingKind::llama3:
      scaling.low_turns = settings.positive("low_freq_factor", 1, kLargestBase);
      scaling.high_turns = settings.positive("high_freq_factor", 4, kLargestBase);
      if (scaling.high_turns <= scaling.low_turns)
        settings.fail(settings.named("high_freq_factor") + " is not above low_freq_factor");
      break;
    case RotaryScalingKind::dynamic:
      if (scaling.factor < 1) settings.fail(settings.named("factor") + " is below 1");
      if (rotary.dims < 4)
        settings.fail(settings.named("rope_type") + " dynamic with fewer than 4 numbers of a head that rotate");
      break;
    case RotaryScalingKind::yarn:
      if (rotary.base <= 1)
        settings.fail(settings.named("rope_type") + " yarn with a " + keys.base_key + " that is not above 1");
      read_yarn(settings, scaling);
      break;
    case RotaryScalingKind::longrope: read_longrope(settings, rotary.dims / 2, scaling); break;
    default: break;
  }
  return scaling;
}

// Of texts within and beyond the original context.
void check_turns(const ConfigReader& settings, const Rotary& rotary) {
  for (const std::size_t length : {std::size_t{1}, kLargestSize})
    for (const double turn : turns_of(rotary, length))
      if (!(turn <= kFastestTurn))
        settings.fail(settings.named("factor") +
                      ", or its lists, would rotate a pair by more than 1000 radians for each position");
}

Rotary read_from(const ConfigReader& config, const std::optional<ConfigReader>& settings, std::size_t d_head,
                 std::size_t max_context, const RotaryKeys& keys) {
  Rotary rotary = unscaled(config, settings, d_head, keys);
  if (!settings) return rotary;
  rotary.scaling = read_scaling(config, *settings, rotary, max_context, keys);
  check_turns(*settings, rotary);
  return rotary;
}

}  // namespace

Rotary read_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context, const RotaryKeys& keys) {
  const auto scaling = config.section("rope_scaling");
  return read_from(config, scaling ? scaling : parameters_of(config, keys), d_head, max_context, keys);
}

Rotary local_rotary(const ConfigReader& config, std::size_t d_head, std::size_t max_context, const RotaryKeys& keys) {
  const auto parameters = config.section("rope_parameters");
  const bool has_part = parameters && parameters->has(keys.part);
  return read_from(config, has_part ? parameters->section(keys.part) : std::nullopt, d_head, max_context, keys);
}

}  // namespace stratoscope
