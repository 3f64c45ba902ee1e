#include "apps/server/access_policy.h"

#include <gtest/gtest.h>

#include "apps/server/http_error.h"
#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

Request request(const std::string& host, const Headers& headers = {}) {
  Request request;
  request.method = "GET";
  request.path = request.target = "/api/status";
  request.headers = headers;
  request.headers.add("host", host);
  return request;
}

int status_of(const AccessPolicy& policy, const Request& asked) {
  try {
    policy.check(asked);
  } catch (const HttpError& error) {
    return error.status();
  }
  return 200;
}

const AccessPolicy kOpen{.names = {"127.0.0.1"}};
const AccessPolicy kSecret{.names = {"10.0.0.5", "lab"}, .token = "secret"};
const AccessPolicy kProxied{.names = {"127.0.0.1"}, .proxies = {"hub.example", "tunnel.example:9000"}};

Request with_token(const std::string& host, const Headers& headers = {}) {
  Request asked = request(host, headers);
  asked.headers.add("Authorization", "Bearer secret");
  return asked;
}

TEST(AccessPolicy, AcceptsItsOwnNamesWithAnyPort) {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost:9000", "127.0.0.1", "LOCALHOST",
                           "localhost.", "127.8.9.10:1", "[::ffff:127.0.0.1]:80"})
    EXPECT_EQ(status_of(kOpen, request(host)), 200) << host;
  for (const char* host : {"evil.example:8080", "127.0.0.1.evil.example:8080", "", ":8080", "localhost:8080:8080",
                           "evil.example:8080@localhost:8080", "localhost:80x", "localhost.evil.example", "127.0.0",
                           "10.0.0.5:8080", "[::2]:8080", "[::1", "::1", "lab:8080", "0.0.0.0:8080"})
    EXPECT_EQ(status_of(kOpen, request(host)), 421) << host;
}

TEST(AccessPolicy, WithATokenAcceptsIpAddressesAndItsNames) {
  for (const char* host : {"10.0.0.5:8080", "192.168.7.7:80", "[fe80::1]:8080", "localhost:1", "lab:8080", "LAB."})
    EXPECT_EQ(status_of(kSecret, with_token(host)), 200) << host;
  for (const char* host : {"evil.example:8080", "10.0.0.5.evil.example", "lab.evil.example", "256.0.0.1", ""})
    EXPECT_EQ(status_of(kSecret, with_token(host)), 421) << host;
}

TEST(AccessPolicy, AcceptsTheNamesOfProxies) {
  for (const char* host : {"hub.example", "hub.example:443", "tunnel.example:9000"})
    EXPECT_EQ(status_of(kProxied, request(host)), 200) << host;
  for (const char* host : {"tunnel.example", "tunnel.example:9001", "a.hub.example"})
    EXPECT_EQ(status_of(kProxied, request(host)), 421) << host;
  EXPECT_EQ(status_of(kProxied, request("hub.example", {{"Origin", "https://hub.example"}})), 200);
  EXPECT_EQ(status_of(kProxied, request("localhost:8080", {{"Origin", "https://hub.example"}})), 200);
  EXPECT_EQ(status_of(kProxied, request("localhost:8080", {{"Origin", "https://evil.example"}})), 403);
}

TEST(AccessPolicy, RejectsTwoHostsAndNone) {
  Request twice = request("localhost:8080");
  twice.headers.add("Host", "evil.example");
  EXPECT_EQ(status_of(kOpen, twice), 421);
  Request none;
  none.method = "GET";
  none.path = none.target = "/";
  EXPECT_EQ(status_of(kOpen, none), 421);
}

