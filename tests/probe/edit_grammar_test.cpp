// The text form of an edit: parsed values, and the positions of errors.
#include "stratoscope/probe/edit_grammar.h"

#include <gtest/gtest.h>

#include "tests/support/errors.h"
#include "tests/support/random_checkpoint.h"
#include "tests/support/watched.h"

namespace stratoscope {
namespace {

std::string list_of(const std::optional<IndexList>& list) { return list ? "[" + list->text() + "]" : "-"; }

// "source number position file tensor deviation seed"
std::string read(const EditTerm& term) {
  constexpr const char* kSources[] = {"number", "mean",     "median",     "clean", "corrupt",
                                      "vector", "row_mean", "row_median", "noise"};
  std::string result = kSources[static_cast<int>(term.source)];
  result += " " + std::to_string(term.number);
  if (term.position) result += " at " + std::to_string(term.position->number());
  if (!term.vector_file.empty()) result += " " + term.vector_file;
  if (!term.vector_tensor.empty()) result += ":" + term.vector_tensor;
  if (term.source == EditSource::noise)
    result += " " + std::to_string(term.deviation) + " seed " + std::to_string(term.seed);
  return result;
}

// "hook positions heads keys dims chosen-by-value op term; term"
std::string read(std::string_view text) {
  const EditExpression edit = parse_edit(text);
  constexpr const char* kOps[] = {"*=", "+=", "=", "without"};
  constexpr const char* kKinds[] = {"top", "bottom", "random"};
  EXPECT_EQ(edit.text, text);
  std::string result =
      edit.hook + " " + list_of(edit.positions) + list_of(edit.heads) + list_of(edit.keys) + list_of(edit.dims);
  if (edit.by_value)
    result += std::string(" ") + kKinds[static_cast<int>(edit.by_value->kind)] + " " +
              std::to_string(edit.by_value->amount) + (edit.by_value->percent ? "%" : "") + " seed " +
              std::to_string(edit.by_value->seed);
  result += " " + std::string(kOps[static_cast<int>(edit.op)]) + " ";
  for (const EditTerm& term : edit.terms) result += (&term == edit.terms.data() ? "" : "; ") + read(term);
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
      // sums
      {"a = 0.3 * corrupt + 0.7 * clean", "a ---- = corrupt 0.300000; clean 0.700000"},
      {"a = corrupt - clean[-2]", "a ---- = corrupt 1.000000; clean -1.000000 at -2"},
      {"a = -mean", "a ---- = mean -1.000000"},
      {"a = - 2 * mean + -3 * median - -4", "a ---- = mean -2.000000; median -3.000000; number 4.000000"},
      {"a += 2 * u.npy - 0.5 * d/v w.npy", "a ---- += vector 2.000000 u.npy; vector -0.500000 d/v w.npy"},
      {"a += f.safetensors:t + 3*g.safetensors:x:y",
       "a ---- += vector 1.000000 f.safetensors:t; vector 3.000000 g.safetensors:x:y"},
      {"a = clean + zero", "a ---- = clean 1.000000; number 0.000000"},
      {"a = corrupt[0]-1", "a ---- = corrupt 1.000000 at 0; number -1.000000"},
      {"a = mean(dim) + 2 * median(dim)", "a ---- = row_mean 1.000000; row_median 2.000000"},
      {"a += noise(0.5)", "a ---- += noise 1.000000 0.500000 seed 0"},
      {"a += 2 * noise( 1e-1 , 3 ) + 1", "a ---- += noise 2.000000 0.100000 seed 3; number 1.000000"},
      {"a += noise(1, seed=18446744073709551615)", "a ---- += noise 1.000000 1.000000 seed 18446744073709551615"},
      // names of files that hold signs or words
      {"a = mean-diff.npy", "a ---- = vector 1.000000 mean-diff.npy"},
      {"a = -v.npy", "a ---- = vector 1.000000 -v.npy"},
      {"a = my - file.npy", "a ---- = vector 1.000000 my - file.npy"},
      {"a = 2024-01 - x.npy", "a ---- = vector 1.000000 2024-01 - x.npy"},
      {"a = f.safetensors:t.npy", "a ---- = vector 1.000000 f.safetensors:t.npy"},
      {"a = clean.npy", "a ---- = vector 1.000000 clean.npy"},
      // numbers by value, and texts
      {"a.top[8%] = mean(dim)", "a ---- top 8.000000% seed 0 = row_mean 1.000000"},
      {"a[1].bottom [20] = 0", "a [1]--- bottom 20.000000 seed 0 = number 0.000000"},
      {"a.dim[0:9].random[12.5%, seed=3] *= 2", "a ---[0:9] random 12.500000% seed 3 *= number 2.000000"},
      {"a.random[5,7]=1", "a ---- random 5.000000 seed 7 = number 1.000000"},
      {"a[\"king\"] *= 0", "a [\"king\"]--- *= number 0.000000"},
      {"a[0, \"a]\\\"b,\"].key[\"c\"].dim[\" d\"] *= 0", "a [0, \"a]\\\"b,\"]-[\"c\"][\" d\"] *= number 0.000000"},
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
      {"a = clean +", 11, "a term is expected after the sign"},
      {"a = clean + bogus", 12, "'bogus' is not a value"},
      {"a = bogus + clean", 4, "'bogus' is not a value"},
      {"a = corrupt+clean", 4, "'corrupt+clean' is not a value"},
      {"a = clean clean", 4, "'clean clean' is not a value"},
      {"a = clean * 2", 4, "'clean * 2' is not a value"},
      {"a = 2 * 3 + clean", 8, "'3' is not a value"},
      {"a = clean + 1e39", 12, "not finite, or too large"},
      {"a = mean(pos)", 4, "'mean(pos)' is not a value"},
      {"a = clean[1:2", 9, "this bracket is not closed"},
      {"a = clean[x]", 10, "'x' is not an index of a position"},
      {"a += noise(x)", 11, "'x' is not a standard deviation"},
      {"a += noise(-1)", 11, "'-1' is not a standard deviation"},
      {"a += noise(1, 2.5)", 14, "'2.5' is not a seed"},
      {"a += noise(1, 2, 3)", 17, "a standard deviation and a seed alone"},
      {"a += noise(1", 10, "this bracket is not closed"},
      {"a += noise", 5, "'noise' is not a value"},
      {"a without mean(dim) + 3", 10, "without needs a direction, not a number"},
      {"a.top[0] = 1", 6, "'0' is not an amount"},
      {"a.top[0%] = 1", 6, "'0%' is not an amount"},
      {"a.top[101%] = 1", 6, "'101%' is not an amount"},
      {"a.top[1.5] = 1", 6, "'1.5' is not an amount"},
      {"a.top[] = 1", 6, "'' is not an amount"},
      {"a.top[5, seed=1] = 1", 9, "the bracket should end here"},
      {"a.random[5, seed=x] = 1", 12, "'seed=x' is not a seed"},
      {"a.random[5, 1, 2] = 1", 15, "the bracket should end here"},
      {"a.top[5].bottom[5] = 1", 8, "chosen by value twice"},
      {"a.top[5 = 1", 1, "this bracket is not closed"},
      {"a[\"king] = 1", 1, "this bracket is not closed"},
      {"a[\"\"] = 1", 2, "is not an index of a position"},
      {"a[king] = 1", 2, "'king' is not an index of a position"},
      {"a.head[\"x\"] = 1", 7, "is not an index of a head"},
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

TEST(EditGrammar, ACaptureTakesNeitherTextsNorNumbersByValue) {
  EXPECT_TRUE(test::refuses([] { parse_hook_expression("a[\"king\"]"); }, "a capture takes no text"));
  EXPECT_TRUE(test::refuses([] { parse_hook_expression("a.top[5]"); }, "a capture chooses no numbers by value"));
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
                                     "clean",
                                     "median(dim)",
                                     "noise(1, 2)",
                                     ".top[",
                                     ".random[5%",
                                     " + ",
                                     " - ",
                                     "\"",
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
