// Whatever is read, a git-lfs pointer or a web page in its place is called that.
#include "stratoscope/base/mistaken_file.h"

#include <gtest/gtest.h>

#include "stratoscope/base/mapped_file.h"
#include "tests/base/error_text.h"
#include "tests/base/temporary_folder.h"

namespace stratoscope {
namespace {

using testing::error_text;
using testing::holds;

std::string of_file(std::string_view bytes) {
  return error_text([&] { refuse_mistaken_file(bytes, "part", "a.bin"); });
}
std::string of_text(std::string_view bytes) {
  return error_text([&] { refuse_mistaken_text(bytes, "part", "a.json"); });
}

TEST(MistakenFile, PointersAndPagesAreNamed) {
  const char* pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 14224\n";
  EXPECT_TRUE(holds(of_file(pointer), "part: a.bin: is a git-lfs pointer"));
  EXPECT_TRUE(holds(of_text(pointer), "'git lfs pull'"));
  for (const char* page : {"<!DOCTYPE html>\n<html>", "<!doctype HTML PUBLIC", "\n  <html lang=en>", "<HTML>",
                           "\xEF\xBB\xBF<!DOCTYPE html>", "<head><title>404"}) {
    EXPECT_TRUE(holds(of_file(page), "part: a.bin: is a web page")) << page;
    EXPECT_TRUE(holds(of_text(page), "download the file again")) << page;
  }
}

TEST(MistakenFile, CompressedTextAndUtf16AreNamed) {
  EXPECT_TRUE(holds(of_text("\x1F\x8B\x08"), "is compressed by gzip"));
  EXPECT_TRUE(holds(of_text("\x28\xB5\x2F\xFD\x01"), "is compressed by zstd"));
  EXPECT_TRUE(holds(of_text("\xFD\x37zXZ\x01"), "is compressed by xz"));
  EXPECT_TRUE(holds(of_text("\xFF\xFE{"), "is UTF-16"));
  EXPECT_TRUE(holds(of_text("\xFE\xFF{"), "is UTF-16"));
}

TEST(MistakenFile, OtherFilesAreLeftAlone) {
  for (const char* bytes : {"", " ", "{}", "\x93NUMPY", "PK\3\4", "version", "<svg>", "<?xml version='1.0'?><svg/>",
                            "{\"text\": \"<!DOCTYPE html>\"}", "a <html>", "<htm"}) {
    EXPECT_NO_THROW(refuse_mistaken_file(bytes, "part", "a")) << bytes;
    EXPECT_NO_THROW(refuse_mistaken_text(bytes, "part", "a")) << bytes;
  }
  EXPECT_NO_THROW(refuse_mistaken_file("\x1F\x8B{", "part", "a")) << "the length of a safetensors header may begin so";
}

TEST(MistakenFile, EveryTextFileIsLookedAt) {
  const testing::TemporaryFolder folder;
  const auto path = folder.file("config.json", "<!DOCTYPE html>");
  EXPECT_TRUE(holds(error_text([&] { read_text_file(path); }), path.string() + ": is a web page"));
}

}  // namespace
}  // namespace stratoscope
