#include "stratoscope/experiments/common_fields.h"

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/hook_names.h"

namespace stratoscope {

void add_text(Fields& fields, std::string& text, const char* help) {
  fields.add("text", text, help).argument().required();
}

void add_added_tokens(Fields& fields, TextOptions& options) {
  fields.add("bos", options.added, "put the beginning-of-text token first (default: as the model's tokenizer does)")
      .or_not("add no tokens to the text's own");
}

void add_truncate(Fields& fields, TextOptions& options, const char* help) {
  fields.add("truncate", options.truncate, help);
}

void add_corrupt(Fields& fields, std::optional<std::string>& corrupt) {
  fields.add("corrupt", corrupt, "the text that the value 'corrupt' of an edit is read from").value("TEXT");
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
  fields.add("target_ids", FieldTarget(TargetIds{&targets}), "the same as an id").as_option("target-id").value("N");
}

void add_metric(Fields& fields, Metric& metric) { fields.add("metric", metric, "what is read").expression(); }

void add_sampling(Fields& fields, SamplingOptions& sampling) {
  fields
      .add("temperature", sampling.temperature,
           "0 takes the likeliest token each time; 1 draws as the model says, more flattens")
      .value("X");
  fields.add("top_k", sampling.top_k, "draw from the K likeliest tokens alone (0: from all)").value("K");
  fields.add("top_p", sampling.top_p, "draw from the fewest tokens whose probabilities reach P").value("P");
  fields.add("seed", sampling.seed, "the same seed draws the same tokens").value("S");
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
           "for all grid points at once, such as 512M or 4G (default: a quarter of this machine's)")
      .value("SIZE")
      .local()
      .only_shown();
}

Field& add_top(Fields& fields, std::size_t& top, const char* help) {
  return fields.add("top", top, help).value("K").at_least(1).serve_at_most(kMostServedTokens);
}

void add_heads(Fields& fields, std::vector<HookExpression>& heads, const char* help) {
  fields.add("heads", heads, help).value("LxHy,…").separated(',');
}

Heads heads_named(const std::vector<HookExpression>& names, const ModelConfig& config, const char* who) {
  Heads heads;
  for (const HookExpression& name : names) {
    const HookMatch match = match_hook(name.hook, config);
    if (!match.heads) throw Error(who, in_quotes(name.text) + " is no head", "heads are called L5H3");
    for (const HookPoint point : match.points)
      for (const std::size_t head : *match.heads) heads.insert({point.layer, head});
  }
  return heads;
}

}  // namespace stratoscope
