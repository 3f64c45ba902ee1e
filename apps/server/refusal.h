// An Error with the HTTP status that it is answered with.
#pragma once

#include <exception>
#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope::server {

class Refusal : public Error {
 public:
  Refusal(int status, const std::string& where, const std::string& problem, const std::string& hint = {})
      : Error(where, problem, hint), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// What an exception is answered with: a Refusal's own status, 400 for any other Error of ours, 500 for what should not
// happen. The body is {"error": {"where", "problem", "hint", "message", "details"}}.
struct ErrorAnswer {
  int status;
  std::string body;
};
ErrorAnswer error_answer(const std::exception_ptr& exception);

}  // namespace stratoscope::server
