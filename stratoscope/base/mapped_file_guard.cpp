#include "stratoscope/base/mapped_file_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "stratoscope/base/guarded_range.h"

namespace stratoscope {
namespace {

// It never shrinks, because a signal handler may traverse it at any time. Freed ranges are reused.
std::atomic<GuardedRange*> ranges{nullptr};
std::atomic<std::uintptr_t> page_size{4096};
struct sigaction previous_action {};

GuardedRange* range_at(std::uintptr_t address) {
  for (GuardedRange* range = ranges.load(); range != nullptr; range = range->next) {
    const std::uintptr_t begin = range->begin.load();
    if (begin != 0 && address >= begin && address - begin < range->size.load()) return range;
  }
  return nullptr;
}

// Zeros from the page of `address` to the mapping's end: the pages after a lost one are lost too.
bool put_zeros(const GuardedRange& range, std::uintptr_t address) {
  const std::uintptr_t page = address & ~(page_size.load() - 1), end = range.begin.load() + range.size.load();
  void* at = reinterpret_cast<void*>(page);  // NOLINT(performance-no-int-to-ptr)
  return ::mmap(at, end - page, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

// Calls only async-signal-safe functions: atomics and system calls.
extern "C" void on_bus_error(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const bool from_memory = info->si_code > 0;  // not by kill()
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  GuardedRange* range = from_memory ? range_at(address) : nullptr;
  if (range != nullptr) range->damaged.store(true);
  if (range == nullptr || !put_zeros(*range, address)) {
    // The instruction runs again under the previous handler.
    ::sigaction(SIGBUS, &previous_action, nullptr);
    if (!from_memory) ::raise(signal);
  }
  errno = saved_errno;
}

}  // namespace

void guard_mapped_files() {
  page_size.store(static_cast<std::uintptr_t>(::getpagesize()));
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    return ::sigaction(SIGBUS, &action, &previous_action) == 0;
  }();
  static_cast<void>(installed);
}

GuardedRange* add_guarded_range(const void* begin, std::size_t size) {
  static std::mutex gate;
  const std::lock_guard lock(gate);
  GuardedRange* range = ranges.load();
  while (range != nullptr && range->begin.load() != 0) range = range->next;
  if (range == nullptr) {
    range = new GuardedRange;
    range->next = ranges.load();
    ranges.store(range);
  }
  range->damaged.store(false);
  range->size.store(size);
  range->begin.store(reinterpret_cast<std::uintptr_t>(begin));
  return range;
}

void remove_guarded_range(GuardedRange* range) { range->begin.store(0); }

}  // namespace stratoscope
