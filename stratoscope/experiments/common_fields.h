// Fields that several requests have, described once.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "stratoscope/probe/metrics.h"
#include "stratoscope/probe/sampling.h"
#include "stratoscope/request/field.h"

namespace stratoscope {

inline constexpr const char* kCutAtTheEnd = "cut a text at the model's context instead of refusing it";
inline constexpr const char* kCutAtTheBeginning =
    "keep the end of a text that leaves the new tokens no room in the context";
inline constexpr const char* kTheText = "the text; - for standard input";
inline constexpr const char* kFollowedToken = "the token that the metric follows, as text";

// Limits for requests from the network.
inline constexpr std::size_t kMostServedTokens = 100;  // of a list
inline constexpr std::size_t kMostServedNew = 1000;    // new tokens of a text
inline constexpr std::size_t kMostServedSamples = 20;

// "text", and instead of it "ids" or one of these other fields.
void add_text(Fields& fields, TextInput& text, const char* help = kTheText, std::vector<std::string> others = {});
void add_ids(Fields& fields, TokenIds& ids);
// "bos": the tokens that are added around texts.
void add_added_tokens(Fields& fields, TextOptions& options);
void add_truncate(Fields& fields, TextOptions& options, const char* help = kCutAtTheEnd);
// "edits", "corrupt", and the two above.
void add_edits(Fields& fields, Edits& edits, TextOptions& options, const char* help_of_truncate = kCutAtTheEnd);
void add_corrupt(Fields& fields, std::optional<std::string>& corrupt);
// "targets", "target_ids"
void add_targets(Fields& fields, std::vector<TargetChoice>& targets, const char* help = kFollowedToken);
void add_metric(Fields& fields, Metric& metric);
// "position", the one after which metrics are read; without a value the last.
void add_position(Fields& fields, std::optional<Index>& position);
// "compare": the numbers of the clean run beside those with the edits.
void add_compare(Fields& fields, bool& compare);
// "no_effect"
void add_no_effect(Fields& fields, bool& no_effect);
void add_sampling(Fields& fields, SamplingOptions& sampling);
// Warnings of given sampling options that have no effect at temperature 0.
std::vector<std::string> unused_sampling(const Fields& fields, const SamplingOptions& sampling);
void add_memory_limit(Fields& fields, std::size_t& bytes);
// "top": the number of tokens in a list.
Field& add_top(Fields& fields, std::size_t& top, const char* help);
// Whether a text may be a hook point that is named, and not a text for the model.
bool looks_like_a_hook_point(const std::string& written);
// "heads": L5H3, …
void add_heads(Fields& fields, std::vector<HookExpression>& heads, const char* help);

using Heads = std::set<std::pair<std::size_t, std::size_t>>;  // (layer, head)
// The heads of these names. Throws Error of `who` for a name that is not a head.
Heads heads_named(const std::vector<HookExpression>& names, const ModelConfig& config, const char* who);

}  // namespace stratoscope
