// Checks of the text of a call's Error.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "stratoscope/base/error.h"

namespace stratoscope::test {

// Passes if `call` throws an Error whose text contains `part`.
template <class Call>
::testing::AssertionResult refuses(const Call& call, const std::string& part) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the error is '" << text << "' and does not hold '" << part << "'";
  }
  return ::testing::AssertionFailure() << "no Error; expected '" << part << "'";
}

}  // namespace stratoscope::test
