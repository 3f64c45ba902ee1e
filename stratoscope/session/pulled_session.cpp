#include "stratoscope/session/pulled_session.h"

#include <string>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/names.h"
#include "stratoscope/families/families.h"

namespace stratoscope {
namespace {

// Whether a problem may be one of the downloaded files, so that a comparison of their hashes may end it.
bool try_to_open(PulledSession& pulled, Progress* progress) {
  SessionOptions options;
  options.model = pulled.model.folder.string();
  options.progress = progress;
  pulled.problem.reset();
  try {
    pulled.session.emplace(options);
  } catch (const Interrupted&) {
    throw;
  } catch (const NotImplemented& error) {
    pulled.problem = error;
  } catch (const Error& error) {
    pulled.problem = error;
    return true;
  }
  return false;
}

// Removes the bars before other output.
PulledModel pull_with_bars(const PullOptions& options) {
  struct Bars {
    Progress* progress;
    ~Bars() {
      if (progress != nullptr) progress->update_parts({});
    }
  } const bars{options.progress};
  return pull_model(options);
}

}  // namespace

PulledSession pull_session(PullOptions options) {
  PulledSession pulled{pull_with_bars(options), {}, {}};
  if (try_to_open(pulled, options.progress) && !options.settings.offline &&
      pulled.model.received() < pulled.model.size()) {
    options.verify = true;
    pulled.model = pull_with_bars(options);
    try_to_open(pulled, options.progress);
  }
  return pulled;
}

Error why_unusable(const PulledModel& model, const Error& problem, bool offline) {
  const std::string name = in_quotes(model.repository);
  if (offline)
    return Error("pull", name + " cannot be run: " + problem.problem(),
                 problem.hint() + (problem.hint().empty() ? "" : "; ") + kOffline);
  return Error("pull", name + " is the same as on the hub, but cannot be run: " + problem.problem());
}

Session open_or_pull(const SessionOptions& options) {
  PullOptions pull;
  try {
    return Session(options);
  } catch (const Interrupted&) {
    throw;
  } catch (const NotImplemented&) {
    throw;
  } catch (const Error&) {
    const std::string name = name_to_pull(options.model);
    if (name.empty()) throw;
    pull = default_pull_options();
    pull.name = name;
  }
  pull.progress = options.progress;
  const PulledSession pulled = pull_session(pull);
  if (pulled.problem) throw why_unusable(pulled.model, *pulled.problem, pull.settings.offline);
  return Session(options);
}

}  // namespace stratoscope
