#include "stratoscope/base/choice.h"

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {

void throw_unknown_choice(std::string_view name, const std::string& what, const std::string& names) {
  throw Error(what, "there is no " + in_quotes(name), "one of " + names);
}

}  // namespace stratoscope
