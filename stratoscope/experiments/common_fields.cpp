#include "stratoscope/experiments/common_fields.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"

namespace stratoscope {

void add_ids(Fields& fields, TokenIds& ids) {
  fields.add("ids", ids, "the text as token ids, such as 464,3797, to which no tokens are added").value("LIST");
}

void add_text(Fields& fields, TextInput& text, const char* help, std::vector<std::string> others) {
  add_ids(fields, text.ids);
  others.emplace_back("ids");
  fields.add("text", FieldTarget(static_cast<std::string*>(&text)), help).argument().required_unless(std::move(others));
}

void add_added_tokens(Fields& fields, TextOptions& options) {
  fields.add("bos", options.added, "put the beginning-of-text token first (default: as the model's tokenizer does)")
      .or_not("add no special tokens to the text");
}

void add_truncate(Fields& fields, TextOptions& options, const char* help) {
  fields.add("truncate", options.truncate, help);
}

void add_corrupt(Fields& fields, std::optional<std::string>& corrupt) {
  fields.add("corrupt", corrupt, "the text that supplies the value 'corrupt' of an edit").value("TEXT");
}

void add_edits(Fields& fields, Edits& edits, TextOptions& options, const char* help_of_truncate) {
  fields
      .add("edits", edits.expressions,
           "rewrite a hook point before the result is read, as in \"blocks.3.hook_resid_post *= 0.8\"")
      .as_option("edit")
      .value("EXPR");
  add_corrupt(fields, edits.corrupt_text);
  add_added_tokens(fields, options);
  add_truncate(fields, options, help_of_truncate);
}

void add_targets(Fields& fields, std::vector<TargetChoice>& targets, const char* help) {
  fields.add("targets", targets, help).as_option("target").value("T");
  fields.add("target_ids", FieldTarget(TargetIds{&targets}), "the same as a token id")
      .as_option("target-id")
      .value("N");
}

void add_metric(Fields& fields, Metric& metric) {
  fields.add("metric", metric, "the measure of the prediction").expression();
}

void add_position(Fields& fields, std::optional<Index>& position) {
  fields.add("position", position, "the position after which the prediction is measured (default: the last)")
      .value("N");
}

void add_compare(Fields& fields, bool& compare) {
  fields.add("compare", compare, "in JSON, the clean run's numbers beside those with the edits");
}

void add_no_effect(Fields& fields, bool& no_effect) {
  fields.add("no_effect", no_effect, "leave out the effect of the edits on the prediction");
}

void add_sampling(Fields& fields, SamplingOptions& sampling) {
  fields
      .add("temperature", sampling.temperature,
           "0 takes the likeliest token each time; 1 samples from the model's distribution, more flattens it")
      .value("X");
  fields.add("top_k", sampling.top_k, "sample from only the K likeliest tokens (0: from all)").value("K");
  fields.add("top_p", sampling.top_p, "sample from the fewest tokens whose probabilities reach P").value("P");
  fields.add("seed", sampling.seed, "the same seed samples the same tokens").value("S");
}

std::vector<std::string> unused_sampling(const Fields& fields, const SamplingOptions& sampling) {
  std::vector<std::string> warnings;
  if (sampling.temperature != 0) return warnings;
  for (const Field& field : fields.all())
    if (field.is_given && (field.name == "top_k" || field.name == "top_p" || field.name == "seed"))
      warnings.push_back(field.name +
                         " has no effect at temperature 0, which takes the likeliest token each time; set "
                         "temperature to 1");
  return warnings;
}

void add_memory_limit(Fields& fields, std::size_t& bytes) {
  fields
      .add("memory_limit", FieldTarget(MemorySize{&bytes}),
           "memory for all grid points together, such as 512M or 4G (default: a quarter of this machine's memory)")
      .value("SIZE")
      .local()
      .only_shown();
}

Field& add_top(Fields& fields, std::size_t& top, const char* help) {
  return fields.add("top", top, help).value("K").at_least(1).serve_at_most(kMostServedTokens);
}

bool looks_like_a_hook_point(const std::string& written) {
  constexpr const char* kMarks[] = {"hook_", "blocks.", "transformer.", "hidden_states.", "lm_head", "logits", "*"};
  return written.find(' ') == std::string::npos &&
         std::any_of(std::begin(kMarks), std::end(kMarks),
                     [&](const char* part) { return written.find(part) != std::string::npos; });
}

void add_heads(Fields& fields, std::vector<HookExpression>& heads, const char* help) {
  fields.add("heads", heads, help).value("LxHy,…").separated(',');
}

Heads heads_named(const std::vector<HookExpression>& names, const ModelConfig& config, const char* who) {
  Heads heads;
  for (const HookExpression& name : names) {
    const HookMatch match = match_hook(name.hook, config);
    if (!match.heads) throw Error(who, in_quotes(name.text) + " is not a head", "heads are written as L5H3");
    for (const HookPoint point : match.points)
      for (const std::size_t head : *match.heads) heads.insert({point.layer, head});
  }
  return heads;
}

}  // namespace stratoscope
