// A test program that includes this runs as the user nobody if root started it, so that permissions apply to its
// deleting, linking and opening of files as for a normal user.
#pragma once

#include <grp.h>
#include <unistd.h>

#include <cstdlib>

namespace stratoscope::test {

inline bool become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() != 0) return true;
  const bool done = ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
                    ::setresuid(kNobody, kNobody, kNobody) == 0;
  if (!done) std::abort();
  return true;
}

inline const bool is_nobody = become_nobody();  // before main

}  // namespace stratoscope::test
