// An experiment that only tests have, over HTTP: its route, and its place in the OpenAPI document.
#include "tests/support/two_fields.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/server/routes.h"
#include "tests/server/http/socket_client.h"

namespace stratoscope::server {
namespace {

constexpr const char* kFolder = STRATOSCOPE_SOURCE_DIR "/models/novella-7m";

std::vector<Experiment> with_two_fields() {
  std::vector<Experiment> experiments = all_experiments();
  experiments.push_back(test::two_fields());
  return experiments;
}

// A server of only these experiments, in this thread.
class ExperimentServer {
 public:
  client::ReadResponse post(const std::string& path, const std::string& body) {
    const std::string request =
        "POST " + path +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    const auto responses = client::read_responses(client::responses_to(server_, request, true));
    return responses.at(0);
  }

  ExperimentServer() { add_experiment_routes(server_, context_); }

 private:
  const std::vector<Experiment> experiments_ = with_two_fields();
  OpenModels models_{kFolder, {}, 1};
  LazyStore store_{"none.db"};
  JobQueue queue_;
  HttpServer server_{AccessPolicy{.names = {"localhost"}}};
  ServerContext context_{models_, queue_, store_, server_, experiments_};
};

TEST(TwoFields, AreARouteWithChecksAndAFigure) {
  ExperimentServer server;
  const auto answer = server.post("/api/longest", R"({"text": "Penguins are cute.", "top": 2})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json document = Json::parse(answer.body);
  const Session session({.model = kFolder});
  Json expected = json_of(to_json(session, test::longest(session, {"Penguins are cute.", 2})));
  EXPECT_EQ(document, expected);
  const auto warned = Json::parse(server.post("/api/longest", R"({"text": "a"})").body);
  EXPECT_EQ(warned["warnings"].size(), 1U);
  const auto figure = server.post("/api/longest?figure=csv", R"({"text": "Penguins are cute."})");
  EXPECT_EQ(figure.status, 200);
  EXPECT_NE(figure.body.find("are"), std::string::npos);
  for (const char* body :
       {R"({"text": "a", "topp": 1})", R"({"text": "a", "top": 0})", R"({"top": 1})", R"({"text": 1})"})
    EXPECT_EQ(server.post("/api/longest", body).status, 400) << body;
}

TEST(TwoFields, AreInTheOpenApiDocument) {
  const Json document = openapi_document(with_two_fields());
  const Json& route = document["paths"]["/api/longest"]["post"];
  EXPECT_EQ(route["summary"], "the longest tokens of a text");
  const Json& schema = route["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(schema["properties"]["top"]["description"], "how many tokens are named");
  EXPECT_EQ(schema["properties"]["top"]["minimum"], 1);
  EXPECT_EQ(schema["required"], Json::array({"text"}));
  EXPECT_TRUE(schema["properties"].contains("model"));
  EXPECT_FALSE(openapi_document(all_experiments())["paths"].contains("/api/longest"));
}

}  // namespace
}  // namespace stratoscope::server
