// What every function of the C interface does around its work: no exception leaves it, and the thread's last error is
// kept.
#pragma once

#include <functional>
#include <string>

#include "stratoscope/base/error.h"
#include "stratoscope/c/stratoscope.h"

namespace stratoscope::c {

// An Error of a status of its own.
class StatusError : public Error {
 public:
  StatusError(stratoscope_status status, const std::string& where, const std::string& problem,
              const std::string& hint = {})
      : Error(where, problem, hint), status_(status) {}
  stratoscope_status status() const { return status_; }

 private:
  stratoscope_status status_;
};

// Does the work and gives STRATOSCOPE_OK, or keeps the exception's text for stratoscope_last_error() and gives its
// status.
int call(const std::function<void()>& work) noexcept;

// For functions that give no status: work that cannot fail, such as freeing. It is left out where call() would refuse.
void call_quietly(const std::function<void()>& work) noexcept;

// Throws a StatusError of STRATOSCOPE_USAGE where a pointer that is needed is NULL; `name` is the argument's.
void check_pointer(const void* pointer, const char* name);

}  // namespace stratoscope::c
