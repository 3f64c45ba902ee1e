// A failure that may be temporary: a dropped connection, a busy server.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope {

class PassingFault : public Error {
 public:
  using Error::Error;
  PassingFault(const std::string& where, const std::string& problem, const std::string& hint, bool seldom,
               std::optional<std::chrono::milliseconds> wait = std::nullopt)
      : Error(where, problem, hint), asked_wait(wait), seldom_passes(seldom) {}

  // The wait that the server asks for.
  std::optional<std::chrono::milliseconds> asked_wait;
  // Unlikely to be temporary, such as no response at all: few retries.
  bool seldom_passes = false;
};

}  // namespace stratoscope
