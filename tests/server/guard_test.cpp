#include "apps/server/guard.h"

#include <gtest/gtest.h>

#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

httplib::Request request(const std::string& host, const httplib::Headers& headers = {}) {
  httplib::Request request;
  request.method = "GET";
  request.path = request.target = "/api/status";
  request.headers = headers;
  request.headers.emplace("Host", host);
  return request;
}

int status_of(const Guard& guard, const httplib::Request& asked) {
  try {
    guard.check(asked);
  } catch (const Refusal& refusal) {
    return refusal.status();
  }
  return 200;
}

const Guard kOpen{8080, {"127.0.0.1"}, ""};

TEST(Guard, KnowsItsOwnNames) {
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "[::1]:8080"})
    EXPECT_EQ(status_of(kOpen, request(host)), 200) << host;
  for (const char* host : {"evil.example:8080", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:8080", "", ":8080",
                           "localhost:8080:8080", "evil.example:8080@localhost:8080"})
    EXPECT_EQ(status_of(kOpen, request(host)), 421) << host;
}

TEST(Guard, RefusesTwoHosts) {
  httplib::Request twice = request("localhost:8080");
  twice.headers.emplace("Host", "evil.example");
  EXPECT_EQ(status_of(kOpen, twice), 421);
}

TEST(Guard, RefusesOtherSites) {
  const auto with = [](const char* name, const char* value) { return request("localhost:8080", {{name, value}}); };
  EXPECT_EQ(status_of(kOpen, with("Origin", "http://localhost:8080")), 200);
  EXPECT_EQ(status_of(kOpen, with("Origin", "http://localhost:3000")), 403);
  EXPECT_EQ(status_of(kOpen, with("Origin", "null")), 403);
  EXPECT_EQ(status_of(kOpen, with("Sec-Fetch-Site", "cross-site")), 403);
  EXPECT_EQ(status_of(kOpen, with("Sec-Fetch-Site", "same-origin")), 200);
}

TEST(Guard, RequiresItsToken) {
  const Guard guard{8080, {"10.0.0.5"}, "secret"};
  const auto with = [](const char* value) { return request("10.0.0.5:8080", {{"Authorization", value}}); };
  EXPECT_EQ(status_of(guard, request("10.0.0.5:8080")), 401);
  for (const char* wrong : {"Bearer secre", "Bearer secret2", "Bearer ", "secret", "bearer secret"})
    EXPECT_EQ(status_of(guard, with(wrong)), 401) << wrong;
  EXPECT_EQ(status_of(guard, with("Bearer secret")), 200);
  httplib::Request page = request("10.0.0.5:8080");
  page.path = page.target = "/";
  EXPECT_EQ(status_of(guard, page), 200);
}

TEST(Guard, BoundsBodiesAndAddresses) {
  httplib::Request post = request("localhost:8080", {{"Content-Length", "99999999"}});
  EXPECT_EQ(status_of(kOpen, post), 413);
  post.headers.erase("Content-Length");
  post.method = "POST";
  EXPECT_EQ(status_of(kOpen, post), 415);
  post.headers.emplace("Content-Type", "application/json");
  EXPECT_EQ(status_of(kOpen, post), 200);
  post.target = "/" + std::string(5000, 'a');
  EXPECT_EQ(status_of(kOpen, post), 414);
}

TEST(Guard, LoopbackIsThisMachineAlone) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"}) EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "192.168.0.1", "127.evil.example", "localhost.example"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Guard, TokensDiffer) {
  EXPECT_EQ(new_token().size(), 32U);
  EXPECT_NE(new_token(), new_token());
}

}  // namespace
}  // namespace stratoscope::server
