// Whether the test runs under a sanitizer: it is slow and checks code, not values, so that tests of many similar cases
// take only some.
#pragma once

#include <cstddef>

namespace stratoscope::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kWatched = true;
#elif defined(__has_feature)
inline constexpr bool kWatched = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kWatched = false;
#endif

// Whether a test takes the case with this number: every one, or every fifth under a sanitizer.
constexpr bool takes_case(std::size_t number) { return !kWatched || number % 5 == 0; }

}  // namespace stratoscope::test
