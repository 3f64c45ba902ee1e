#include "stratoscope/c/call.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string_view>

#include "stratoscope/families/families.h"
#include "stratoscope/probe/edits.h"

namespace stratoscope::c {
namespace {

// The last error of a thread. Fixed memory, so that it can be kept when there is none.
struct LastError {
  std::array<char, 512> problem{}, where{}, hint{};
  std::string details;
  stratoscope_error error{STRATOSCOPE_OK, "", "", "", ""};

  static const char* keep(std::string_view text, std::array<char, 512>& memory) {
    const std::size_t size = std::min(text.size(), memory.size() - 1);
    std::memcpy(memory.data(), text.data(), size);
    memory.at(size) = '\0';
    return memory.data();
  }

  void set(stratoscope_status status, std::string_view problem_text, std::string_view where_text = "library",
           std::string_view hint_text = "") noexcept {
    details.clear();
    error = {status, keep(problem_text, problem), keep(where_text, where), keep(hint_text, hint), details.c_str()};
  }

  void set(stratoscope_status status, const Error& from) {
    set(status, from.problem(), from.where(), from.hint());
    details = from.details();
    error.details = details.c_str();
  }
};

LastError& last_error() {
  thread_local LastError error;
  return error;
}

// Of Errors that have no class of their own, by the part of the program that they come from.
struct PartStatus {
  std::string_view where;
  stratoscope_status status;
};
constexpr PartStatus kPartStatuses[] = {
    {"array", STRATOSCOPE_FILE},        {"file", STRATOSCOPE_FILE},       {"npy", STRATOSCOPE_FILE},
    {"npz", STRATOSCOPE_FILE},          {"output", STRATOSCOPE_FILE},     {"record", STRATOSCOPE_FILE},
    {"start", STRATOSCOPE_FILE},        {"config", STRATOSCOPE_MODEL},    {"hub", STRATOSCOPE_MODEL},
    {"model", STRATOSCOPE_MODEL},       {"models", STRATOSCOPE_MODEL},    {"pull", STRATOSCOPE_MODEL},
    {"safetensors", STRATOSCOPE_MODEL}, {"tokenizer", STRATOSCOPE_MODEL}, {"corrupt", STRATOSCOPE_EDIT},
    {"edit", STRATOSCOPE_EDIT},         {"block", STRATOSCOPE_USAGE},     {"capture", STRATOSCOPE_USAGE},
    {"dim", STRATOSCOPE_USAGE},         {"head", STRATOSCOPE_USAGE},      {"key", STRATOSCOPE_USAGE},
    {"layer", STRATOSCOPE_USAGE},       {"position", STRATOSCOPE_USAGE},  {"precision", STRATOSCOPE_USAGE},
    {"prompts", STRATOSCOPE_USAGE},     {"range", STRATOSCOPE_USAGE},     {"request", STRATOSCOPE_USAGE},
    {"target", STRATOSCOPE_USAGE},      {"text", STRATOSCOPE_USAGE},      {"texts", STRATOSCOPE_USAGE},
    {"theme", STRATOSCOPE_USAGE},       {"token", STRATOSCOPE_USAGE},     {"hook point", STRATOSCOPE_UNKNOWN},
    {"memory", STRATOSCOPE_MEMORY}};

stratoscope_status status_of_part(std::string_view where) {
  const auto* const found = std::find_if(std::begin(kPartStatuses), std::end(kPartStatuses),
                                         [&](const PartStatus& part) { return part.where == where; });
  return found == std::end(kPartStatuses) ? STRATOSCOPE_ERROR : found->status;
}

stratoscope_status status_of(const Error& error) {
  if (const auto* own = dynamic_cast<const StatusError*>(&error)) return own->status();
  if (dynamic_cast<const Interrupted*>(&error) != nullptr) return STRATOSCOPE_CANCELLED;
  if (dynamic_cast<const UsageError*>(&error) != nullptr) return STRATOSCOPE_USAGE;
  if (dynamic_cast<const NotImplemented*>(&error) != nullptr) return STRATOSCOPE_MODEL;
  if (dynamic_cast<const EditError*>(&error) != nullptr) return STRATOSCOPE_EDIT;
  // "edit 2" of a list
  const std::string& where = error.where();
  const std::size_t space = where.rfind(' ');
  const bool is_numbered =
      space != std::string::npos && where.find_first_not_of("0123456789", space + 1) == std::string::npos;
  return status_of_part(is_numbered ? where.substr(0, space) : where);
}

void keep_exception() noexcept {
  LastError& last = last_error();
  try {
    throw;
  } catch (const Error& error) {
    try {
      last.set(status_of(error), error);
    } catch (...) {
      last.set(STRATOSCOPE_MEMORY, "out of memory");
    }
  } catch (const std::bad_alloc&) {
    last.set(STRATOSCOPE_MEMORY, "out of memory", "library", "ask for less: fewer texts, captures or arrays");
  } catch (const std::exception& error) {
    last.set(STRATOSCOPE_INTERNAL, error.what());
  } catch (...) {
    last.set(STRATOSCOPE_INTERNAL, "an exception of no known type");
  }
}

// The calls in progress, of all threads and of this one. After a fork only the forking thread's go on: where there were
// others, their locks stay taken in the child, which must not wait for them.
std::atomic<int> calls{0};
std::atomic<bool> left_by_threads{false};
thread_local int calls_of_thread = 0;

void after_fork_in_child() {
  if (calls > calls_of_thread) left_by_threads = true;
  calls = calls_of_thread;
}

class CallCount {
 public:
  CallCount() {
    static std::once_flag once;
    std::call_once(once, [] { ::pthread_atfork(nullptr, nullptr, after_fork_in_child); });
    ++calls;
    ++calls_of_thread;
  }
  ~CallCount() {
    --calls_of_thread;
    --calls;
  }
  CallCount(const CallCount&) = delete;
  CallCount& operator=(const CallCount&) = delete;
};

}  // namespace

int call(const std::function<void()>& work) noexcept {
  try {
    const CallCount counted;
    if (left_by_threads)
      throw Error("fork", "this process was forked while another thread was in a call of the library",
                  "fork while no call is in progress, or start a new process instead (exec, spawn)");
    work();
    return STRATOSCOPE_OK;
  } catch (...) {
    keep_exception();
    return last_error().error.status;
  }
}

void call_quietly(const std::function<void()>& work) noexcept {
  try {
    const CallCount counted;
    if (!left_by_threads) work();
  } catch (...) {
    keep_exception();
  }
}

void check_pointer(const void* pointer, const char* name) {
  if (pointer == nullptr)
    throw StatusError(STRATOSCOPE_USAGE, "call", std::string("the argument ") + name + " is NULL");
}

}  // namespace stratoscope::c

const stratoscope_error* stratoscope_last_error(void) { return &stratoscope::c::last_error().error; }
