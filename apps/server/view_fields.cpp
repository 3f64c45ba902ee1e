// The fields that several views share.
#include <algorithm>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {

void refuse_files(const EditExpression& edit) {
  if (edit.source == EditSource::vector)
    throw Refusal(400, "edit", "vectors from files (" + in_quotes(edit.vector_file) + ") are not available here",
                  "the command line reads them");
}

void refuse_files(const Edits& edits) {
  for (const std::string& expression : edits.expressions) refuse_files(parse_edit(expression));
}

namespace {

// The first edit that is refused alone, counted from 1; 0 where only all of them together are.
std::size_t edit_at_fault(const Asked& asked) {
  const Session& session = asked.model->session();
  const TokenIds ids = session.read(asked.text, asked.options).ids;
  for (std::size_t i = 0; i < asked.edits.expressions.size(); ++i) {
    Edits alone{{asked.edits.expressions[i]}, {}};
    try {
      const EditExpression edit = parse_edit(alone.expressions[0]);
      refuse_files(edit);
      if (edit.source == EditSource::corrupt) alone.corrupt_text = asked.edits.corrupt_text;
      EditResolver(session, alone, asked.options).check(ids);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      return i + 1;
    }
  }
  return 0;
}

Refusal refusal_of(std::size_t edit, const Error& error) {
  const std::string subject = error.where() == "edit" ? "" : error.where() + ": ";
  Refusal refusal(400, "edit " + std::to_string(edit), subject + error.problem(), error.hint());
  refusal.set_details(error.details());
  return refusal;
}

}  // namespace

OpenText& Asked::open() const {
  try {
    refuse_files(edits);
    return model->text(text, options, edits);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    const std::size_t number = edits.expressions.empty() ? 0 : edit_at_fault(*this);
    if (number == 0) throw;
    throw refusal_of(number, error);
  }
}

AddedTokens read_added_tokens(Fields& fields) {
  const auto bos = fields.optional_flag("bos");
  if (!bos) return AddedTokens::usual;
  return *bos ? AddedTokens::beginning : AddedTokens::none;
}

Asked read_asked(Fields& fields, std::shared_ptr<OpenModel> model) {
  Asked asked;
  asked.model = std::move(model);
  asked.text = fields.text("text", kTextBytes);
  asked.options.added = read_added_tokens(fields);
  asked.edits.expressions = fields.texts("edits", kEdits, kEditBytes);
  asked.edits.corrupt_text = fields.optional_text("corrupt", kTextBytes);
  return asked;
}

Window WindowFields::in(std::size_t positions) const {
  checked_index("from", from, positions);
  return {from, std::min({count.value_or(most), most, positions - from})};
}

WindowFields read_window(Fields& fields, std::size_t most) {
  WindowFields window{fields.count_or("from", kTextBytes, 0), fields.optional_count("count", most), most};
  if (window.count == 0) throw Refusal(400, "request", "field 'count' is 0, which asks for nothing");
  return window;
}

std::size_t PositionField::in(std::size_t positions) const {
  return checked_index(name, position.value_or(positions - 1), positions);
}

PositionField read_position(Fields& fields, const char* name, std::optional<std::size_t> otherwise) {
  const nlohmann::json value = fields.anything(name);
  if (value.is_null()) return {name, otherwise};
  if (value == -1) return {name, std::nullopt};
  return {name, fields.optional_count(name, kTextBytes)};
}

std::size_t checked_index(const char* name, std::size_t index, std::size_t count) {
  if (index >= count)
    throw Refusal(
        400, "request",
        std::string(name) + " " + std::to_string(index) + " is out of range, 0 to " + std::to_string(count - 1));
  return index;
}

std::vector<Side> sides_of(const OpenText& text) {
  std::vector<Side> sides = {{Which::clean, "clean"}};
  if (text.has_edits()) sides.push_back({Which::edited, "edited"});
  return sides;
}

Which read_which(Fields& fields) {
  const std::string which = fields.text_or("which", 16, "edited");
  if (which == "clean") return Which::clean;
  if (which == "edited") return Which::edited;
  throw Refusal(400, "request", "field 'which' is " + in_quotes(which), "clean or edited");
}

}  // namespace stratoscope::server
