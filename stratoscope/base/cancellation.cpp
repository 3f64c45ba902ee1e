#include "stratoscope/base/cancellation.h"

namespace stratoscope {
namespace {

thread_local const Progress* asked = nullptr;

}  // namespace

CancellationScope::CancellationScope(const Progress* progress) : previous_(asked) { asked = progress; }

CancellationScope::~CancellationScope() { asked = previous_; }

void throw_if_cancelled() {
  if (asked != nullptr) asked->throw_if_cancelled();
}

}  // namespace stratoscope
