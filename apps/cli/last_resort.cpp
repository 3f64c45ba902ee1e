#include "apps/cli/last_resort.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

namespace stratoscope::cli {
namespace {

constexpr int kFailed = 1;
constexpr std::size_t kMebi = std::size_t{1} << 20;

std::atomic<bool> over{false};
std::string no_memory, no_memory_line, gave_up_line;  // made in advance, because a signal handler cannot format
std::terminate_handler previous_terminate = nullptr;

[[noreturn]] void end_with(const std::string& line) {
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  ::_exit(kFailed);
}

// Whether so little memory is left that code without checks has probably used a null pointer.
bool memory_ran_out() {
  void* memory = ::mmap(nullptr, 16 * kMebi, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return true;
  ::munmap(memory, 16 * kMebi);
  return false;
}

extern "C" void on_crash(int signal, siginfo_t* info, void*) {
  if (memory_ran_out()) end_with(no_memory_line);
  ::signal(signal, SIG_DFL);
  if (info->si_code <= 0) ::raise(signal);  // sent by kill(); otherwise the instruction runs again and crashes
}

void on_terminate() {
  try {
    if (const auto current = std::current_exception()) std::rethrow_exception(current);
  } catch (const std::bad_alloc&) {
    end_with(no_memory_line);
  } catch (...) {
  }
  previous_terminate();
}

// A library may print an error and call exit() when an allocation fails.
void on_exit_of_others() {
  if (!over.load()) end_with(gave_up_line);
}

rlim_t address_space_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_AS, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

void write_messages(rlim_t limit) {
  std::string hint;
  if (limit != RLIM_INFINITY)
    hint = ", or allow more than " + std::to_string(limit / kMebi) + " MiB of address space (ulimit -v)";
  no_memory = "memory: there is not enough; try a shorter text, fewer threads or a smaller model" + hint;
  no_memory_line = "stratoscope: error: " + no_memory + "\n";
  gave_up_line = "stratoscope: error: memory: a required library stopped the program; try fewer threads" + hint + "\n";
}

// The main thread's stack grows page by page, and under a limit its address range may be taken by other mappings.
void touch_stack() {
  constexpr std::size_t kBytes = std::size_t{256} << 10, kPage = 4096;
  volatile char pages[kBytes];
  for (std::size_t i = 0; i < kBytes; i += kPage) pages[i] = 1;
  static_cast<void>(pages[0]);
}

void watch_for_crashes() {
  static std::array<char, 64 * 1024> stack;  // a separate stack, because the normal stack may have overflowed
  stack_t own{};
  own.ss_sp = stack.data();
  own.ss_size = stack.size();
  ::sigaltstack(&own, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
  previous_terminate = std::set_terminate(on_terminate);
  std::atexit(on_exit_of_others);
}

void need_less_address_space() {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, 2 * kMebi);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  ::mallopt(M_ARENA_MAX, 1);  // each additional arena reserves 64 MiB of addresses
}

}  // namespace

void prepare_for_the_worst() {
  const rlim_t limit = address_space_limit();
  write_messages(limit);
  watch_for_crashes();
  if (limit == RLIM_INFINITY) return;
  touch_stack();
  need_less_address_space();
}

void work_is_over() { over.store(true); }

const char* no_memory_message() { return no_memory.data(); }

}  // namespace stratoscope::cli
