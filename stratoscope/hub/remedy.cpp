#include "stratoscope/hub/remedy.h"

namespace stratoscope {

Error with_remedy(const Error& error, const std::string& pull_name) {
  if (pull_name.empty()) return error;
  const std::string remedy = "'stratoscope pull " + pull_name + "' downloads damaged files again";
  const char* const join = error.hint().empty() ? "" : error.hint().ends_with('?') ? " " : "; ";
  Error mended(error.where(), error.problem(), error.hint() + join + remedy);
  mended.set_details(error.details());
  return mended;
}

}  // namespace stratoscope
