#include "stratoscope/hub/download/hub_errors.h"

#include <ctime>
#include <vector>

#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/download/faults.h"
#include "stratoscope/hub/download/retry.h"
#include "stratoscope/hub/known_models.h"

namespace stratoscope {
namespace {

enum Status : long { unauthorized = 401, forbidden = 403, not_found = 404, timed_out = 408, too_many = 429 };

std::string near_names(const std::string& repository) {
  std::vector<std::string> names;
  if (known_model(repository) != nullptr) return {};  // the name is right
  for (const KnownModel& model : known_models()) names.insert(names.end(), {model.name, model.repository});
  return did_you_mean(repository, names);
}

[[noreturn]] void throw_gated(const HubSettings& settings, const HubPath& path) {
  const std::string page = settings.endpoint + "/" + path.repository;
  const std::string name = in_quotes(path.repository);
  if (settings.token.empty())
    throw Error("pull", name + " is gated: its authors require a request for access",
                "accept their terms at " + page + ", then set $HF_TOKEN to a token from " + settings.endpoint +
                    "/settings/tokens");
  throw Error("pull", name + " is gated, and the account of " + settings.token_source + " has no access yet",
              "accept the terms at " + page +
                  " with that account, and wait if the authors must agree; a fine-grained "
                  "token must also allow to read gated repositories");
}

[[noreturn]] void throw_missing(const HubSettings& settings, const HubPath& path) {
  const std::string near = near_names(path.repository);
  const std::string private_one = settings.token.empty() ? "a private one needs a token in $HF_TOKEN"
                                                         : "the token of " + settings.token_source + " may not see it";
  throw Error(
      "pull",
      "there is no model " + in_quotes(path.repository) + " on " + host_of(settings.endpoint) + ", or it is private",
      near.empty() ? "is the name right? " + private_one : near + " " + private_one);
}

// A token is sent only over a private connection; so the hub has not identified the user.
[[noreturn]] void throw_without_token(const HubSettings& settings, const HubPath& path) {
  throw Error("pull",
              host_of(settings.endpoint) + " does not give " + in_quotes(path.repository) + " to users without a token",
              "the token of " + settings.token_source + " was not sent, because " + settings.endpoint +
                  " is not encrypted: https in $HF_ENDPOINT?");
}

// Statuses with a meaning of their own on the hub, which also returns 401 for repositories that do not exist.
void throw_hub_error(const HttpResponse& response, const HubSettings& settings, const HubPath& path) {
  const std::string code = response.header("x-error-code");
  const std::string message = response.header("x-error-message");
  const bool refuses_asker = response.status == unauthorized || response.status == forbidden;
  if (refuses_asker && !settings.token.empty() && !is_private_line(settings.endpoint))
    throw_without_token(settings, path);
  if (code == "GatedRepo") throw_gated(settings, path);
  if (code == "RevisionNotFound")
    throw Error("pull", in_quotes(path.repository) + " has no revision " + in_quotes(path.revision),
                settings.endpoint + "/" + path.repository + "/tree/main shows its branches and tags");
  if (code == "EntryNotFound" || (response.status == not_found && code.empty() && !path.file.empty()))
    throw Error("pull", in_quotes(path.repository) + " has no file " + in_quotes(path.file));
  const bool bad_token = message.starts_with("Invalid credentials");
  if (response.status == unauthorized && !settings.token.empty() && (bad_token || code.empty()))
    throw Error("pull", "the hub does not accept the token of " + settings.token_source,
                "unset it, or make a new one at " + settings.endpoint + "/settings/tokens");
  if (code == "RepoNotFound" || response.status == unauthorized || response.status == not_found)
    throw_missing(settings, path);
  if (response.status == forbidden)
    throw Error("pull",
                "the hub does not give " + in_quotes(path.repository) + " to this account" +
                    (message.empty() ? "" : ": " + in_quotes(message)),
                settings.token.empty() ? "it may need a token in $HF_TOKEN"
                                       : "may the token of " + settings.token_source + " read it?");
}

}  // namespace

void throw_response_error(const HttpResponse& response, const HubSettings& settings, const HubPath& path,
                          const std::string& address, bool from_hub) {
  constexpr long kServerFailure = 500;
  if (from_hub) throw_hub_error(response, settings, path);
  const std::string problem = host_of(address) + " answers with status " + std::to_string(response.status);
  const bool passes = response.status >= kServerFailure || response.status == timed_out || response.status == too_many;
  // A signed address of one download expires; the hub creates a new one.
  const bool expired =
      !from_hub && (response.status == unauthorized || response.status == forbidden || response.status == not_found);
  if (!passes && !expired) throw Error("pull", problem, in_quotes(path.file.empty() ? path.repository : path.file));
  throw PassingFault(
      "pull",
      response.status == too_many ? host_of(address) + " received too many requests from this address (429)" : problem,
      "", expired, asked_wait(response, std::time(nullptr)));
}

}  // namespace stratoscope
