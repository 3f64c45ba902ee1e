#include "apps/cli/record.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "apps/cli/output.h"
#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/file_hash.h"
#include "stratoscope/probe/edit_grammar.h"
#include "stratoscope/session/json_document.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

constexpr int kForm = 1;
// Options of every command that change the result.
constexpr std::array<const char*, 2> kCommon = {"model", "precision"};

Json options_of(const CLI::App& command, const FieldOptions& fields) {
  Json options = Json::object();
  for (const char* name : kCommon)
    if (const CLI::Option* option = command.get_option("--" + std::string(name)); option->count() > 0)
      options[name] = option->results();
  for (const auto& [name, values] : fields.given()) options[name] = values.empty() ? Json(true) : Json(values);
  return options;
}

// Files that were read and are not part of the record, each with its hash.
Json files_of(const FieldOptions& fields, const ExperimentResult& result) {
  Json files = Json::object();
  const auto add = [&](const std::string& name) {
    std::error_code error;
    if (std::filesystem::is_regular_file(name, error)) files[name] = file_hash(name);
  };
  for (const std::string& file : fields.input_files()) add(file);
  for (const std::filesystem::path& file : result.files()) add(file.string());
  return files;
}

class RecordReader {
 public:
  RecordReader(const std::filesystem::path& path, const std::vector<Experiment>& experiments)
      : path_(path), experiments_(experiments) {}

  Record read() {
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    const std::string text = read_text_file(path_, kLargest);
    const Json json = parse_ordered_json(text, "record", path_.string());
    check_form(json);
    Record record;
    record.command = string_at(json, "command");
    find_options(record.command);
    record.version = string_at(json, "version");
    record.isa = string_at(json, "isa");
    if (!json.contains("model") || !json["model"].is_object()) refuse("has no \"model\"");
    record.model_hash = string_at(json["model"], "hash");
    if (!json.contains("result") || !json["result"].is_object()) refuse("has no \"result\"");
    record.result = json["result"].dump();
    record.arguments = {record.command};
    if (!json.contains("options") || !json["options"].is_object()) refuse("has no \"options\"");
    std::map<std::string, std::size_t> taken;
    if (json.contains("order")) taken = add_in_order(json["order"], json["options"], record.arguments);
    for (const auto& [name, value] : json["options"].items()) {
      const auto found = taken.find(name);
      if (found == taken.end())
        add_option(name, value, record.arguments);
      else
        add_values(name, value, found->second, value.size(), record.arguments);
    }
    record.model = model_of(json);
    check_files(json);
    if (json.contains("text")) {
      if (json["text"] == "-") refuse("has the text '-', which means standard input on a command line");
      record.arguments.emplace_back("--");
      record.arguments.push_back(string_at(json, "text"));
    }
    return record;
  }

