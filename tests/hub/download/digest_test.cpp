// The hub's hashes of files.
#include "stratoscope/hub/download/digest.h"

#include <gtest/gtest.h>

namespace stratoscope {
namespace {

std::string digest_of(std::string_view text, std::size_t digits, std::size_t piece) {
  Digest digest(std::string(digits, '0'), text.size());
  for (std::size_t i = 0; i < text.size(); i += piece) digest.add(std::as_bytes(std::span(text.substr(i, piece))));
  return digest.hex();
}

// SHA-256's are those of FIPS 180-4; git's are what `git hash-object` prints.
TEST(Digest, OfKnownTexts) {
  for (const std::size_t piece : {1U, 2U, 100U}) {
    EXPECT_EQ(digest_of("abc", 64, piece), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest_of("", 64, piece), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest_of("hello\n", 40, piece), "ce013625030ba8dba906f756967f9e9ca394464a");
    EXPECT_EQ(digest_of("", 40, piece), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  }
}

TEST(Digest, WhatNamesAFile) {
  EXPECT_TRUE(is_digest(std::string(64, 'a')));
  EXPECT_TRUE(is_digest("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
  for (const std::string& etag :
       {std::string(), std::string(63, 'a'), std::string(64, 'A'), std::string(40, 'g'), std::string(39, 'a') + "/"})
    EXPECT_FALSE(is_digest(etag)) << etag;
  EXPECT_STREQ(Digest(std::string(64, 'a'), 0).name(), "sha256");
  EXPECT_STREQ(Digest(std::string(40, 'a'), 0).name(), "git's sha1");
}

}  // namespace
}  // namespace stratoscope
