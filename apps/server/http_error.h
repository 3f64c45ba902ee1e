// An Error with the HTTP status of its response.
#pragma once

#include <exception>
#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope::server {

class HttpError : public Error {
 public:
  HttpError(int status, const std::string& where, const std::string& problem, const std::string& hint = {})
      : Error(where, problem, hint), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// The response to an exception: an HttpError's own status, 409 for Interrupted, 400 for any other Error, 507 for a lack
// of memory, 500 for other exceptions. The body is {"error": {"where", "problem", "hint", "message", "details"}}.
struct ErrorResponse {
  int status;
  std::string body;
};
ErrorResponse error_response(const std::exception_ptr& exception);

}  // namespace stratoscope::server
