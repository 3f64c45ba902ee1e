// pull_model() as a program, with the library's options that the command line has not: for the tests of transfers.
//   pull_driver NAME [--force] [--verify] [--free BYTES] [--files-at-once N] [--tries N] [--delay MS]
//               [--longest-asked MS] [--stall MS] [--connect MS] [--show]
// Prints one JSON object. The hub is that of the environment. Exit status: 0, 1 an error, 130 interrupted.
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stratoscope/base/error.h"
#include "stratoscope/hub/download/pull.h"

namespace {

using stratoscope::PulledModel;
using stratoscope::PullOptions;

volatile std::sig_atomic_t interrupted = 0;

// Prints what a progress bar would show.
class Show : public stratoscope::Progress {
 public:
  explicit Show(bool aloud) : aloud_(aloud) {}
  void update_parts(std::span<const stratoscope::ProgressPart> parts) override {
    if (!aloud_) return;
    for (const auto& part : parts)
      std::fprintf(stderr, "%s %zu/%zu %s\n", part.name.c_str(), part.done, part.total, part.note.c_str());
  }
  bool cancelled() const override { return interrupted != 0; }

 private:
  bool aloud_;
};

void print(const PulledModel& model) {
  nlohmann::ordered_json json = {{"repository", model.repository}, {"revision", model.revision},
                                 {"commit", model.commit},         {"folder", model.folder.string()},
                                 {"size", model.size()},           {"received", model.received()},
                                 {"warnings", model.warnings},     {"files", nlohmann::ordered_json::object()}};
  for (const auto& file : model.files) json["files"][file.name] = {{"size", file.size}, {"received", file.received}};
  std::puts(json.dump().c_str());
}

PullOptions options_of(const std::vector<std::string>& arguments, bool& show) {
  PullOptions options = stratoscope::default_pull_options();
  options.retry.first_delay = std::chrono::milliseconds(1);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto number = [&] { return std::stoll(arguments.at(++i)); };
    const auto time = [&] { return std::chrono::milliseconds(number()); };
    if (argument == "--force")
      options.force = true;
    else if (argument == "--verify")
      options.verify = true;
    else if (argument == "--show")
      show = true;
    else if (argument == "--free")
      options.free_space = [free = number()](const auto&) { return static_cast<std::uint64_t>(free); };
    else if (argument == "--files-at-once")
      options.files_at_once = static_cast<std::size_t>(number());
    else if (argument == "--tries")
      options.retry.tries = static_cast<int>(number());
    else if (argument == "--delay")
      options.retry.first_delay = time();
    else if (argument == "--longest-asked")
      options.retry.longest_asked = time();
    else if (argument == "--stall")
      options.http.stall = time();
    else if (argument == "--connect")
      options.http.connect_timeout = time();
    else
      options.name = argument;
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kInterrupted = 128 + SIGINT;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    bool show = false;
    PullOptions options = options_of({argv + 1, argv + argc}, show);
    Show progress(show);
    options.progress = &progress;
    print(stratoscope::pull_model(options));
    return 0;
  } catch (const stratoscope::Interrupted& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return kInterrupted;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
