#include "apps/server/edit_errors.h"

#include <string>
#include <utility>

namespace stratoscope::server {

Error numbered(const Error& error, const Session& session, const TextToOpen& text) {
  if (text.edits.expressions.empty() || error.where().starts_with("edit ")) return error;
  const TokenIds ids = session.read(text.text, text.options).ids;
  for (std::size_t i = 0; i < text.edits.expressions.size(); ++i) {
    const EditExpression& edit = text.edits.expressions[i];
    Edits alone{{edit}, {}};
    if (edit.reads(EditSource::corrupt)) alone.corrupt_text = text.edits.corrupt_text;
    try {
      EditResolver(session, alone, text.options).check(ids);
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {
      const std::string subject = error.where() == "edit" ? "" : error.where() + ": ";
      Error named("edit " + std::to_string(i + 1), subject + error.problem(), error.hint());
      named.set_details(error.details());
      return named;
    }
  }
  return error;
}

}  // namespace stratoscope::server
