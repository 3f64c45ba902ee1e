#include "apps/server/http/address.h"

#include <gtest/gtest.h>

#include "stratoscope/base/error.h"

namespace stratoscope::server {
namespace {

TEST(Address, RecognisesLoopbackInEveryNotation) {
  for (const char* host :
       {"127.0.0.1", "127.1", "127.1.2.3", "localhost", "0x7f000001", "2130706433", "::1", "[::1]", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(resolve(host, 0))) << host;
  for (const char* host : {"0.0.0.0", "::", "0", "192.168.0.1", "126.255.255.255", "128.0.0.1", "::ffff:10.0.0.1"})
    EXPECT_FALSE(is_loopback(resolve(host, 0))) << host;
}

TEST(Address, RecognisesWildcards) {
  for (const char* host : {"0.0.0.0", "::", "[::]", "0"}) EXPECT_TRUE(is_wildcard(resolve(host, 0))) << host;
  for (const char* host : {"127.0.0.1", "::1", "10.0.0.1"}) EXPECT_FALSE(is_wildcard(resolve(host, 0))) << host;
}

TEST(Address, InvalidNamesAreErrors) {
  for (const std::string host : {"", " ", "127.0.0.256", "127.0.0.1 ", "evil\r\nX: y", "[", "a b"})
    EXPECT_THROW(resolve(host, 0), Error) << host;
  EXPECT_THROW(resolve(std::string(5000, 'a'), 0), Error);
  EXPECT_THROW(resolve(std::string("127.0.0.1\0x", 11), 0), Error);
}

TEST(Address, IsWrittenAsInAUrl) {
  EXPECT_EQ(as_text(resolve("127.1", 80)), "127.0.0.1");
  EXPECT_EQ(as_text(resolve("0:0::1", 80)), "[::1]");
  EXPECT_EQ(port_of(resolve("::1", 8080)), 8080);
  EXPECT_EQ(port_of(resolve("127.0.0.1", 80)), 80);
}

TEST(Address, RecognisesAddressesInUrls) {
  for (const char* name : {"127.0.0.1", "10.1.2.3", "[::1]", "[fe80::1]"}) EXPECT_TRUE(is_address(name)) << name;
  for (const char* name : {"", "127.1", "1", "::1", "[127.0.0.1]", "a.example", "127.0.0.1.example", "[::1]x"})
    EXPECT_FALSE(is_address(name)) << name;
  for (const char* name : {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.9]"})
    EXPECT_TRUE(is_loopback(std::string(name))) << name;
  for (const char* name : {"10.0.0.1", "localhost.example", "[::]", "127.evil.example"})
    EXPECT_FALSE(is_loopback(std::string(name))) << name;
}

TEST(Address, OfThisMachineAreAddresses) {
  for (const std::string& address : addresses_of_this_machine()) {
    EXPECT_TRUE(is_address(address)) << address;
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

}  // namespace
}  // namespace stratoscope::server
