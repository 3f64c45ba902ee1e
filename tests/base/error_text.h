// The text of the Error that a call ends in; a call that ends otherwise fails the test.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope::testing {

template <class Call>
std::string error_text(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

inline ::testing::AssertionResult holds(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << text << "' does not hold '" << part << "'";
}

}  // namespace stratoscope::testing
