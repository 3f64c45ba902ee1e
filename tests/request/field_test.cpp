// Fields of every kind: their form, their default as text, and their value read from a command line.
#include "stratoscope/request/field.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/base/temporary_folder.h"
#include "tests/request/shades.h"
#include "tests/support/errors.h"

namespace stratoscope {
namespace {

using stratoscope::testing::TemporaryFolder;
using test::refuses;
using test::Shade;
using Texts = std::vector<std::string>;

// A field alone in its request. `value` outlives it.
template <class T>
class Alone {
 public:
  explicit Alone(T& value) : field_(add(value)) {}
  Field& field() { return field_; }
  Alone& read(const Texts& texts) {
    read_option(field_, texts);
    return *this;
  }

 private:
  Field& add(T& value) {
    if constexpr (requires { FieldTarget(value); })
      return fields_.add("a_field", FieldTarget(value), "help");
    else
      return fields_.add("a_field", value, "help");
  }

  Fields fields_;
  Field& field_;
};

template <class T>
T read(T value, const Texts& texts) {
  Alone(value).read(texts);
  return value;
}

template <class T>
std::string text_of_default(T value) {
  return default_text(Alone(value).field());
}

template <class T>
FieldForm form(T value) {
  return form_of(Alone(value).field());
}

template <class T>
::testing::AssertionResult refused(T value, const Texts& texts, const std::string& says) {
  return refuses([&] { Alone(value).read(texts); }, says);
}

TEST(Field, OptionIsTheNameWithHyphens) {
  bool first = false, second = false;
  Fields fields;
  const Field& plain = fields.add("all_positions", first, "help");
  const Field& renamed = fields.add("edits", second, "help").as_option("edit");
  EXPECT_EQ(plain.name, "all_positions");
  EXPECT_EQ(plain.option, "all-positions");
  EXPECT_EQ(renamed.name, "edits");
  EXPECT_EQ(renamed.option, "edit");
  EXPECT_EQ(fields.find("edits"), &renamed);
  EXPECT_EQ(fields.find("all_positions"), &plain) << "references stay valid";
  EXPECT_EQ(fields.find("edit"), nullptr);
  EXPECT_EQ(fields.all().size(), 2U);
}

TEST(Field, FormOfEachKind) {
  EXPECT_TRUE(form(false).is_flag);
  EXPECT_TRUE(form(AddedTokens::usual).is_flag);
  const FieldForm count = form(std::size_t{3}), number = form(1.5), numbers = form(std::vector<double>{});
  EXPECT_TRUE(count.is_number && count.is_whole && !count.is_signed && !count.is_list && !count.is_flag);
  EXPECT_TRUE(number.is_number && !number.is_whole && number.is_signed && !number.is_list);
  EXPECT_TRUE(numbers.is_number && !numbers.is_whole && numbers.is_list);
  const FieldForm shade = form(Shade::dark), shades = form(std::vector<Shade>{}), maybe = form(std::optional<Shade>{});
  EXPECT_EQ(shade.choices, (Texts{"light", "dark", "none"}));
  EXPECT_FALSE(shade.is_list);
  EXPECT_EQ(shades.choices, shade.choices);
  EXPECT_TRUE(shades.is_list);
  EXPECT_EQ(maybe.choices, shade.choices);
  for (const FieldForm& list :
       {form(Texts{}), form(std::vector<TargetChoice>{}), form(std::vector<HookExpression>{}),
        form(std::vector<EditExpression>{}), form(std::vector<EditTemplate>{}), form(std::vector<AxisExpression>{}),
        form(TextsOfFile{nullptr}), form(PromptsOfFile{nullptr}), form(ChoicesOfFile{nullptr})})
    EXPECT_TRUE(list.is_list && !list.is_number && !list.is_flag && list.choices.empty());
  const FieldForm ids = form(TargetIds{nullptr});
  EXPECT_TRUE(ids.is_list && ids.is_number && ids.is_whole);
  for (const FieldForm& one :
       {form(std::string()), form(std::optional<std::string>()), form(std::filesystem::path()), form(Index(0)),
        form(std::optional<Index>()), form(IndexList("all")), form(std::optional<IndexList>()),
        form(std::optional<TokenChoice>()), form(std::optional<TargetChoice>()), form(HookExpression()),
        form(MemorySize{nullptr}), form(InputFile{nullptr}), form(OutputFile{nullptr})})
    EXPECT_TRUE(!one.is_list && !one.is_number && !one.is_flag && one.choices.empty());
}

TEST(Field, DefaultTextIsWhatACommandLineWouldGive) {
  EXPECT_EQ(text_of_default(std::size_t{20}), "20");
  EXPECT_EQ(text_of_default(std::size_t{0}), "") << "0 stands for none";
  EXPECT_EQ(text_of_default(0.5), "0.5");
  EXPECT_EQ(text_of_default(-4.0), "-4");
  EXPECT_EQ(text_of_default(std::vector<double>{-8, 0.25, 8}), "-8,0.25,8");
  EXPECT_EQ(text_of_default(std::string("a b")), "a b");
  EXPECT_EQ(text_of_default(std::filesystem::path("folder/file")), "folder/file");
  EXPECT_EQ(text_of_default(IndexList("0..3,-1")), "0..3,-1");
  EXPECT_EQ(text_of_default(HookExpression("hook_resid_post")), "hook_resid_post");
  EXPECT_EQ(text_of_default(Shade::dark), "dark");
  EXPECT_EQ(text_of_default(std::vector<Shade>{Shade::dark, Shade::light}), "dark,light");
  EXPECT_EQ(text_of_default(std::optional<Shade>{}), "");
  EXPECT_EQ(text_of_default(std::optional<Shade>{Shade::none}), "none");
}

TEST(Field, DefaultTextIsEmptyForNone) {
  EXPECT_EQ(text_of_default(true), "");
  EXPECT_EQ(text_of_default(AddedTokens::usual), "");
  EXPECT_EQ(text_of_default(std::vector<double>{}), "");
  EXPECT_EQ(text_of_default(std::vector<Shade>{}), "");
  EXPECT_EQ(text_of_default(Texts{}), "");
  EXPECT_EQ(text_of_default(std::optional<std::string>{}), "");
  EXPECT_EQ(text_of_default(std::optional<Index>{}), "");
  EXPECT_EQ(text_of_default(std::optional<IndexList>{}), "");
  EXPECT_EQ(text_of_default(std::optional<TokenChoice>{}), "");
  EXPECT_EQ(text_of_default(std::vector<TargetChoice>{}), "");
  std::size_t bytes = 0;
  EXPECT_EQ(text_of_default(MemorySize{&bytes}), "");
}

TEST(ReadOption, Flags) {
  EXPECT_TRUE(read(false, {}));
  EXPECT_EQ(read(AddedTokens::usual, {}), AddedTokens::beginning);
  EXPECT_EQ(read(AddedTokens::usual, {"false"}), AddedTokens::none);
}

TEST(ReadOption, WholeNumbers) {
  EXPECT_EQ(read(std::size_t{7}, {"0"}), 0U);
  EXPECT_EQ(read(std::size_t{7}, {"12"}), 12U);
  EXPECT_EQ(read(std::size_t{7}, {"+12"}), 12U);
  EXPECT_EQ(read(std::size_t{7}, {"1", "2"}), 2U) << "the last one counts";
  for (const char* text : {"", " 1", "1 ", "-1", "+-1", "1.5", "0x10", "many", "99999999999999999999"})
    EXPECT_TRUE(refused(std::size_t{7}, {text}, "a-field: '" + std::string(text) + "' is not a whole number"));
}

TEST(ReadOption, Numbers) {
  EXPECT_EQ(read(0.0, {"-0.25"}), -0.25);
  EXPECT_EQ(read(0.0, {"+3e2"}), 300.0);
  for (const char* text : {"", "1,5", "0.5x", "--1", "+-1", "1e999"})
    EXPECT_TRUE(refused(0.0, {text}, "a-field: '" + std::string(text) + "' is not a number"));
  for (const char* text : {"nan", "inf", "-inf"}) EXPECT_TRUE(refused(0.0, {text}, "is not finite")) << text;
}

TEST(ReadOption, TheFirstListOfNumbersReplacesTheDefaultAndOthersAreAdded) {
  std::vector<double> numbers = {-8, 8};
  Alone field(numbers);
  field.read({"1, 2.5"});
  EXPECT_EQ(numbers, (std::vector<double>{1, 2.5}));
  field.read({"-3", "4"});
  EXPECT_EQ(numbers, (std::vector<double>{1, 2.5, -3, 4}));
  EXPECT_TRUE(refused(std::vector<double>{}, {"1,,2"}, "'' is not a number"));
  for (const char* wrong : {"-1", "1.5", "x", "1,,2", "99999999999"})
    EXPECT_TRUE(refused(TokenIds{}, {wrong}, "is not a token id")) << wrong;
}

TEST(ReadOption, Texts) {
  EXPECT_EQ(read(std::string("default"), {""}), "");
  EXPECT_EQ(read(std::string("default"), {"a", "b c"}), "b c");
  EXPECT_EQ(read(std::optional<std::string>(), {""}), "");
  EXPECT_EQ(read(std::filesystem::path("default"), {"a/b"}), std::filesystem::path("a/b"));
  Texts texts = {"a default"};
  Alone field(texts);
  field.read({"one", "two"});
  EXPECT_EQ(texts, (Texts{"one", "two"}));
  field.read({"one"});
  EXPECT_EQ(texts, (Texts{"one", "two", "one"}));
}

TEST(ReadOption, Indices) {
  EXPECT_EQ(read(Index(0), {"-2"}).number(), -2);
  EXPECT_EQ(read(std::optional<Index>(), {"3"}), std::optional(Index(3)));
  EXPECT_EQ(read(IndexList("all"), {"0..2,-1"}).in(5, "layer"), (std::vector<std::size_t>{0, 1, 2, 4}));
  EXPECT_EQ(read(std::optional<IndexList>(), {"2:"})->in(4, "layer"), (std::vector<std::size_t>{2, 3}));
  EXPECT_TRUE(refused(Index(0), {"two"}, "a-field: 'two' is not an index"));
  EXPECT_TRUE(refused(std::optional<Index>(), {"1.0"}, "a-field: '1.0' is not an index"));
  EXPECT_TRUE(refused(IndexList("all"), {"1,,2"}, "a-field: the list '1,,2' has an empty place"));
  EXPECT_TRUE(refused(std::optional<IndexList>(), {"x"}, "a-field: 'x' is not an index"));
}

TEST(ReadOption, Tokens) {
  EXPECT_EQ(read(std::optional<TokenChoice>(), {"-3"})->index, Index(-3));
  const auto word = read(std::optional<TokenChoice>(), {" cute"});
  EXPECT_EQ(word->word, " cute");
  EXPECT_FALSE(word->index);
  const auto target = read(std::optional<TargetChoice>(), {"300"});
  EXPECT_EQ(target->text, "300");
  EXPECT_FALSE(target->id) << "digits of a target are a text";
}

TEST(ReadOption, TargetsAndTheirIdsShareAList) {
  std::vector<TargetChoice> targets;
  Fields fields;
  Field& texts = fields.add("targets", targets, "help").as_option("target");
  Field& ids = fields.add("target_ids", FieldTarget(TargetIds{&targets}), "help").as_option("target-id");
  read_option(texts, {" a"});
  read_option(ids, {"300"});
  read_option(texts, {" b", " c"});
  ASSERT_EQ(targets.size(), 4U);
  EXPECT_EQ(targets[0].text, " a");
  EXPECT_EQ(targets[1].id, 300);
  EXPECT_EQ(targets[3].text, " c");
  EXPECT_TRUE(refuses([&] { read_option(ids, {"x"}); }, "target-id: 'x' is not an index"));
}

TEST(ReadOption, Expressions) {
  EXPECT_EQ(read(HookExpression("hook_embed"), {"L3H5[-1]"}).hook, "L3H5");
  EXPECT_TRUE(refused(HookExpression(), {"L3H5["}, "this bracket is not closed"));
  std::vector<EditExpression> edits;
  Alone of_edits(edits);
  of_edits.read({"resid_post.3 *= 2"}).read({"resid_post.4 += 0.5 * a.npy", "mlp_out.0 = zero"});
  ASSERT_EQ(edits.size(), 3U);
  EXPECT_EQ(edits[0].terms[0].number, 2);
  EXPECT_EQ(edits[2].hook, "mlp_out.0");
  EXPECT_EQ(vector_files_of(of_edits.field()), (std::vector<std::filesystem::path>{"a.npy"}));
  EXPECT_TRUE(refused(std::vector<EditExpression>{}, {"resid_post.3 *="}, "a value is expected here"));
  const auto templates = read(std::vector<EditTemplate>{}, {"blocks.{layer}.hook_mlp_out = zero"});
  ASSERT_EQ(templates.size(), 1U);
  EXPECT_TRUE(templates[0].uses("layer"));
  EXPECT_TRUE(refused(std::vector<EditTemplate>{}, {"blocks.{layer"}, "brace"));
  const auto axes = read(std::vector<AxisExpression>{}, {"layer=all", "factor=0,1"});
  ASSERT_EQ(axes.size(), 2U);
  EXPECT_EQ(axes[1].name, "factor");
  EXPECT_EQ(axes[1].list, "0,1");
  EXPECT_TRUE(refused(std::vector<AxisExpression>{}, {"layer"}, "layer"));
  const auto hooks = read(std::vector<HookExpression>{"hook_embed"}, {"L0H1", "L0H2"});
  ASSERT_EQ(hooks.size(), 2U) << "the default is gone";
  EXPECT_EQ(hooks[1].text, "L0H2");
}

TEST(ReadOption, Choices) {
  EXPECT_EQ(read(Shade::light, {"dark"}), Shade::dark);
  EXPECT_EQ(read(std::optional<Shade>(), {"none"}), std::optional(Shade::none));
  EXPECT_TRUE(refused(Shade::light, {"darker"}, "a_field: there is no 'darker'; one of light, dark, none"));
  std::vector<Shade> shades = {Shade::light};
  Alone field(shades);
  field.read({"dark"});
  EXPECT_EQ(shades, std::vector<Shade>{Shade::dark});
  field.read({"none", "dark"});
  EXPECT_EQ(shades, (std::vector<Shade>{Shade::dark, Shade::none, Shade::dark}));
  EXPECT_TRUE(refused(shades, {""}, "there is no ''"));
}

TEST(ReadOption, FilesOfTextsAndPrompts) {
  const TemporaryFolder folder;
  const std::string texts_file = folder.file("texts.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n").string();
  const std::string prompts_file =
      folder.file("prompts.jsonl", "{\"text\": \"one\", \"corrupt\": \"two\", \"target_id\": 3}\n").string();
  Texts texts = {"given before"};
  read(TextsOfFile{&texts}, {texts_file});
  EXPECT_EQ(texts, (Texts{"given before", "one", "two"}));
  std::vector<PromptLine> prompts(3);
  read(PromptsOfFile{&prompts}, {prompts_file});
  ASSERT_EQ(prompts.size(), 1U);
  EXPECT_EQ(prompts[0].corrupt, "two");
  EXPECT_EQ(prompts[0].targets.at(0).id, 3);
  const std::string none = (folder / "none.jsonl").string();
  EXPECT_TRUE(refused(TextsOfFile{&texts}, {none}, "none.jsonl"));
  EXPECT_TRUE(refused(PromptsOfFile{&prompts}, {none}, "none.jsonl"));
}

TEST(ReadOption, PlainTextsWhereTheFieldAllowsThem) {
  const TemporaryFolder folder;
  const std::string file = folder.file("a.txt", "\xEF\xBB\xBFone\r\n\n two \nthree").string();
  Texts texts;
  EXPECT_TRUE(refused(TextsOfFile{&texts}, {file}, "a.txt"));
  read(TextsOfFile{&texts, PlainText::lines}, {file});
  EXPECT_EQ(texts, (Texts{"one", " two ", "three"}));
  texts.clear();
  read(TextsOfFile{&texts, PlainText::whole}, {file});
  EXPECT_EQ(texts, (Texts{"one\r\n\n two \nthree"}));
  const std::string empty = folder.file("b.txt", "\n \n").string();
  EXPECT_TRUE(refused(TextsOfFile{&texts, PlainText::lines}, {empty}, "holds no text"));
}

TEST(ReadOption, FilesOfChoices) {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& line) { return folder.file("c.jsonl", line + "\n").string(); };
  std::vector<ChoiceItem> items(2);
  read(ChoicesOfFile{&items}, {file(R"({"ctx": "He", "endings": ["ran.", "slept."], "label": "1", "activity": "x"}
{"text": "", "choices": ["a", "b", "c"]})")});
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].text, "He");
  EXPECT_EQ(items[0].choices, (Texts{"ran.", "slept."}));
  EXPECT_EQ(items[0].label, 1U);
  EXPECT_EQ(items[1].choices.size(), 3U);
  EXPECT_FALSE(items[1].label);
  for (const auto& [line, says] :
       std::map<std::string, std::string>{{R"({"choices": ["a", "b"]})", "line 1 has no \"text\""},
                                          {R"({"text": "a"})", "no \"choices\" and no \"endings\""},
                                          {R"({"text": "a", "choices": ["a"]})", "two or more"},
                                          {R"({"text": "a", "choices": ["a", ""]})", "is empty"},
                                          {R"({"text": "a", "choices": ["a", 3]})", "not a text"},
                                          {R"({"text": 3, "choices": ["a", "b"]})", "not a string"},
                                          {R"({"text": "a", "choices": ["a", "b"], "label": 2})", "none of 0 to 1"},
                                          {R"({"text": "a", "choices": ["a", "b"], "label": "b"})", "none of 0 to 1"},
                                          {"[1]", "is not a JSON object"},
                                          {"", "has no item"}})
    EXPECT_TRUE(refused(ChoicesOfFile{&items}, {file(line)}, says)) << line;
}

TEST(ReadOption, FilesAreNamedAndNotOpened) {
  std::optional<std::filesystem::path> in, out;
  Fields fields;
  Field& input = fields.add("vectors", FieldTarget(InputFile{&in}), "help");
  Field& output = fields.add("save", FieldTarget(OutputFile{&out}), "help");
  read_option(input, {"no/such.file"});
  read_option(output, {"other.file"});
  EXPECT_EQ(in, std::filesystem::path("no/such.file"));
  EXPECT_EQ(out, std::filesystem::path("other.file"));
  EXPECT_TRUE(names_input_file(input));
  EXPECT_FALSE(names_input_file(output));
  Texts texts;
  EXPECT_TRUE(names_input_file(Field{.name = "", .target = TextsOfFile{&texts}, .help = "", .option = ""}));
  EXPECT_TRUE(names_input_file(Field{.name = "", .target = PromptsOfFile{nullptr}, .help = "", .option = ""}));
  EXPECT_FALSE(names_input_file(Field{.name = "", .target = &texts, .help = "", .option = ""}));
}

TEST(ReadOption, AmountsOfMemory) {
  const auto bytes_of = [](const std::string& text) {
    std::size_t bytes = 0;
    read(MemorySize{&bytes}, {text});
    return bytes;
  };
  EXPECT_EQ(bytes_of("1"), 1U);
  EXPECT_EQ(bytes_of("3K"), 3072U);
  EXPECT_EQ(bytes_of("512M"), std::size_t{512} << 20);
  EXPECT_EQ(bytes_of("4G"), std::size_t{4} << 30);
  EXPECT_EQ(bytes_of("2T"), std::size_t{2} << 40);
  for (const char* text : {"", "0", "0G", "M", "-1", "1.5G", "1g", "1GB", "1 G", "16777216T", "99999999999999999999"})
    EXPECT_TRUE(refuses([&] { bytes_of(text); }, "memory: '" + std::string(text) + "' is not an amount of memory"));
}

TEST(Fields, LackWhatIsRequiredAndWasNotGiven) {
  std::string text, other;
  Texts texts;
  bool flag = false;
  Fields fields;
  Field& required = fields.add("text", text, "help").required_unless({"prompts", "texts"});
  Field& stands_for_it = fields.add("texts", texts, "help");
  Field& always = fields.add("corrupt", other, "help").required();
  Field& free = fields.add("flag", flag, "help");
  EXPECT_TRUE(fields.lacks(required));
  EXPECT_TRUE(fields.lacks(always));
  EXPECT_FALSE(fields.lacks(free));
  read_option(free, {});
  read_option(always, {""});
  EXPECT_FALSE(fields.lacks(always)) << "an empty text is given";
  EXPECT_TRUE(fields.lacks(required));
  read_option(stands_for_it, {"a"});
  EXPECT_FALSE(fields.lacks(required)) << "another field makes it needless";
  EXPECT_FALSE(required.is_given);
  read_option(required, {"b"});
  EXPECT_FALSE(fields.lacks(required));
  EXPECT_EQ(text, "b");
}

}  // namespace
}  // namespace stratoscope
