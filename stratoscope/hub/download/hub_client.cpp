#include "stratoscope/hub/download/hub_client.h"

#include <nlohmann/json.hpp>

#include "stratoscope/base/json.h"
#include "stratoscope/base/names.h"
#include "stratoscope/hub/cache_layout.h"
#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/download/digest.h"
#include "stratoscope/hub/download/faults.h"

namespace stratoscope {
namespace {

constexpr int kMostRedirects = 10;

enum Status : long { ok = 200, partial = 206, first_redirect = 300, first_refusal = 400, bad_range = 416 };

bool is_redirect(const HttpResponse& response) {
  return response.status >= first_redirect && response.status < first_refusal && !response.header("location").empty();
}

// `W/"abc"` to `abc`.
std::string unquoted(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

// From the list of files; for a large file the hash of its content, not of git's pointer to it.
std::optional<std::uint64_t> told_size(const nlohmann::json& sibling) {
  const nlohmann::json large = sibling.value("lfs", nlohmann::json());
  const auto size = (large.is_object() ? large : sibling).value("size", nlohmann::json());
  return size.is_number_unsigned() ? std::optional(size.get<std::uint64_t>()) : std::nullopt;
}

}  // namespace

HubClient::HubClient(const HubClientOptions& options)
    : options_(options),
      connection_(options.http, options.settings.certificates, options.settings.certificates_folder, options.cancelled),
      origin_(origin_of(options.settings.endpoint)) {}

bool HubClient::is_hub(const std::string& address) const { return origin_of(address) == origin_; }

std::string HubClient::file_address(const std::string& repository, const std::string& commit,
                                    const std::string& name) const {
  return options_.settings.endpoint + "/" + escaped(repository) + "/resolve/" + escaped(commit, false) + "/" +
         escaped(name);
}

// Sends the request and follows redirects; the token is sent to the hub only. A request for headers ends at the
// redirect away from the hub if it has the file's etag: the other server has another one.
HubClient::Response HubClient::follow(HttpRequest request, const HubPath& path, BodySink* sink) {
  Response result;
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    const bool may_know_token = is_hub(request.address) && is_private_line(request.address);
    request.token = may_know_token ? options_.settings.token : "";
    result.response = connection_.send(request, sink);
    result.address = request.address;
    if (result.commit.empty()) result.commit = result.response.header("x-repo-commit");
    if (result.linked_etag.empty()) result.linked_etag = result.response.header("x-linked-etag");
    if (!result.linked_size) result.linked_size = result.response.number("x-linked-size");
    if (!is_redirect(result.response)) {
      const bool is_success = result.response.status == ok || result.response.status == partial ||
                              (result.response.status == bad_range && request.first_byte > 0);
      const bool from_hub = is_hub(request.address) || !result.response.header("x-error-code").empty();
      if (!is_success) throw_response_error(result.response, options_.settings, path, request.address, from_hub);
      return result;
    }
    const std::string target = redirect_target(request.address, result.response.header("location"));
    if (request.head && !is_hub(target) && !result.linked_etag.empty()) return result;
    request.address = target;
  }
  throw Error("pull", host_of(request.address) + " redirects without end");
}

HubClient::Response HubClient::send(const HttpRequest& request, const HubPath& path) {
  return with_retries(options_.retry, options_.wait, [&] { return follow(request, path, nullptr); });
}

HubRevision HubClient::revision(const std::string& repository, const std::string& revision) {
  HttpRequest request;
  request.address = options_.settings.endpoint + "/api/models/" + escaped(repository) + "/revision/" +
                    escaped(revision, false) + "?blobs=true";  // with sizes
  request.compressed = true;
  const Response result = send(request, {repository, revision, {}});
  const std::string host = host_of(result.address);
  const auto reject = [&](const std::string& problem) {
    throw Error("pull", host + " " + problem,
                "is it a Hugging Face hub ($HF_ENDPOINT), and does this network ask to log in first?");
  };
  nlohmann::json json;
  try {
    json = parse_json(result.response.body, "pull", host);
  } catch (const Error&) {
    reject("describes the model with invalid JSON");
  }
  if (!json.is_object() || !json.contains("siblings") || !json["siblings"].is_array())
    reject("has no list of the model's files");
  HubRevision found;
  found.repository = json.value("id", nlohmann::json()).is_string() ? json["id"].get<std::string>() : repository;
  found.commit = json.value("sha", nlohmann::json()).is_string() ? json["sha"].get<std::string>() : "";
  if (!is_repository_name(found.repository)) reject("calls the model " + in_quotes(found.repository));
  if (!is_commit(found.commit)) reject("names the commit " + in_quotes(found.commit));
  for (const auto& sibling : json["siblings"])
    if (sibling.is_object() && sibling.contains("rfilename") && sibling["rfilename"].is_string())
      found.files.emplace(sibling["rfilename"].get<std::string>(), told_size(sibling));
  return found;
}

HubFile HubClient::file(const std::string& repository, const std::string& commit, const std::string& name) {
  HttpRequest request;
  request.address = file_address(repository, commit, name);
  request.head = true;
  const Response result = send(request, {repository, commit, name});
  const std::string whose = host_of(options_.settings.endpoint) + ": " + in_quotes(name);
  if (!result.commit.empty() && result.commit != commit)
    throw Error("pull", whose + " is of the commit " + in_quotes(result.commit) + ", not of " + commit);
  HubFile file;
  file.etag = unquoted(result.linked_etag.empty() ? result.response.header("etag") : result.linked_etag);
  if (!is_digest(file.etag))
    throw Error("pull", whose + " has the ETag " + in_quotes(file.etag) + ", which is not a hash",
                "is it a Hugging Face hub ($HF_ENDPOINT)?");
  const auto size = result.linked_size ? result.linked_size : result.response.number("content-length");
  if (!size) throw Error("pull", whose + " comes without its size");
  file.size = *size;
  return file;
}

HttpResponse HubClient::read(const std::string& repository, const std::string& commit, const std::string& name,
                             std::uint64_t first_byte, BodySink& sink) {
  HttpRequest request;
  request.address = file_address(repository, commit, name);
  request.first_byte = first_byte;
  return follow(request, {repository, commit, name}, &sink).response;
}

}  // namespace stratoscope
