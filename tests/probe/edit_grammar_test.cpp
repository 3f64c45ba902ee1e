// The text form of an edit: parsed values, and the positions of errors.
#include "stratoscope/probe/edit_grammar.h"

#include <gtest/gtest.h>

#include "tests/support/random_checkpoint.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

std::string list_of(const std::optional<IndexList>& list) { return list ? "[" + list->text() + "]" : "-"; }

// "hook positions heads keys dims op source number corrupt-position file tensor"
std::string read(std::string_view text) {
  const EditExpression edit = parse_edit(text);
  constexpr const char* kOps[] = {"*=", "+=", "=", "without"};
  constexpr const char* kSources[] = {"number", "mean", "corrupt", "vector"};
  EXPECT_EQ(edit.text, text);
  std::string result = edit.hook + " " + list_of(edit.positions) + list_of(edit.heads) + list_of(edit.keys) +
                       list_of(edit.dims) + " " + kOps[static_cast<int>(edit.op)] + " " +
                       kSources[static_cast<int>(edit.source)] + " " + std::to_string(edit.number);
  if (edit.corrupt_position) result += " at " + std::to_string(edit.corrupt_position->number());
  if (!edit.vector_file.empty()) result += " " + edit.vector_file;
  if (!edit.vector_tensor.empty()) result += ":" + edit.vector_tensor;
  return result;
}

