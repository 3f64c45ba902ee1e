#include "stratoscope/figures/font_coverage.h"

#include <gtest/gtest.h>

namespace stratoscope {
namespace {

TEST(DrawableText, KeepsWhatTheFiguresThemselvesUse) {
  const std::string text = "Emb L11 “ cute” … ↵ ⇥ − 10⁻³ · é ж λ �";
  EXPECT_EQ(drawable_text(text), text);
}

TEST(DrawableText, ReplacesWhatNoFontHas) {
  // A code point of a plane for private use, which no font on a reader's machine can be expected to have.
  EXPECT_EQ(drawable_text("a\xf4\x80\x80\x80z"), "a�z");
}

}  // namespace
}  // namespace stratoscope
