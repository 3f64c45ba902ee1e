// Addresses: hosts, and the targets of redirects.
#include "stratoscope/hub/download/address.h"

#include <gtest/gtest.h>

#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using test::refuses;

TEST(Address, WhatIsOne) {
  for (const char* text :
       {"https://huggingface.co", "http://127.0.0.1:8000", "https://host/a/b?c=d", "http://[::1]:80"})
    EXPECT_TRUE(is_web_address(text)) << text;
  for (const char* text : {"", "huggingface.co", "/path", "ftp://host", "file:///etc/passwd", "https://",
                           "http://u:p@host", "http://user@host", "javascript:x", "http://a b"})
    EXPECT_FALSE(is_web_address(text)) << text;
}

TEST(Address, WhoIsAsked) {
  EXPECT_EQ(origin_of("https://HuggingFace.co/a"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("https://huggingface.co:443/b?c"), origin_of("https://huggingface.co"));
  EXPECT_NE(origin_of("http://huggingface.co"), origin_of("https://huggingface.co"));
  EXPECT_NE(origin_of("http://127.0.0.1:1"), origin_of("http://127.0.0.1:2"));
  EXPECT_NE(origin_of("https://huggingface.co.evil.org"), origin_of("https://huggingface.co"));
  EXPECT_EQ(host_of("https://huggingface.co/a"), "huggingface.co");
  EXPECT_EQ(host_of("http://127.0.0.1:8000/a"), "127.0.0.1:8000");
}

TEST(Address, WhereNobodyListens) {
  for (const char* text :
       {"https://anywhere.org", "http://localhost:1", "http://127.0.0.1", "http://127.1.2.3", "http://[::1]"})
    EXPECT_TRUE(is_private_line(text)) << text;
  for (const char* text : {"http://anywhere.org", "http://127.evil.org", "http://127.0.0.1.evil.org", "http://10.0.0.1",
                           "http://localhost.evil.org"})
    EXPECT_FALSE(is_private_line(text)) << text;
}

TEST(Address, WhereARedirectLeads) {
  const std::string from = "https://huggingface.co/gpt2/resolve/main/config.json?x=1";
  EXPECT_EQ(redirect_target(from, "/openai-community/gpt2"), "https://huggingface.co/openai-community/gpt2");
  EXPECT_EQ(redirect_target(from, "other.json"), "https://huggingface.co/gpt2/resolve/main/other.json");
  EXPECT_EQ(redirect_target(from, "//cdn.org/a?b"), "https://cdn.org/a?b");
  EXPECT_EQ(redirect_target(from, "https://cdn.org/a"), "https://cdn.org/a");
  EXPECT_EQ(redirect_target("http://127.0.0.1:1/a", "http://127.0.0.1:2/b"), "http://127.0.0.1:2/b");
  EXPECT_TRUE(refuses([&] { redirect_target(from, "http://cdn.org/a"); }, "which is not encrypted"));
  EXPECT_TRUE(refuses([&] { redirect_target(from, "http://127.0.0.1:631/admin"); }, "which is not encrypted"));
  EXPECT_TRUE(refuses([&] { redirect_target("http://127.0.0.1:1/a", "http://cdn.org/a"); }, "which is not encrypted"));
  EXPECT_EQ(redirect_target(from, "/a b/ä%20c?d=e f"), "https://huggingface.co/a%20b/%c3%a4%20c?d=e+f");
  EXPECT_TRUE(refuses([&] { redirect_target(from, "file:///etc/passwd"); }, "not an http or https address"));
  EXPECT_TRUE(refuses([&] { redirect_target(from, "https://u:p@cdn.org/a"); }, "not an http or https address"));
}

TEST(Address, Escaping) {
  EXPECT_EQ(escaped("openai-community/gpt2"), "openai-community/gpt2");
  EXPECT_EQ(escaped("refs/pr/1", false), "refs%2Fpr%2F1");
  EXPECT_EQ(escaped("a b?c#d%ä"), "a%20b%3Fc%23d%25%C3%A4");
}

}  // namespace
}  // namespace stratoscope
