#include "stratoscope/base/json.h"

#include <limits>
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

// Builds the value from the parser's events. The library's own parser with a callback visits all earlier siblings after
// each object and list, and its ordered objects compare all keys for each new one.
template <class Json>
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& where, const std::string& source, std::size_t most)
      : where_(where), source_(source), most_(most), left_(most) {}

  void set_readers(const std::map<std::string, JsonValueReader*>& readers) {
    readers_ = &readers;
    if (const auto whole = readers.find(""); whole != readers.end()) reader_ = whole->second;
  }
  Json take() { return std::move(root_); }

  bool null() override {
    return reader_ ? tell([&] { reader_->other(); }) : add(nullptr);
  }
  bool boolean(bool value) override {
    return reader_ ? tell([&] { reader_->other(); }) : add(value);
  }
  bool number_integer(typename Json::number_integer_t value) override {
    return reader_ ? tell([&] { reader_->integer(value); }) : add(value);
  }
  bool number_unsigned(typename Json::number_unsigned_t value) override {
    if (!reader_) return add(value);
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return tell([&] { reader_->real(static_cast<double>(value)); });
    return tell([&] { reader_->integer(static_cast<std::int64_t>(value)); });
  }
  bool number_float(typename Json::number_float_t value, const std::string&) override {
    return reader_ ? tell([&] { reader_->real(value); }) : add(value);
  }
  bool string(std::string& value) override {
    return reader_ ? tell([&] { reader_->text(value); }) : add(std::move(value));
  }
  bool binary(typename Json::binary_t&) override { return false; }  // not in JSON text

  bool start_object(std::size_t) override {
    return reader_ ? open_read([&] { reader_->begin_object(); }) : open(Json::object());
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    return reader_ ? open_read([&] { reader_->begin_list(); }) : open(Json::array());
  }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    if (reader_) {
      reader_->key(name);
      return true;
    }
    Level& level = levels_.back();
    if (readers_ != nullptr) {
      pointer_.resize(level.pointer_size);
      pointer_ += '/' + name;
      if (const auto found = readers_->find(pointer_); found != readers_->end()) reader_ = found->second;
    }
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
    Json* value = nullptr;                                  // of the current key of an object
    std::size_t pointer_size = 0;                           // of pointer_, to the container
    std::unordered_map<std::string, std::size_t> places{};  // of the keys of an ordered object
  };

  template <class Value>
  bool add(Value&& value) {
    put(std::forward<Value>(value));
    return true;
  }

  template <class Value>
  Json* put(Value&& value) {
    count_value();
    if (levels_.empty()) return &(root_ = std::forward<Value>(value));
    Level& level = levels_.back();
    if (level.container->is_object()) return &(*level.value = std::forward<Value>(value));
    level.container->push_back(std::forward<Value>(value));
    return &level.container->back();
  }

  bool open(Json container) {
    check_depth();
    Json* const place = put(std::move(container));
    levels_.push_back({.container = place, .pointer_size = pointer_.size()});
    return true;
  }

  bool close() {
    if (reader_ == nullptr) {
      levels_.pop_back();
      return true;
    }
    reader_->end();
    if (--read_depth_ == 0) reader_ = nullptr;
    return true;
  }

  void check_depth() const {
    if (levels_.size() + read_depth_ >= kDeepest)
      throw Error(where_, source_ + ": is JSON nested deeper than " + std::to_string(kDeepest));
  }

  void count_value() {
    throw_if_cancelled();
    if (left_-- == 0) throw Error(where_, source_ + ": holds more values than the limit of " + std::to_string(most_));
  }

  // A value for the reader, possibly a single number or text.
  template <class Tell>
  bool tell(const Tell& tell_reader) {
    count_value();
    tell_reader();
    if (read_depth_ == 0) reader_ = nullptr;
    return true;
  }

  template <class Tell>
  bool open_read(const Tell& tell_reader) {
    check_depth();
    count_value();
    ++read_depth_;
    tell_reader();
    return true;
  }

  const std::string &where_, &source_;
  const std::size_t most_;
  std::size_t left_;
  Json root_;
  std::vector<Level> levels_;  // from the root to the current place
  const std::map<std::string, JsonValueReader*>* readers_ = nullptr;
  std::string pointer_;                // the current place, through objects; set if there are readers
  JsonValueReader* reader_ = nullptr;  // of the current value
  std::size_t read_depth_ = 0;         // nesting depth within the reader's value
};

template <class Json>
Json parse(std::string_view text, const std::string& where, const std::string& source, std::size_t most) {
  Builder<Json> builder(where, source, most);
  Json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace

nlohmann::json parse_json_with_readers(std::string_view text, const std::string& where, const std::string& source,
                                       const std::map<std::string, JsonValueReader*>& readers) {
  Builder<nlohmann::json> builder(where, source, static_cast<std::size_t>(-1));
  builder.set_readers(readers);
  nlohmann::json::sax_parse(text, &builder);
  return builder.take();
}

nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source,
                          std::size_t most) {
  return parse<nlohmann::json>(text, where, source, most);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where, const std::string& source,
                                          std::size_t most) {
  return parse<nlohmann::ordered_json>(text, where, source, most);
}

}  // namespace stratoscope
