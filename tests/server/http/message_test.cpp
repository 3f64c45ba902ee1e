#include "apps/server/http/message.h"

#include <gtest/gtest.h>

namespace stratoscope::server {
namespace {

Request with_target(const std::string& target) {
  Request request;
  request.target = target;
  return request;
}

TEST(Message, ParametersAreDecoded) {
  const Request request = with_target("/api/experiments?search=a+b%20c%2B&before=7&empty=&alone&search=second&%66=x");
  EXPECT_EQ(request.parameter("search"), "a b c+");
  EXPECT_EQ(request.parameter("before"), "7");
  EXPECT_EQ(request.parameter("empty"), "");
  EXPECT_EQ(request.parameter("alone"), "");
  EXPECT_EQ(request.parameter("f"), "x");
  EXPECT_EQ(request.parameter("none"), std::nullopt);
  for (const char* target : {"", "/", "/?", "/?&", "/?=", "/?&&=&"})
    EXPECT_EQ(with_target(target).parameter("a"), std::nullopt) << target;
}

TEST(Message, InvalidEscapesStay) {
  for (const char* text : {"%", "%4", "%zz", "a%", "%%", "100%25x"})
    EXPECT_EQ(percent_decoded(percent_encoded(text)), text) << text;
  EXPECT_EQ(percent_decoded("%4g%"), "%4g%");
  EXPECT_EQ(percent_decoded("%-1"), "%-1");
}

TEST(Message, EscapesRoundTrip) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  const std::string encoded = percent_encoded(bytes);
  EXPECT_EQ(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"),
            std::string::npos);
  EXPECT_EQ(percent_decoded(encoded), bytes);
  EXPECT_EQ(percent_decoded(encoded, true), bytes);
}

TEST(Message, HeaderNamesAreCaseInsensitive) {
  Headers headers = {{"Content-Type", "a"}};
  headers.add("content-type", "b");
  EXPECT_EQ(headers.count("CONTENT-TYPE"), 2U);
  EXPECT_EQ(headers.get("content-Type"), "a");
  EXPECT_EQ(headers.get("Content"), "");
}

}  // namespace
}  // namespace stratoscope::server
