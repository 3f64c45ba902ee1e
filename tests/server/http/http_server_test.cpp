#include "apps/server/http/http_server.h"

#include <gtest/gtest.h>

#include <memory>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"
#include "tests/server/http/socket_client.h"

namespace stratoscope::server {
namespace {

using client::ReadResponse;

class FourPieces : public BodyStream {
 public:
  explicit FourPieces(bool& ended) : ended_(ended) {}
  ~FourPieces() override { ended_ = true; }
  FourPieces(const FourPieces&) = delete;
  FourPieces& operator=(const FourPieces&) = delete;
  std::optional<std::string> next() override {
    ++count_;
    return count_ > 4 ? std::nullopt : std::optional(count_ == 2 ? std::string() : std::to_string(count_));
  }

 private:
  bool& ended_;
  int count_ = 0;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    server_.add("GET", "/api/hello", [this](const Request& request) {
      ++handled_;
      return Response{.body = "hello " + request.parameter("name").value_or("all"),
                      .headers = {{"X-Method", request.method}}};
    });
    server_.add("POST", "/api/echo", [this](const Request& request) {
      ++handled_;
      return Response{.body = request.body};
    });
    server_.add("DELETE", "/api/things/{id}", [this](const Request& request) {
      ++handled_;
      deleted_ = request.id;
      return Response{.status = 204};
    });
    server_.add("GET", "/api/stream", [this](const Request&) {
      return Response{.type = "text/event-stream", .stream = std::make_unique<FourPieces>(stream_ended_)};
    });
    server_.add("GET", "/api/fails", [](const Request&) -> Response { throw Error("thing", "is broken", "mend it"); });
  }

  std::vector<ReadResponse> talk(const std::string& bytes, bool stays_connected = false) {
    return client::read_responses(client::responses_to(server_, bytes, stays_connected));
  }
  static std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
  }
  static std::string post(const std::string& body, const std::string& fields) {
    return "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields + "\r\n" + body;
  }

  HttpServer server_{AccessPolicy{.names = {"localhost"}}};
  int handled_ = 0;
  std::string deleted_;
  bool stream_ended_ = false;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterAnother) {
  const auto responses = talk(get("/api/hello?name=you") + post("{}", "Content-Length: 2\r\n") + get("/api/hello"));
  ASSERT_EQ(responses.size(), 3U);
  EXPECT_EQ(responses[0].body, "hello you");
  EXPECT_EQ(responses[1].body, "{}");
  EXPECT_EQ(responses[2].body, "hello all");
  EXPECT_FALSE(responses[2].closes);
}

TEST_F(HttpServerTest, ReadsChunks) {
  const auto responses =
      talk(post("3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n", "Transfer-Encoding: chunked\r\n") +
           get("/api/hello"));
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].body, "abcdefgh");
}

TEST_F(HttpServerTest, StreamsInChunksAndDestroysTheStream) {
  const auto responses = talk(get("/api/stream") + get("/api/hello", "Connection: close\r\n"), true);
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].body, "134");
  EXPECT_TRUE(stream_ended_);
  const auto old = talk("GET /api/stream HTTP/1.0\r\nHost: localhost\r\n\r\n", true);
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].body, "134");
  EXPECT_TRUE(old[0].closes);
}

TEST_F(HttpServerTest, DestroysTheStreamOfADisconnectedClient) {
  EXPECT_EQ(client::responses_to(server_, get("/api/stream")).find("4\r\n"), std::string::npos);
  EXPECT_TRUE(stream_ended_);
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const auto responses = talk("HEAD /api/hello HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/api/hello"));
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_NE(responses[0].head.find("Content-Length: 9"), std::string::npos);
  EXPECT_EQ(responses[1].body, "hello all");
}

TEST_F(HttpServerTest, AnExceptionOfARouteIsAResponse) {
  const auto responses = talk(get("/api/fails") + get("/api/hello"));
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].status, 400);
  EXPECT_NE(responses[0].body.find("mend it"), std::string::npos);
}

TEST_F(HttpServerTest, IdsAreDigits) {
  EXPECT_EQ(talk("DELETE /api/things/17 HTTP/1.1\r\nHost: localhost\r\n\r\n")[0].status, 204);
  EXPECT_EQ(deleted_, "17");
  for (const char* path : {"/api/things/", "/api/things/x", "/api/things/1/2", "/api/things/-1", "/api/things/1%2F2",
                           "/api/things/1234567890123456"})
    EXPECT_EQ(talk(std::string("DELETE ") + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")[0].status, 404) << path;
}

TEST_F(HttpServerTest, ClosesOnRequestAndForHttp10) {
  EXPECT_EQ(talk(get("/api/hello", "Connection: close\r\n") + get("/api/hello")).size(), 1U);
  EXPECT_EQ(talk("GET /api/hello HTTP/1.0\r\nHost: localhost\r\n\r\n" + get("/api/hello")).size(), 1U);
}

TEST_F(HttpServerTest, Sends100Continue) {
  const auto responses = talk(post("", "Content-Length: 0\r\nExpect: 100-continue\r\n"));
  ASSERT_FALSE(responses.empty());
  EXPECT_EQ(responses.back().status, 200);
}

// Each is rejected before its body is read; the body, a DELETE request, must not be read as a request.
class EarlyErrorTest : public HttpServerTest, public ::testing::WithParamInterface<std::pair<std::string, int>> {};

TEST_P(EarlyErrorTest, ClosesTheConnection) {
  const std::string smuggled = "DELETE /api/things/1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto responses = talk(GetParam().first + smuggled);
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].status, GetParam().second);
  EXPECT_TRUE(responses[0].closes);
  EXPECT_NE(responses[0].head.find("Content-Security-Policy"), std::string::npos);
  EXPECT_EQ(handled_, 0);
}

