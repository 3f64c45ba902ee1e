#include "stratoscope/probe/token_row.h"

#include <gtest/gtest.h>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

TEST(TokenRow, WordsAreKinds) {
  EXPECT_EQ(TokenRow("surprisal").kind, TokenRowKind::surprisal);
  EXPECT_EQ(TokenRow("entropy").kind, TokenRowKind::entropy);
  EXPECT_EQ(TokenRow("attribution").kind, TokenRowKind::attribution);
  EXPECT_EQ(TokenRow("surprisal ").kind, TokenRowKind::hook) << "anything else is the name of a hook point";
}

TEST(TokenRow, ACaptureKeepsItsSelectors) {
  const TokenRow row("blocks.2.attn.hook_q.head[1].dim[3,5]");
  EXPECT_EQ(row.kind, TokenRowKind::hook);
  EXPECT_EQ(row.text, "blocks.2.attn.hook_q.head[1].dim[3,5]");
  EXPECT_EQ(row.hook.hook, "blocks.2.attn.hook_q");
  EXPECT_EQ(row.hook.heads->text(), "1");
  EXPECT_EQ(row.hook.dims->text(), "3,5");
}

TEST(TokenRow, AttentionHasAHeadAndAPosition) {
  const TokenRow from("L5H3[from -1]"), to("L5H3.scores[to 2]");
  EXPECT_EQ(from.kind, TokenRowKind::attention_from);
  EXPECT_EQ(from.hook.hook, "L5H3");
  EXPECT_EQ(from.position, Index(-1));
  EXPECT_EQ(to.kind, TokenRowKind::attention_to);
  EXPECT_EQ(to.hook.hook, "L5H3.scores");
  EXPECT_EQ(to.position, Index(2));
}

TEST(TokenRow, AFileMayHaveAColumn) {
  const TokenRow whole("folder/a.npy"), column("a b.npy:-1"), colon("x.npy:y.npy");
  EXPECT_EQ(whole.kind, TokenRowKind::file);
  EXPECT_EQ(whole.file, "folder/a.npy");
  EXPECT_FALSE(whole.column);
  EXPECT_EQ(column.file, "a b.npy");
  EXPECT_EQ(column.column, Index(-1));
  EXPECT_EQ(colon.file, "x.npy:y.npy");
}

TEST(TokenRow, TextsThatCannotBeReadAreRefused) {
  for (const char* text : {"", "a.npy:", "a.npy:x", "L5H3[from x]", "L5H3[from 1,2]", "[to 0]", "L5H3[from 0] tail",
                           "resid_post.3.dim[", "resid_post.3 *= 2"})
    EXPECT_THROW(static_cast<void>(TokenRow(text)), Error) << text;
}

}  // namespace
}  // namespace stratoscope
