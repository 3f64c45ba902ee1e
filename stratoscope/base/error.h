// The exception for all errors caused by a user, a file or a request.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// what() reads "where: problem; hint", one line, without a full stop.
class Error : public std::runtime_error {
 public:
  // `where` is the part of the program ("safetensors", "edit"), `problem` describes the error and the affected object,
  // `hint` the remedy (may be empty). Control characters of names are written as \xNN. The whole text has at most 480
  // bytes; the middle of a longer one is omitted.
  Error(const std::string& where, const std::string& problem, const std::string& hint = {});

  const std::string& where() const { return where_; }
  const std::string& problem() const { return problem_; }
  const std::string& hint() const { return hint_; }
  // Additional lines with the place or the conflicting values, for interfaces with room for them; may be empty.
  const std::string& details() const { return details_; }
  void set_details(std::string lines) { details_ = std::move(lines); }

 private:
  std::string where_, problem_, hint_, details_;
};

// Options or fields that do not go together, whatever their values.
class UsageError : public Error {
 public:
  using Error::Error;
};

// Thrown by a long job whose Progress is cancelled.
class Interrupted : public Error {
 public:
  Interrupted() : Interrupted("no incomplete file was left") {}
  // `hint` describes the state of the work and how to resume it.
  explicit Interrupted(const std::string& hint) : Error("interrupted", "stopped before the end", hint) {}
};

}  // namespace stratoscope
