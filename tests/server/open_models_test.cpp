#include "apps/server/open_models.h"

#include <gtest/gtest.h>

#include "apps/server/http_error.h"
#include "apps/server/limits.h"

namespace stratoscope::server {
namespace {

const std::string kFolder = STRATOSCOPE_SOURCE_DIR "/models/novella-7m";

TEST(OpenModels, OpensWhatItListsAndNothingElse) {
  OpenModels models(kFolder, {}, 2);
  Progress silent;
  EXPECT_FALSE(models.is_open(kFolder));
  const auto model = models.open(kFolder, silent);
  EXPECT_TRUE(models.is_open(kFolder));
  EXPECT_EQ(models.open(kFolder, silent), model);
  for (const char* name : {"", "/etc", "..", "../models/novella-7m", (STRATOSCOPE_SOURCE_DIR "/models")})
    EXPECT_THROW(models.open(name, silent), HttpError) << name;
}

TEST(OpenModels, ListsAFolderOfTheCommandLine) {
  OpenModels models("another", {kFolder}, 2);
  Progress silent;
  EXPECT_EQ(models.list().back().name, kFolder);
  EXPECT_NO_THROW(models.open(kFolder, silent));
}

TEST(OpenModels, ListsEachModelOfAFolder) {
  OpenModels models("another", {STRATOSCOPE_SOURCE_DIR "/models"}, 2);
  Progress silent;
  EXPECT_EQ(models.list().back().name, kFolder);
  EXPECT_NO_THROW(models.open(kFolder, silent));
  EXPECT_THROW(models.open(STRATOSCOPE_SOURCE_DIR "/models", silent), HttpError);
}

TEST(OpenModels, AModelThatFailsToLoadIsAnError) {
  const std::string folder = STRATOSCOPE_SOURCE_DIR "/tests";
  OpenModels models(kFolder, {folder}, 2);
  Progress silent;
  EXPECT_FALSE(models.list().back().problem.empty());
  EXPECT_THROW(models.open(folder, silent), Error);
  EXPECT_NO_THROW(models.open(kFolder, silent));
}

TEST(OpenModel, CachesTextsAndEvictsTheOldest) {
  OpenModels models(kFolder, {}, 2);
  Progress silent;
  const auto model = models.open(kFolder, silent);
  const OpenText* first = model->text("text 0", {}, {}).get();
  EXPECT_EQ(model->text("text 0", {}, {{"blocks.0.hook_resid_post *= 0.5"}, std::nullopt}).get(), first);
  const auto held = model->text("text 0", {}, {});
  EXPECT_NE(model->text("text 0", {}, {}), held);  // another job's
  for (std::size_t i = 1; i <= kCachedTexts; ++i) model->text("text " + std::to_string(i), {}, {})->run(Which::clean);
  EXPECT_FALSE(model->text("text 0", {}, {})->has_edits());
}

}  // namespace
}  // namespace stratoscope::server
