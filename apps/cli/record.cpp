#include "apps/cli/record.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "apps/cli/output.h"
#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kForm = 1;
// What says how a result is shown or kept, or how fast it is made, and not what it is.
constexpr std::array<std::string_view, 12> kLeftOut = {"json",   "record",  "figure", "theme", "range",        "save",
                                                       "resume", "threads", "pull",   "plan",  "memory-limit", "help"};

bool is_left_out(std::string_view name) { return std::find(kLeftOut.begin(), kLeftOut.end(), name) != kLeftOut.end(); }

Json options_of(const CLI::App& command) {
  Json options = Json::object();
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty() || is_left_out(option->get_lnames()[0])) continue;
    if (option->get_items_expected_max() == 0)
      options[option->get_lnames()[0]] = true;
    else
      options[option->get_lnames()[0]] = option->results();
  }
  return options;
}

void write_record(const CommonOptions& options, const CLI::App& command, const Document& document) {
  const Json result = Json::parse(document.text);
  Json record = {{"record", kForm}, {"command", command.get_name()}};
  if (options.used_text) record["text"] = *options.used_text;
  record["options"] = options_of(command);
  for (const char* key : {"model", "version", "precision", "isa"}) record[key] = result[key];
  record["result"] = result;
  write_file_atomically(*options.record, record.dump(2) + "\n");
}

class RecordReader {
 public:
  explicit RecordReader(const std::filesystem::path& path) : path_(path) {}

  Record read() const {
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    const std::string text = read_text_file(path_, kLargest);
    check_form(parse_json(text, "record", path_.string()));
    const Json json = Json::parse(text);  // again, with its keys in order
    Record record;
    record.command = string_at(json, "command");
    record.version = string_at(json, "version");
    record.isa = string_at(json, "isa");
    if (!json.contains("model") || !json["model"].is_object()) refuse("has no \"model\"");
    record.model_hash = string_at(json["model"], "hash");
    if (!json.contains("result") || !json["result"].is_object()) refuse("has no \"result\"");
    record.result = json["result"].dump();
    record.arguments = {record.command};
    if (!json.contains("options") || !json["options"].is_object()) refuse("has no \"options\"");
    for (const auto& [name, value] : json["options"].items()) add_option(name, value, record.arguments);
    record.model = model_of(json);
    if (json.contains("text")) {
      record.arguments.emplace_back("--");
      record.arguments.push_back(string_at(json, "text"));
    }
    return record;
  }

 private:
  // As it was asked for; a folder is not found by its name alone.
  std::string model_of(const Json& json) const {
    const Json& options = json["options"];
    if (options.contains("model") && options["model"].size() == 1) return options["model"][0].get<std::string>();
    return string_at(json["model"], "name");
  }
  [[noreturn]] void refuse(const std::string& problem, const std::string& hint = {}) const {
    throw Error("record", path_.string() + " " + problem, hint);
  }
  void check_form(const nlohmann::json& json) const {
    if (!json.is_object() || !json.contains("record") || !json["record"].is_number_integer())
      refuse("is no record of an experiment", "make one with --record");
    if (json["record"].get<long>() != kForm)
      refuse("has form " + std::to_string(json["record"].get<long>()) + ", and this version reads form " +
             std::to_string(kForm));
  }
  std::string string_at(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_string()) refuse("has no text \"" + std::string(key) + "\"");
    return json[key].get<std::string>();
  }
  void add_option(const std::string& name, const Json& value, std::vector<std::string>& arguments) const {
    const bool is_name =
        !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!is_name || is_left_out(name)) refuse("has the option " + in_quotes(name) + ", which no record has");
    if (value.is_boolean() && value.get<bool>()) return arguments.push_back("--" + name);
    if (!value.is_array()) refuse("has the option " + in_quotes(name) + " without a list of its values");
    for (const Json& one : value) {
      if (!one.is_string()) refuse("has the option " + in_quotes(name) + " with a value that is no text");
      arguments.push_back("--" + name + "=" + one.get<std::string>());
    }
  }

  const std::filesystem::path& path_;
};

}  // namespace

void add_record(CLI::App& command, CommonOptions& options) {
  command.add_option("--record", options.record, "keep the experiment and its result, for `replay`")
      ->type_name("FILE.json");
}

bool give_document(const CommonOptions& options, const Program& program, const std::function<Document()>& make) {
  if (!options.json && !options.record && !program.sink) return false;
  const Document document = make();
  if (options.record) write_record(options, *program.command, document);
  if (program.sink) {
    program.sink(document);
    return true;
  }
  if (options.json) print_json(document);
  return options.json;
}

Record read_record(const std::filesystem::path& path) { return RecordReader(path).read(); }

}  // namespace stratoscope::cli
