#include "apps/server/shelf.h"

#include <gtest/gtest.h>

#include "apps/server/limits.h"
#include "apps/server/refusal.h"

namespace stratoscope::server {
namespace {

const std::string kFolder = STRATOSCOPE_SOURCE_DIR "/models/novella-7m";

TEST(Shelf, OpensWhatItListsAndNothingElse) {
  Shelf shelf(kFolder, {}, 2);
  Progress silent;
  EXPECT_FALSE(shelf.is_open(kFolder));
  const auto model = shelf.open(kFolder, silent);
  EXPECT_TRUE(shelf.is_open(kFolder));
  EXPECT_EQ(shelf.open(kFolder, silent), model);
  for (const char* name : {"", "/etc", "..", "../models/novella-7m", (STRATOSCOPE_SOURCE_DIR "/models")})
    EXPECT_THROW(shelf.open(name, silent), Refusal) << name;
}

TEST(Shelf, AFolderGivenAtTheStartIsListed) {
  Shelf shelf("another", {kFolder}, 2);
  Progress silent;
  EXPECT_EQ(shelf.list().back().name, kFolder);
  EXPECT_NO_THROW(shelf.open(kFolder, silent));
}

TEST(Shelf, AFolderOfModelsStandsForEachOfThem) {
  Shelf shelf("another", {STRATOSCOPE_SOURCE_DIR "/models"}, 2);
  Progress silent;
  EXPECT_EQ(shelf.list().back().name, kFolder);
  EXPECT_NO_THROW(shelf.open(kFolder, silent));
  EXPECT_THROW(shelf.open(STRATOSCOPE_SOURCE_DIR "/models", silent), Refusal);
}

TEST(Shelf, AModelThatDoesNotLoadIsAnErrorAndTheShelfLives) {
  const std::string folder = STRATOSCOPE_SOURCE_DIR "/tests";
  Shelf shelf(kFolder, {folder}, 2);
  Progress silent;
  EXPECT_FALSE(shelf.list().back().problem.empty());
  EXPECT_THROW(shelf.open(folder, silent), Error);
  EXPECT_NO_THROW(shelf.open(kFolder, silent));
}

TEST(OpenModel, TextsStayOpenAndTheOldestMakesRoom) {
  Shelf shelf(kFolder, {}, 2);
  Progress silent;
  const auto model = shelf.open(kFolder, silent);
  const OpenText* first = &model->text("text 0", {}, {});
  EXPECT_EQ(&model->text("text 0", {}, {{"blocks.0.hook_resid_post *= 0.5"}, std::nullopt}), first);
  for (std::size_t i = 1; i <= kKeptTexts; ++i) model->text("text " + std::to_string(i), {}, {}).run(Which::clean);
  EXPECT_FALSE(model->text("text 0", {}, {}).has_edits());
}

}  // namespace
}  // namespace stratoscope::server
