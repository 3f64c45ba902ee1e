// A test program that includes this runs as nobody where root started it: what it deletes, links and refuses to open is
// then what a user could.
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
