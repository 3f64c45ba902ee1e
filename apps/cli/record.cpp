#include "apps/cli/record.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string_view>

#include "apps/cli/output.h"
#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/names.h"
#include "stratoscope/files/file_hash.h"
#include "stratoscope/version.h"

namespace stratoscope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kForm = 1;
// What says how a result is shown or kept, or how fast it is made, and not what it is.
constexpr std::array<std::string_view, 12> kLeftOut = {"json",   "record",  "figure", "theme", "range",        "save",
                                                       "resume", "threads", "pull",   "plan",  "memory-limit", "help"};

// Options whose value is a file that is read.
constexpr std::array<std::string_view, 5> kFiles = {"prompts", "reference", "positive-file", "negative-file",
                                                    "vectors"};

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

// Targets of both kinds count in the order in which they were given: an entry for each.
Json order_of(const CLI::App& command) {
  Json order = Json::array();
  std::set<std::string> kinds;
  for (const CLI::Option* option : command.parse_order())
    if (option->check_name("--target") || option->check_name("--target-id")) {
      order.push_back(option->get_lnames()[0]);
      kinds.insert(option->get_lnames()[0]);
    }
  return kinds.size() > 1 ? order : Json::array();
}

// What options read from files, which the record names and does not hold: each with its hash.
Json files_of(const Json& options) {
  Json files = Json::object();
  const auto add = [&](const std::string& name) {
    std::error_code error;
    if (std::filesystem::is_regular_file(name, error)) files[name] = file_hash(name);
  };
  static const std::regex vectors(R"([^\s=,]+\.(?:npy|safetensors))");
  for (const auto& [name, values] : options.items()) {
    if (!values.is_array() || name == "model") continue;
    const bool is_file = std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end();
    for (const Json& value : values) {
      const auto text = value.get<std::string>();
      if (is_file) add(text);
      for (std::sregex_iterator found(text.begin(), text.end(), vectors), end; found != end; ++found)
        if (name == "edit" || name == "over") add(found->str());
    }
  }
  return files;
}

void write_record(const CommonOptions& options, const CLI::App& command, const Document& document) {
  Json result = Json::parse(document.text);
  Json record = {{"record", kForm}, {"command", command.get_name()}};
  if (options.used_text) record["text"] = *options.used_text;
  record["options"] = options_of(command);
  if (Json order = order_of(command); !order.empty()) record["order"] = std::move(order);
  if (Json files = files_of(record["options"]); !files.empty()) record["files"] = std::move(files);
  for (const char* key : {"model", "version", "precision", "isa"}) record[key] = result[key];
  // Where the result was kept as well is no part of it.
  result.erase("file");
  result.erase("keys");
  record["result"] = result;
  write_file_atomically(*options.record, record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

class RecordReader {
 public:
  explicit RecordReader(const std::filesystem::path& path) : path_(path) {}

  Record read() const {
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    const std::string text = read_text_file(path_, kLargest);
    const Json json = parse_ordered_json(text, "record", path_.string());
    check_form(json);
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
      if (json["text"] == "-") refuse("is of the text '-', which a command line takes for standard input");
      record.arguments.emplace_back("--");
      record.arguments.push_back(string_at(json, "text"));
    }
    return record;
  }

 private:
  // As it was asked for; a folder is not found by its name alone.
  std::string model_of(const Json& json) const {
    const Json& options = json["options"];
    const bool named = options.contains("model") && options["model"].is_array() && options["model"].size() == 1;
    if (named && options["model"][0].is_string()) return options["model"][0].get<std::string>();
    return string_at(json["model"], "name");
  }
  void check_files(const Json& json) const {
    if (!json.contains("files")) return;
    if (!json["files"].is_object()) refuse("has \"files\" that are no object");
    for (const auto& [name, hash] : json["files"].items())
      if (hash != file_hash(name))
        throw Error("record", name + " is not the file that was read when " + path_.string() + " was made",
                    "its bytes are others");
  }
  [[noreturn]] void refuse(const std::string& problem, const std::string& hint = {}) const {
    throw Error("record", path_.string() + " " + problem, hint);
  }
  void check_form(const Json& json) const {
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
  // One value after another of each option that the order names. Returns how many of each.
  std::map<std::string, std::size_t> add_in_order(const Json& order, const Json& options,
                                                  std::vector<std::string>& arguments) const {
    if (!order.is_array()) refuse("has an \"order\" that is no list");
    std::map<std::string_view, const Json*> values;
    for (const auto& [name, value] : options.items()) values.emplace(name, &value);
    std::map<std::string, std::size_t> taken;
    for (const Json& name : order) {
      const auto found = name.is_string() ? values.find(name.get_ref<const std::string&>()) : values.end();
      if (found == values.end() || !found->second->is_array()) refuse("has an \"order\" that is not its options'");
      std::size_t& next = taken[name.get<std::string>()];
      if (next == found->second->size()) refuse("has an \"order\" that is not its options'");
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
    if (!is_name || is_left_out(name)) refuse("has the option " + in_quotes(name) + ", which no record has");
  }
  void add_values(const std::string& name, const Json& values, std::size_t begin, std::size_t end,
                  std::vector<std::string>& arguments) const {
    check_option(name);
    if (!values.is_array()) refuse("has the option " + in_quotes(name) + " without a list of its values");
    for (std::size_t i = begin; i < end; ++i) {
      if (!values[i].is_string()) refuse("has the option " + in_quotes(name) + " with a value that is no text");
      arguments.push_back("--" + name + "=" + values[i].get<std::string>());
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
