#include "stratoscope/hub/download/network_errors.h"

#include <array>
#include <cstdlib>

#include "stratoscope/base/names.h"
#include "stratoscope/hub/download/address.h"
#include "stratoscope/hub/download/faults.h"

namespace stratoscope {
namespace {

constexpr const char* kWithoutNetwork = "models that 'stratoscope models' lists need no network";

// The variable with the proxy for an address, by libcurl's rules; empty if there is none.
std::string proxy_variable(const std::string& address) {
  const bool secure = address.starts_with("https:");
  const auto variables = secure ? std::array{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}
                                : std::array{"http_proxy", "all_proxy", "ALL_PROXY", ""};
  for (const char* variable : variables)
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return variable;
  return {};
}

[[noreturn]] void throw_passing(const std::string& problem, const std::string& hint, bool seldom_passes) {
  throw PassingFault("pull", problem, hint, seldom_passes);
}

}  // namespace

void throw_network_error(CURLcode code, const std::string& address, const std::string& said, long proxy_status) {
  constexpr long kFirstFailure = 300;
  const std::string host = host_of(address);
  const std::string proxy = proxy_variable(address);
  const std::string behind_proxy = "is there a network, and does it need a proxy ($https_proxy)?";
  if (proxy_status >= kFirstFailure) throw_proxy_refusal(address, proxy_status);
  if (!proxy.empty() && (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY))
    throw_passing("the proxy of $" + proxy + " cannot be reached: " + said, "correct or unset the variable", true);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      throw_passing("cannot reach " + host + ": its name is unknown", behind_proxy + " " + kWithoutNetwork, true);
    case CURLE_COULDNT_CONNECT:
      throw_passing("cannot reach " + host + ": " + said, behind_proxy + " " + kWithoutNetwork, true);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      throw Error("pull", host + " cannot prove its identity: " + said,
                  "where a network inspects connections, $SSL_CERT_FILE names its authority; is the clock right?");
    case CURLE_SSL_CACERT_BADFILE:
      throw Error("pull", "the trusted certificates cannot be read: " + said,
                  "install ca-certificates, or set $SSL_CERT_FILE");
    case CURLE_OPERATION_TIMEDOUT: throw_passing(host + " does not answer: " + said, behind_proxy, true);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: throw_passing("the connection to " + host + " broke: " + said, "", false);
    case CURLE_SSL_CONNECT_ERROR:  // a dropped connection, or, by OpenSSL's code, another protocol
      throw_passing("no secure connection to " + host + ": " + said, "does that server speak https?",
                    said.find("error:") != std::string::npos);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      throw_passing(host + " answers with invalid HTTP: " + said, "a machine on the way to the hub may change its data",
                    true);
    case CURLE_OUT_OF_MEMORY:  // also for a header of more than 100 kB
      throw Error("pull", host + " sends headers without end, or there is too little memory");
    default: throw Error("pull", "no transfer from " + host + ": " + said);
  }
}

void throw_proxy_refusal(const std::string& address, long status) {
  constexpr long kAuthenticationRequired = 407;
  const std::string proxy = "the proxy of $" + proxy_variable(address);
  if (status == kAuthenticationRequired)
    throw Error("pull", proxy + " requires a name and a password",
                "write them into the variable: http://NAME:PASSWORD@HOST:PORT");
  throw Error("pull", proxy + " refuses the connection with status " + std::to_string(status));
}

}  // namespace stratoscope
