#include "stratoscope/base/json.h"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

constexpr std::size_t kDeepest = 64;

// Builds the value of the parser's events. The library's own parser with a callback looks at all earlier neighbours
// after each object and list, and its ordered objects look at all keys for each new one.
template <class Json>
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& where, const std::string& source, std::size_t most)
      : where_(where), source_(source), most_(most), left_(most) {}

  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(typename Json::number_integer_t value) override { return add(value); }
  bool number_unsigned(typename Json::number_unsigned_t value) override { return add(value); }
  bool number_float(typename Json::number_float_t value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(typename Json::binary_t&) override { return false; }  // no text has any

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    Level& level = levels_.back();
    if constexpr (std::is_same_v<Json, nlohmann::json>) {
      level.value = &(*level.container)[name];
    } else {
      auto& members = level.container->template get_ref<typename Json::object_t&>();
      const auto [place, is_new] = level.places.emplace(name, members.size());
      if (is_new) members.emplace_back(std::move(name), nullptr);
      level.value = &members.begin()[static_cast<std::ptrdiff_t>(place->second)].second;
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    if (const auto* malformed = dynamic_cast<const nlohmann::json::parse_error*>(&error))
      throw Error(where_, source_ + ": is not JSON: something is wrong at byte " + std::to_string(malformed->byte));
    throw Error(where_, source_ + ": is not usable JSON: " + error.what());  // numbers out of range and the like
  }

 private:
  struct Level {
    Json* container;
    Json* value = nullptr;                                  // of the key that an object is at
    std::unordered_map<std::string, std::size_t> places{};  // of the keys of an ordered object
  };

  template <class Value>
  bool add(Value&& value) {
    put(std::forward<Value>(value));
    return true;
  }

  template <class Value>
  Json* put(Value&& value) {
    throw_if_cancelled();
    if (left_-- == 0) throw Error(where_, source_ + ": holds more values than the limit of " + std::to_string(most_));
    if (levels_.empty()) return &(root_ = std::forward<Value>(value));
    Level& level = levels_.back();
    if (level.container->is_object()) return &(*level.value = std::forward<Value>(value));
    level.container->push_back(std::forward<Value>(value));
    return &level.container->back();
  }

  bool open(Json container) {
    if (levels_.size() >= kDeepest)
      throw Error(where_, source_ + ": is JSON nested deeper than " + std::to_string(kDeepest));
    Json* const place = put(std::move(container));
    levels_.push_back({place});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  const std::string &where_, &source_;
  const std::size_t most_;
  std::size_t left_;
  Json root_;
  std::vector<Level> levels_;  // from the root to where the parser is
};

template <class Json>
Json parse(std::string_view text, const std::string& where, const std::string& source, std::size_t most) {
  Builder<Json> builder(where, source, most);
  Json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source,
                          std::size_t most) {
  return parse<nlohmann::json>(text, where, source, most);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where, const std::string& source,
                                          std::size_t most) {
  return parse<nlohmann::ordered_json>(text, where, source, most);
}

}  // namespace stratoscope