std::string rejected(const std::string& line, const std::string& fields) {
  return line + " HTTP/1.1\r\n" + fields + "Content-Length: 55\r\n\r\n";
}
constexpr const char* kHere = "Host: localhost\r\nContent-Type: application/json\r\n";

INSTANTIATE_TEST_SUITE_P(
    Kinds, EarlyErrorTest,
    ::testing::Values(
        std::pair(rejected("POST /api/echo", "Host: evil.example\r\n"), 421),
        std::pair(rejected("POST /api/echo", std::string(kHere) + "Origin: http://evil.example\r\n"), 403),
        std::pair(rejected("POST /?a?b", "Host: localhost\r\nOrigin: http://evil.example\r\n"), 403),
        std::pair(rejected("POST /api/echo", "Host: localhost\r\nContent-Type: text/plain\r\n"), 415),
        std::pair(rejected("POST /api/echo", std::string(kHere) + "Content-Encoding: gzip\r\n"), 415),
        std::pair(rejected("POST /api/nothing", kHere), 404), std::pair(rejected("PATCH /api/echo", kHere), 405),
        std::pair(rejected("OPTIONS /api/echo", kHere), 405),
        std::pair(rejected("GET /" + std::string(3000, 'a'), kHere), 414),
        std::pair(rejected("GET /" + std::string(kHeadBytes, 'a'), kHere), 431),
        std::pair(rejected("GET /", std::string(kHere) + "X: " + std::string(kHeadBytes, 'y') + "\r\n"), 431),
        std::pair(rejected("GET /", std::string(kHere) + "Content-Length: 7\r\n"), 400),
        std::pair(rejected("POST /api/echo", std::string(kHere) + "Transfer-Encoding: chunked\r\n"), 400),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Transfer-Encoding: xchunked\r\n\r\n", 501),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Transfer-Encoding: identity\r\n\r\n", 501),
        std::pair(std::string("POST /api/echo HTTP/1.0\r\n") + kHere + "Transfer-Encoding: chunked\r\n\r\n", 400),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Content-Length: 5, 5\r\n\r\n", 400),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Content-Length: +5\r\n\r\n", 400),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Content-Length: 99999999999\r\n\r\n", 413),
        std::pair(std::string("POST /api/echo HTTP/1.1\r\n") + kHere + "Content-Length : 5\r\n\r\n", 400),
        std::pair(std::string("GET / HTTP/9.9\r\n") + kHere + "\r\n", 400),
        std::pair(std::string("\x16\x03\x01\r\n\r\n"), 400), std::pair(std::string("GET /\r\n\r\n"), 400)));

TEST_F(HttpServerTest, IgnoresMultipartAndRanges) {
  const std::string multipart =
      "--b\r\nContent-Disposition: form-data; name=\"" + std::string(8000, 'a') + "\"\r\n\r\nx\r\n--b--\r\n";
  EXPECT_EQ(talk("POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                 "Content-Length: " +
                 std::to_string(multipart.size()) + "\r\n\r\n" + multipart)[0]
                .status,
            415);
  const auto ranges = talk(get("/api/hello", "Range: bytes=0-0,0-1\r\n"));
  EXPECT_EQ(ranges[0].status, 200);
  EXPECT_EQ(ranges[0].body, "hello all");
}

TEST_F(HttpServerTest, RejectsChunksOverTheLimitOfBodies) {
  EXPECT_EQ(talk(post("900000\r\n" + std::string(70000, 'a'), "Transfer-Encoding: chunked\r\n"))[0].status, 413);
  EXPECT_EQ(talk(post(std::string(kHeadBytes + 1, '0'), "Transfer-Encoding: chunked\r\n"))[0].status, 431);
}

TEST_F(HttpServerTest, IgnoresATruncatedBody) {
  EXPECT_TRUE(talk(post("abc", "Content-Length: 4\r\n")).empty());
  EXPECT_TRUE(talk(post("5\r\nabc", "Transfer-Encoding: chunked\r\n")).empty());
  EXPECT_TRUE(talk("GET /api/hello HTTP/1.1\r\nHost: localhost\r\n").empty());
  EXPECT_EQ(handled_, 0);
}

}  // namespace
}  // namespace stratoscope::server
