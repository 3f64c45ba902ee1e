// The fields that several views share.
#include <algorithm>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "apps/server/views.h"
#include "stratoscope/base/names.h"

namespace stratoscope::server {

void reject_files(const EditExpression& edit) {
  if (edit.source == EditSource::vector)
    throw HttpError(400, "edit", "vectors from files (" + in_quotes(edit.vector_file) + ") are not available here",
                    "the command line reads them");
}

void reject_files(const Edits& edits) {
  for (const EditExpression& edit : edits.expressions) reject_files(edit);
}

namespace {

// The number, counted from 1, of the first edit that is invalid by itself; 0 if none is.
std::size_t first_invalid_edit(const TextRequest& text_request, const Edits& edits) {
  const Session& session = text_request.model->session();
  const TokenIds ids = session.read(text_request.text, text_request.options).ids;
  for (std::size_t i = 0; i < edits.expressions.size(); ++i) {
    Edits alone{{edits.expressions[i]}, {}};
    try {
      const EditExpression& edit = alone.expressions[0];
      reject_files(edit);
      if (edit.source == EditSource::corrupt) alone.corrupt_text = edits.corrupt_text;
      EditResolver(session, alone, text_request.options).check(ids);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      return i + 1;
    }
  }
  return 0;
}

HttpError edit_error(std::size_t edit, const Error& error) {
  const std::string subject = error.where() == "edit" ? "" : error.where() + ": ";
  HttpError result(400, "edit " + std::to_string(edit), subject + error.problem(), error.hint());
  result.set_details(error.details());
  return result;
}

}  // namespace

Edits TextRequest::edits() const {
  Edits edits{{}, corrupt};
  for (const std::string& expression : expressions) {
    try {
      edits.expressions.emplace_back(expression);
    } catch (const Error& error) {
      throw edit_error(edits.expressions.size() + 1, error);
    }
  }
  return edits;
}

OpenText& TextRequest::open() const {
  const Edits asked = edits();
  try {
    reject_files(asked);
    return model->text(text, options, asked);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    const std::size_t number = asked.expressions.empty() ? 0 : first_invalid_edit(*this, asked);
    if (number == 0) throw;
    throw edit_error(number, error);
  }
}

AddedTokens read_added_tokens(Fields& fields) {
  const auto bos = fields.optional_flag("bos");
  if (!bos) return AddedTokens::usual;
  return *bos ? AddedTokens::beginning : AddedTokens::none;
}

TextRequest read_text_request(Fields& fields, std::shared_ptr<OpenModel> model) {
  TextRequest text_request;
  text_request.model = std::move(model);
  text_request.text = fields.text("text", kTextBytes);
  text_request.options.added = read_added_tokens(fields);
  text_request.expressions = fields.texts("edits", kEdits, kEditBytes);
  text_request.corrupt = fields.optional_text("corrupt", kTextBytes);
  return text_request;
}

Window WindowFields::in(std::size_t positions) const {
  checked_index("from", from, positions);
  return {from, std::min({count.value_or(max_count), max_count, positions - from})};
}

WindowFields read_window(Fields& fields, std::size_t max_count) {
  WindowFields window{fields.count_or("from", kTextBytes, 0), fields.optional_count("count", max_count), max_count};
  if (window.count == 0) throw HttpError(400, "request", "field 'count' must not be 0");
  return window;
}

std::size_t PositionField::in(std::size_t positions) const {
  return checked_index(name, position.value_or(positions - 1), positions);
}

PositionField read_position(Fields& fields, const char* name, std::optional<std::size_t> fallback) {
  const nlohmann::json value = fields.value(name);
  if (value.is_null()) return {name, fallback};
  if (value == -1) return {name, std::nullopt};
  return {name, fields.optional_count(name, kTextBytes)};
}

std::size_t checked_index(const char* name, std::size_t index, std::size_t count) {
  if (index >= count)
    throw HttpError(
        400, "request",
        std::string(name) + " " + std::to_string(index) + " is out of range, 0 to " + std::to_string(count - 1));
  return index;
}

std::vector<NamedRun> runs_of(const OpenText& text) {
  std::vector<NamedRun> runs = {{Which::clean, "clean"}};
  if (text.has_edits()) runs.push_back({Which::edited, "edited"});
  return runs;
}

Which read_which(Fields& fields) {
  const std::string which = fields.text_or("which", 16, "edited");
  if (which == "clean") return Which::clean;
  if (which == "edited") return Which::edited;
  throw HttpError(400, "request", "field 'which' is " + in_quotes(which), "clean or edited");
}

}  // namespace stratoscope::server