TEST(EditGrammar, WhatItReads) {
  const std::pair<const char*, const char*> table[] = {
      {"blocks.3.hook_resid_post *= 0.8", "blocks.3.hook_resid_post ---- *= number 0.800000"},
      {"blocks.3.hook_resid_post*=0.8", "blocks.3.hook_resid_post ---- *= number 0.800000"},
      {"  a.b  +=  -2e-1  ", "a.b ---- += number -0.200000"},
      {"a += +3", "a ---- += number 3.000000"},
      {"a = zero", "a ---- = number 0.000000"},
      {"a = mean", "a ---- = mean 1.000000"},
      {"a += corrupt", "a ---- += corrupt 1.000000"},
      {"a = corrupt[-1]", "a ---- = corrupt 1.000000 at -1"},
      {"a[1] = corrupt[ 2 ]", "a [1]--- = corrupt 1.000000 at 2"},
      {"a without v.npy", "a ---- without vector 1.000000 v.npy"},
      {"a without mean", "a ---- without mean 1.000000"},
      {"a += 2*v.npy", "a ---- += vector 2.000000 v.npy"},
      {"a += -2.5 * dir/v w.npy", "a ---- += vector -2.500000 dir/v w.npy"},
      {"a += f.safetensors:x:y z", "a ---- += vector 1.000000 f.safetensors:x:y z"},
      {"a += 2 * f.safetensors:t", "a ---- += vector 2.000000 f.safetensors:t"},
      {"a += 3.npy", "a ---- += vector 1.000000 3.npy"},
      {"a += 3d/x.npy", "a ---- += vector 1.000000 3d/x.npy"},
      {"a[2:5,-1] *= 1", "a [2:5,-1]--- *= number 1.000000"},
      {"a.head[0..3][1].dim[7].key[all] *= 1", "a [1][0..3][all][7] *= number 1.000000"},
      {"a .dim[1] [2] *= 1", "a [2]--[1] *= number 1.000000"},
      {"a[1:5].head [0] = 2", "a [1:5][0]-- = number 2.000000"},
      {"blocks.*.hook_mlp_out *= 0", "blocks.*.hook_mlp_out ---- *= number 0.000000"},
      {"blocks.**= 2", "blocks.* ---- *= number 2.000000"},
      {"blocks.?.hook_* = 2", "blocks.?.hook_* ---- = number 2.000000"},
      {"blocks.-1.hook_z = 2", "blocks.-1.hook_z ---- = number 2.000000"},
      {"transformer.h.3.mlp += 1", "transformer.h.3.mlp ---- += number 1.000000"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(read(text), expected) << text;
}

struct Bad {
  const char* text;
  std::size_t column;
  const char* problem;
};

TEST(EditGrammar, WhatItRefusesAndWhere) {
  const Bad table[] = {
      {"", 0, "a hook point's name is expected here"},
      {"   ", 3, "a hook point's name is expected here"},
      {"*= 2", 0, "a hook point's name is expected here"},
      {"[1] = 2", 0, "a hook point's name is expected here"},
      {"a", 1, "an operator is expected here"},
      {"a[1", 1, "this bracket is not closed"},
      {"a.head[1 = 2", 1, "this bracket is not closed"},
      {"a[1][2] = 3", 4, "this selector is given twice"},
      {"a.dim[1].dim[2] = 3", 8, "this selector is given twice"},
      {"a - 2", 2, "this is not an operator"},
      {"a -= 2", 2, "this is not an operator"},
      {"a == 2", 2, "this is not an operator"},
      {"a *== 2", 2, "this is not an operator"},
      {"a withoutv.npy", 2, "this is not an operator"},
      {"a *=", 4, "a value is expected here"},
      {"a =   ", 6, "a value is expected here"},
      {"a without", 9, "a value is expected here"},
      {"a without 3", 10, "without needs a direction, not a number"},
      {"a without zero", 10, "without needs a direction, not a number"},
      {"a = nothing", 4, "'nothing' is not a value"},
      {"a = nan", 4, "not finite"},
      {"a = inf", 4, "not finite"},
      {"a = -infinity", 4, "not finite"},
      {"a = 1e999", 4, "not finite, or too large"},
      {"a = 1e39", 4, "not finite, or too large"},
      {"a = 1e39 * v.npy", 4, "not finite, or too large"},
      {"a = 2 *", 7, "a vector is expected after '*'"},
      {"a = 2 * 3", 8, "'3' is not a value"},
      {"a = 0.8.5", 4, "'0.8.5' is not a value"},
      {"a = 2 3", 4, "'2 3' is not a value"},
      {"a = f.safetensors", 4, "'f.safetensors' is not a value"},
      {"a = f.safetensors:", 18, "the tensor's name is missing"},
      {"a = corrupt[", 11, "this bracket is not closed"},
      {"a = corrupt[1] 2", 14, "the value should end here"},
      {"a = corrupt[1][2]", 14, "the value should end here"},
      {"a = corrupted", 4, "'corrupted' is not a value"},
      {"blocks.[8-11].hook_mlp_out *= 0", 8, "'8-11' is not an index"},
      {"blocks.[0, 8-11].hook_mlp_out *= 0", 11, "'8-11' is not an index"},
      {"blocks.[].hook_mlp_out *= 0", 8, "empty place"},
      {"blocks.[!0].hook_mlp_out *= 0", 8, "'!0' is not an index"},
      {"blocks.[0...2].hook_mlp_out *= 0", 8, "is not an index"},
      {"blocks.[0-9 = 1", 7, "this bracket is not closed"},
      {"blocks.1[01].hook_z *= 0", 8, "no list of blocks can stand here"},
      {"blocks.*.attn.hook_[qk].head[1] *= 0", 20, "'qk' is not an index"},
      {"transformer.h.[8-9].mlp *= 0", 15, "'8-9' is not an index"},
      {"L[0-3]H1 *= 0", 2, "'0-3' is not an index"},
      {"\xC3\xA9 = 1", 0, "a hook point's name is expected here"},
  };
  for (const Bad& bad : table) {
    try {
      parse_edit(bad.text);
      ADD_FAILURE() << "accepted: " << bad.text;
    } catch (const GrammarError& error) {
      EXPECT_EQ(error.column(), bad.column) << bad.text << ": " << error.what();
      EXPECT_EQ(error.details().find("  " + std::string(bad.text)), 0U) << error.details();
      EXPECT_NE(error.problem().find(bad.problem), std::string::npos) << bad.text << ": " << error.what();
    }
  }
}

TEST(EditGrammar, RandomTextEndsInAnEditOrAnErrorWithinTheText) {
  const std::string_view pieces[] = {"blocks.0.hook_mlp_out",
                                     "*",
                                     "=",
                                     "+=",
                                     "*=",
                                     "[",
                                     "]",
                                     ".head[",
                                     ".dim[",
                                     ".key[",
                                     "without",
                                     "corrupt",
                                     "corrupt[",
                                     "mean",
                                     "zero",
                                     " ",
                                     "1",
                                     "-2.5e3",
                                     ":",
                                     ",",
                                     ".npy",
                                     ".safetensors:",
                                     "x",
                                     "\n",
                                     "\xFF",
                                     "nan",
                                     "{layer}"};
  test::Random random(1);
  for (int i = 0; i < (test::kWatched ? 20'000 : 100'000); ++i) {
    std::string text = random.below(2) == 0 ? "a " : "";
    for (std::size_t n = random.below(9); n > 0; --n) {
      if (random.below(8) == 0)
        text += static_cast<char>(random.below(256));
      else
        text += pieces[random.below(std::size(pieces))];
    }
    try {
      EXPECT_EQ(parse_edit(text).text, text);
    } catch (const GrammarError& error) {
      ASSERT_LE(error.column(), text.size()) << text;
      ASSERT_FALSE(error.problem().empty());
    }
  }
}

}  // namespace
}  // namespace stratoscope