TEST(AccessPolicy, RejectsOtherSites) {
  const auto with = [](const char* name, const char* value) { return request("localhost:8080", {{name, value}}); };
  EXPECT_EQ(status_of(kOpen, with("Origin", "http://localhost:8080")), 200);
  for (const char* origin :
       {"http://localhost:3000", "null", "localhost:8080", "ftp://localhost:8080", "http://evil.example",
        "http://localhost", "file://", "http://localhost:8080@evil.example"})
    EXPECT_EQ(status_of(kOpen, with("Origin", origin)), 403) << origin;
  Request two = with("Origin", "http://localhost:8080");
  two.headers.add("Origin", "http://evil.example");
  EXPECT_EQ(status_of(kOpen, two), 403);
  EXPECT_EQ(status_of(kOpen, with("Sec-Fetch-Site", "cross-site")), 403);
  EXPECT_EQ(status_of(kOpen, with("Sec-Fetch-Site", "same-site")), 403);
  EXPECT_EQ(status_of(kOpen, with("Sec-Fetch-Site", "same-origin")), 200);
}

TEST(AccessPolicy, RequiresItsToken) {
  const auto with = [](const char* value) { return request("10.0.0.5:8080", {{"Authorization", value}}); };
  EXPECT_EQ(status_of(kSecret, request("10.0.0.5:8080")), 401);
  for (const char* wrong : {"Bearer secre", "Bearer secret2", "Bearer ", "secret", "Basic secret", "", "Bearer"})
    EXPECT_EQ(status_of(kSecret, with(wrong)), 401) << wrong;
  for (const char* right : {"Bearer secret", "bearer secret"}) EXPECT_EQ(status_of(kSecret, with(right)), 200) << right;
  Request page = request("10.0.0.5:8080");
  page.path = page.target = "/";
  EXPECT_EQ(status_of(kSecret, page), 200);
}

TEST(AccessPolicy, RejectsMethodsAndTypesOfNoRoute) {
  Request post = request("localhost:8080");
  post.method = "POST";
  EXPECT_EQ(status_of(kOpen, post), 415);
  const auto with_type = [&](const char* type) {
    Request typed = post;
    typed.headers.add("Content-Type", type);
    return status_of(kOpen, typed);
  };
  for (const char* type : {"application/json", "Application/JSON", "application/json; charset=utf-8"})
    EXPECT_EQ(with_type(type), 200) << type;
  for (const char* type : {"application/jsonx", "text/plain", "application/", "multipart/form-data; boundary=b"})
    EXPECT_EQ(with_type(type), 415) << type;
  post.headers.add("Content-Type", "application/json");
  Request packed = post;
  packed.headers.add("Content-Encoding", "gzip");
  EXPECT_EQ(status_of(kOpen, packed), 415);
  post.target = "/" + std::string(5000, 'a');
  EXPECT_EQ(status_of(kOpen, post), 414);
  for (const char* method : {"OPTIONS", "TRACE", "CONNECT", "BREW", "get"}) {
    Request other = request("localhost:8080");
    other.method = method;
    EXPECT_EQ(status_of(kOpen, other), 405) << method;
  }
}

TEST(AccessPolicy, AllowedHostsAreNames) {
  for (const char* host : {"hub.example", "hub", "HUB.example:8000", "10.0.0.1", "[::1]:80", "a_b"})
    EXPECT_NO_THROW(check_host(host)) << host;
  for (const char* host : {"", "a b", "http://x", "x/", "[::1", ":80", "x:999999", "x:y", "x:"})
    EXPECT_THROW(check_host(host), Error) << host;
}

TEST(AccessPolicy, TokensDiffer) {
  EXPECT_EQ(new_token().size(), 32U);
  EXPECT_NE(new_token(), new_token());
}

TEST(AccessPolicy, TokensFitIntoAHeader) {
  for (const std::string token : {"t", "a#b&c=d", "\"<script>", "+%41"}) EXPECT_NO_THROW(check_token(token)) << token;
  for (const std::string& token : {std::string("a b"), std::string("\xC3\xBC"), std::string("a\nb"), std::string("\t"),
                                   std::string(9000, 'x'), std::string(1, '\0')})
    EXPECT_THROW(check_token(token), Error) << token;
}

}  // namespace
}  // namespace stratoscope::server
