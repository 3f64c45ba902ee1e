#include "stratoscope/base/error.h"

#include <algorithm>
#include <utility>

#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

constexpr std::size_t kLongestError = 480;  // a line of 500 bytes with the program's name
constexpr std::size_t kLongestWhere = 40, kLongestHint = 200;

// Omits the middle of the hint if the problem leaves no room for it, then that of the problem.
struct Parts {
  Parts(const std::string& from_where, const std::string& of_problem, const std::string& of_hint)
      : where(shortened(without_controls(from_where), kLongestWhere)),
        problem(without_controls(of_problem)),
        hint(without_controls(of_hint)) {
    const std::size_t room = kLongestError - where.size() - 4;  // ": " and "; "
    hint = shortened(hint, std::max(kLongestHint, room - std::min(room, problem.size())));
    problem = shortened(problem, room - hint.size());
  }
  std::string text() const { return where + ": " + problem + (hint.empty() ? "" : "; " + hint); }

  std::string where, problem, hint;
};

}  // namespace

Error::Error(const std::string& where, const std::string& problem, const std::string& hint)
    : std::runtime_error(Parts(where, problem, hint).text()) {
  Parts parts(where, problem, hint);
  where_ = std::move(parts.where);
  problem_ = std::move(parts.problem);
  hint_ = std::move(parts.hint);
}

}  // namespace stratoscope
