#include "stratoscope/figures/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/temporary.h"

namespace stratoscope {
namespace {

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }
  void open(int fd, const std::string& path, int flags) {
    ::posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0600);
  }

 private:
  posix_spawn_file_actions_t actions_{};
};

// Starts a program in a process group; group 0 is a new one. Returns 0 or an errno.
int spawn(pid_t* child, pid_t group, const std::vector<std::string>& arguments, SpawnActions& actions,
          char** environment) {
  posix_spawnattr_t attributes{};
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, group);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int failure = ::posix_spawnp(child, argv[0], actions.get(), &attributes, argv.data(), environment);
  ::posix_spawnattr_destroy(&attributes);
  return failure;
}

[[noreturn]] void fail_to_start(const std::string& program, int reason) {
  throw Error("process", program + " cannot be started: " + std::strerror(reason));
}

// A process group whose members end with this object and with this process: its leader waits for the end of a pipe that
// only this process holds open, and then kills the group.
class ProcessGroup {
 public:
  ProcessGroup() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) fail_to_start("/bin/sh", errno);
    SpawnActions actions;
    ::posix_spawn_file_actions_adddup2(actions.get(), ends_[0], STDIN_FILENO);
    actions.open(STDOUT_FILENO, "/dev/null", O_WRONLY);
    actions.open(STDERR_FILENO, "/dev/null", O_WRONLY);
    const int failure = spawn(&leader_, 0, {"/bin/sh", "-c", "read -r end; kill -KILL 0"}, actions, environ);
    ::close(ends_[0]);
    if (failure == 0) return;
    ::close(ends_[1]);
    fail_to_start("/bin/sh", failure);
  }
  ~ProcessGroup() {
    kill();
    ::close(ends_[1]);
    while (::waitpid(leader_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  pid_t id() const { return leader_; }
  void kill() const { ::kill(-leader_, SIGKILL); }

 private:
  int ends_[2] = {-1, -1};
  pid_t leader_ = 0;
};

// The environment of this process, without variables that change gnuplot's defaults.
std::vector<char*> child_environment() {
  std::vector<char*> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const bool unwanted = std::strncmp(*each, "GNUTERM=", 8) == 0 || std::strncmp(*each, "GNUPLOT_", 8) == 0 ||
                          std::strncmp(*each, "GDFONTPATH=", 11) == 0;
    if (!unwanted) variables.push_back(*each);
  }
  variables.push_back(nullptr);
  return variables;
}

// Waits for `child`, but not longer than `seconds`, nor beyond a cancellation; then its group is killed and *timed_out
// set. Returns the wait status.
int wait_for(pid_t child, const ProcessGroup& group, double seconds, const Progress* progress, bool* timed_out) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, *timed_out ? 0 : WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR)
      throw Error("process", std::string("lost a child process: ") + std::strerror(errno));
    const bool cancelled = progress != nullptr && progress->cancelled();
    if (ended == 0 && (cancelled || std::chrono::steady_clock::now() > deadline)) {
      *timed_out = true;
      group.kill();
    }
    if (ended == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

Outcome run_program(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds,
                    const Progress* progress) {
  const TemporaryFolder logs;
  const std::filesystem::path output = logs.path() / "output", errors = logs.path() / "errors";
  SpawnActions actions;
  actions.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  actions.open(STDOUT_FILENO, output.string(), O_WRONLY | O_CREAT | O_TRUNC);
  actions.open(STDERR_FILENO, errors.string(), O_WRONLY | O_CREAT | O_TRUNC);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());

  std::vector<char*> variables = child_environment();
  pid_t child = 0;
  const ProcessGroup group;
  const int failure = spawn(&child, group.id(), arguments, actions, variables.data());
  Outcome outcome;
  if (failure == ENOENT || failure == EACCES || failure == ENOTDIR) {
    outcome.found = false;
    return outcome;
  }
  if (failure != 0) fail_to_start(arguments[0], failure);
  const int status = wait_for(child, group, seconds, progress, &outcome.timed_out);
  if (progress != nullptr) progress->throw_if_cancelled();  // then the status of the killed child says nothing
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.output = read_text_file(output);
  outcome.errors = read_text_file(errors);
  return outcome;
}

}  // namespace stratoscope
