// A request with a field of every kind.
#pragma once

#include "stratoscope/request/field.h"
#include "tests/request/shades.h"

namespace stratoscope::test {

struct EveryKind {
  bool flag = false;
  AddedTokens added = AddedTokens::usual;
  std::size_t count = 7, top = 20;
  double number = 0.5;
  std::vector<double> numbers = {1};
  TokenIds ids = {};
  std::vector<TokenRow> rows = {"entropy"};
  std::string text = "default";
  std::optional<std::string> maybe_text = {};
  std::vector<std::string> texts = {"default"};
  std::filesystem::path path = {};
  Index index = 0;
  std::optional<Index> maybe_index = {};
  IndexList indices = "all";
  std::optional<IndexList> maybe_indices = {};
  std::optional<TokenChoice> token = {};
  std::optional<TargetChoice> target = {};
  std::vector<TargetChoice> targets = {};
  HookExpression hook = "hook_embed";
  std::vector<HookExpression> hooks = {};
  std::vector<EditExpression> edits = {};
  std::vector<EditTemplate> templates = {};
  std::vector<AxisExpression> axes = {};
  Shade shade = Shade::light;
  std::optional<Shade> maybe_shade = {};
  std::vector<Shade> shades = {Shade::light};
  std::vector<std::string> file_texts = {};
  std::vector<PromptLine> prompts = {};
  std::vector<ChoiceItem> choices = {};
  std::size_t memory = 0;
  std::optional<std::filesystem::path> input = {}, output = {};
};

inline void describe(EveryKind& request, Fields& fields) {
  fields.add("flag", request.flag, "a flag");
  fields.add("bos", request.added, "added tokens");
  fields.add("count", request.count, "a count");
  fields.add("top", request.top, "a bounded count").range(1, 50).serve_at_most(30);
  fields.add("number", request.number, "a number").range(-1, 1);
  fields.add("numbers", request.numbers, "numbers");
  fields.add("ids", request.ids, "token ids");
  fields.add("rows", request.rows, "rows").as_option("by");
  fields.add("text", request.text, "a text").required();
  fields.add("maybe_text", request.maybe_text, "a text, or none").required_unless({"texts"});
  fields.add("texts", request.texts, "texts");
  fields.add("path", request.path, "a path");
  fields.add("index", request.index, "an index");
  fields.add("maybe_index", request.maybe_index, "an index, or none");
  fields.add("indices", request.indices, "indices");
  fields.add("maybe_indices", request.maybe_indices, "indices, or none");
  fields.add("token", request.token, "a token");
  fields.add("target", request.target, "a target");
  fields.add("targets", request.targets, "targets").as_option("target");
  fields.add("target_ids", FieldTarget(TargetIds{&request.targets}), "their ids").as_option("target-id");
  fields.add("hook", request.hook, "a hook point");
  fields.add("hooks", request.hooks, "hook points");
  fields.add("edits", request.edits, "edits").as_option("edit");
  fields.add("templates", request.templates, "templates of edits");
  fields.add("axes", request.axes, "axes").as_option("over");
  fields.add("shade", request.shade, "a shade");
  fields.add("maybe_shade", request.maybe_shade, "a shade, or none");
  fields.add("shades", request.shades, "shades");
  fields.add("file_texts", FieldTarget(TextsOfFile{&request.file_texts}), "texts of a file");
  fields.add("prompts", FieldTarget(PromptsOfFile{&request.prompts}), "prompts of a file");
  fields.add("choices", FieldTarget(ChoicesOfFile{&request.choices}), "choices of a file");
  fields.add("memory_limit", FieldTarget(MemorySize{&request.memory}), "memory").local();
  fields.add("vectors", FieldTarget(InputFile{&request.input}), "a file that is read").local();
  fields.add("save", FieldTarget(OutputFile{&request.output}), "a file that is written").local();
}

}  // namespace stratoscope::test
