#include "stratoscope/base/error.h"

#include "stratoscope/base/names.h"

namespace stratoscope {

Error::Error(const std::string& where, const std::string& problem, const std::string& hint)
    : std::runtime_error(without_controls(where + ": " + problem + (hint.empty() ? "" : "; " + hint))),
      where_(without_controls(where)),
      problem_(without_controls(problem)),
      hint_(without_controls(hint)) {}

}  // namespace stratoscope