 private:
  // The model as it was named; a folder needs its path, since its name alone is not found.
  std::string model_of(const Json& json) const {
    const Json& options = json["options"];
    const bool named = options.contains("model") && options["model"].is_array() && options["model"].size() == 1;
    if (named && options["model"][0].is_string()) return options["model"][0].get<std::string>();
    return string_at(json["model"], "name");
  }
  void check_files(const Json& json) const {
    if (!json.contains("files")) return;
    if (!json["files"].is_object()) refuse("has \"files\" that are not an object");
    for (const auto& [name, hash] : json["files"].items())
      if (hash != file_hash(name))
        throw Error("record", name + " is not the file that was read when " + path_.string() + " was made",
                    "its bytes differ");
  }
  [[noreturn]] void refuse(const std::string& problem, const std::string& hint = {}) const {
    throw Error("record", path_.string() + " " + problem, hint);
  }
  void check_form(const Json& json) const {
    if (!json.is_object() || !json.contains("record") || !json["record"].is_number_integer())
      refuse("is not a record of an experiment", "make one with --record");
    if (json["record"].get<long>() != kForm)
      refuse("has form " + std::to_string(json["record"].get<long>()) + ", and this version reads form " +
             std::to_string(kForm));
    if (!json.contains("edit_language")) return;  // as version 1
    if (!json["edit_language"].is_number_integer()) refuse("has an \"edit_language\" that is not a whole number");
    if (const auto version = json["edit_language"].get<long>(); version < 1 || version > kEditLanguage)
      refuse("has edits in version " + std::to_string(version) + " of their language, and this version reads up to " +
                 std::to_string(kEditLanguage),
             "replay it with the version of Stratoscope that made it, or with a newer one");
  }
  std::string string_at(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_string()) refuse("has no string \"" + std::string(key) + "\"");
    return json[key].get<std::string>();
  }
  // Adds the values of the options one at a time in the given order. Returns the number of values of each option.
  std::map<std::string, std::size_t> add_in_order(const Json& order, const Json& options,
                                                  std::vector<std::string>& arguments) const {
    if (!order.is_array()) refuse("has an \"order\" that is not a list");
    std::map<std::string_view, const Json*> values;
    for (const auto& [name, value] : options.items()) values.emplace(name, &value);
    std::map<std::string, std::size_t> taken;
    for (const Json& name : order) {
      const auto found = name.is_string() ? values.find(name.get_ref<const std::string&>()) : values.end();
      if (found == values.end() || !found->second->is_array())
        refuse("has an \"order\" that does not match its options");
      std::size_t& next = taken[name.get<std::string>()];
      if (next == found->second->size()) refuse("has an \"order\" that does not match its options");
      add_values(name, *found->second, next, next + 1, arguments);
      ++next;
    }
    return taken;
  }
  void add_option(const std::string& name, const Json& value, std::vector<std::string>& arguments) const {
    if (value.is_boolean() && value.get<bool>()) {
      check_option(name);
      arguments.push_back("--" + name);
    } else {
      add_values(name, value, 0, value.size(), arguments);
    }
  }
  void check_option(const std::string& name) const {
    const bool is_name =
        !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!is_name || !options_.contains(name))
      refuse("has the option " + in_quotes(name) + ", which cannot be recorded");
  }
  void add_values(const std::string& name, const Json& values, std::size_t begin, std::size_t end,
                  std::vector<std::string>& arguments) const {
    check_option(name);
    if (!values.is_array()) refuse("has the option " + in_quotes(name) + " without a list of its values");
    for (std::size_t i = begin; i < end; ++i) {
      if (!values[i].is_string()) refuse("has the option " + in_quotes(name) + " with a value that is not a string");
      arguments.push_back("--" + name + "=" + values[i].get<std::string>());
    }
  }

  // The options that a record of the command may have: without output files and without settings of this machine.
  void find_options(const std::string& command) {
    options_.insert(kCommon.begin(), kCommon.end());
    for (const Experiment& experiment : experiments_) {
      if (experiment.name != command || !experiment.is_recorded) continue;
      const auto request = experiment.begin();
      for (const Field& field : request->fields().all()) {
        if (field.is_argument || field.is_more || (field.is_local && !field.changes_result)) continue;
        options_.insert(field.option);
        if (!field.negative_help.empty()) options_.insert("no-" + field.option);
      }
      return;
    }
    throw Error("replay", "there is no command " + in_quotes(command) + " that can be recorded");
  }

  const std::filesystem::path& path_;
  const std::vector<Experiment>& experiments_;
  std::set<std::string, std::less<>> options_;
};

}  // namespace

void add_record(CLI::App& command, CommonOptions& options) {
  command.add_option("--record", options.record, "keep the experiment and its result, for `replay`")
      ->type_name("FILE.json");
}

void write_record(const CommonOptions& options, const CLI::App& command, const FieldOptions& fields,
                  const ExperimentResult& result, const Document& document) {
  Json kept = json_of(document);
  Json record = {{"record", kForm}, {"edit_language", kEditLanguage}, {"command", command.get_name()}};
  if (options.used_text) record["text"] = *options.used_text;
  record["options"] = options_of(command, fields);
  if (const auto order = fields.order(); !order.empty()) record["order"] = order;
  if (Json files = files_of(fields, result); !files.empty()) record["files"] = std::move(files);
  for (const char* key : {"model", "version", "precision", "isa"}) record[key] = kept[key];
  // The file in which the result was also saved is not part of the result.
  kept.erase("file");
  kept.erase("keys");
  record["result"] = std::move(kept);
  write_file_atomically(*options.record, record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

Record read_record(const std::filesystem::path& path, const std::vector<Experiment>& experiments) {
  return RecordReader(path, experiments).read();
}

}  // namespace stratoscope::cli
