// The one exception that anything a user, a file or a request can cause ends in.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "stratoscope/base/api.h"

namespace STRATOSCOPE_API stratoscope {

// what() reads "where: problem; hint", one line, without a full stop.
class Error : public std::runtime_error {
 public:
  // `where` names the part that noticed ("safetensors", "edit"), `problem` says what is wrong with which thing, `hint`
  // what to do about it (may be empty). Control characters, from names of users and files, are written as \xNN. The
  // whole has at most 480 bytes: what is longer loses its middle.
  Error(const std::string& where, const std::string& problem, const std::string& hint = {});

  const std::string& where() const { return where_; }
  const std::string& problem() const { return problem_; }
  const std::string& hint() const { return hint_; }
  // Whole lines that show the place or the things that disagree, for a face that has room for them; may be empty.
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

// Thrown out of a long job whose Progress said that it is cancelled.
class Interrupted : public Error {
 public:
  Interrupted() : Interrupted("nothing was left half-written") {}
  // `hint` says what became of the work, and how to go on with it.
  explicit Interrupted(const std::string& hint) : Error("interrupted", "stopped before the end", hint) {}
};

}  // namespace stratoscope
