// Paths with "~" and variables, as Python's os.path expands them.
#include "stratoscope/hub/expanded_path.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "stratoscope/hub/cache_layout.h"
#include "tests/support/environment.h"

namespace stratoscope {
namespace {

using test::EnvironmentVariable;

// The expected ones are what os.path.expandvars(os.path.expanduser(text)) of Python 3.11 gives.
TEST(ExpandedPath, AsPythonDoes) {
  const EnvironmentVariable home("HOME", "/h"), a("A", "/a"), b_1("B_1", "b"), empty("EMPTY", "");
  const EnvironmentVariable nested("NESTED", "$A"), tilde("TILDE", "~"), none("NONE", std::nullopt);
  const std::pair<const char*, const char*> cases[] = {
      {"/x/y", "/x/y"},
      {"x", "x"},
      {"~", "/h"},
      {"~/", "/h/"},
      {"~/x", "/h/x"},
      {"x/~", "x/~"},
      {" ~", " ~"},
      {"~no-such-user/x", "~no-such-user/x"},
      {"$HOME/hf", "/h/hf"},
      {"${HOME}/hf", "/h/hf"},
      {"$HOME", "/h"},
      {"/x/$B_1/y", "/x/b/y"},
      {"/x/${B_1}y", "/x/by"},
      {"/x/$B_1y", "/x/$B_1y"},
      {"$A$B_1", "/ab"},
      {"$B_1-$B_1", "b-b"},
      {"x$EMPTY/y", "x/y"},
      {"$NONE/x", "$NONE/x"},
      {"${NONE}/x", "${NONE}/x"},
      {"$", "$"},
      {"$$", "$$"},
      {"$$A", "$/a"},
      {"x$", "x$"},
      {"$/x", "$/x"},
      {"${}", "${}"},
      {"${A", "${A"},
      {"${", "${"},
      {"$A}", "/a}"},
      {"$-A", "$-A"},
      {"${NESTED}", "$A"},
      {"$TILDE/x", "~/x"},
      {"~/$B_1", "/h/b"},
      {"\xc3\xa4/$A", "\xc3\xa4//a"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(expanded_path(text).string(), expected) << text;
}

TEST(ExpandedPath, OfAnotherUser) {
  const passwd* user = ::getpwuid(::geteuid());
  ASSERT_NE(user, nullptr);
  const std::string name = user->pw_name, folder = user->pw_dir;
  const EnvironmentVariable home("HOME", "/h");
  EXPECT_EQ(expanded_path("~" + name), folder);
  EXPECT_EQ(expanded_path("~" + name + "/x/y"), std::filesystem::path(folder) / "x/y");
}

TEST(ExpandedPath, AHomeThatEndsInASlash) {
  const EnvironmentVariable home("HOME", "/h/");
  EXPECT_EQ(expanded_path("~/x"), "/h/x");
  const EnvironmentVariable root("HOME", "/");
  EXPECT_EQ(expanded_path("~"), "/");
  EXPECT_EQ(expanded_path("~/x"), "/x");
}

TEST(ExpandedPath, InEveryVariableThatNamesTheCache) {
  const EnvironmentVariable home("HOME", "/h"), disk("DISK", "/disk");
  const std::pair<const char*, const char*> variables[] = {
      {"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {"HF_HOME", "/hub"}, {"XDG_CACHE_HOME", "/huggingface/hub"}};
  const EnvironmentVariable no_cache("HF_HUB_CACHE", std::nullopt), no_old("HUGGINGFACE_HUB_CACHE", std::nullopt);
  const EnvironmentVariable no_home("HF_HOME", std::nullopt), no_xdg("XDG_CACHE_HOME", std::nullopt);
  for (const auto& [variable, inside] : variables)
    for (const char* value : {"$DISK/c", "${DISK}/c"}) {
      const EnvironmentVariable set(variable, value);
      EXPECT_EQ(hugging_face_cache().string(), std::string("/disk/c") + inside) << variable << "=" << value;
      const EnvironmentVariable in_home(variable, "~/c");
      EXPECT_EQ(hugging_face_cache().string(), std::string("/h/c") + inside) << variable;
    }
}

}  // namespace
}  // namespace stratoscope
