// A failure that may be gone at the next try: a dropped connection, a server that is busy.
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

  // How long the server asks to wait.
  std::optional<std::chrono::milliseconds> asked_wait;
  // It may pass, but seldom does, as where nothing answers at all: a few tries are enough.
  bool seldom_passes = false;
};

}  // namespace stratoscope
