#include "stratoscope/files/safetensors_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "stratoscope/base/cancellation.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

constexpr std::size_t kMaxAxes = 32;  // as in NumPy

constexpr std::array kReadable = {DType::f64, DType::f32, DType::f16,    DType::bf16, DType::i64,
                                  DType::i32, DType::i16, DType::i8,     DType::u64,  DType::u32,
                                  DType::u16, DType::u8,  DType::boolean};

// Receives the parser's events and tracks the current place in the format; a value that does not belong there ends the
// parse. There is no recursion, so nesting needs no stack.
class HeaderHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderHandler(const std::string& file) : file_(file) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return unexpected(in_quotes(text)); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) return unexpected(std::to_string(value));
    std::vector<std::size_t>& list = place_ == Place::shape ? *shape_ : *offsets_;
    if (list.size() == kMaxAxes) fail(subject() + " has more than " + std::to_string(kMaxAxes) + " numbers");
    list.push_back(static_cast<std::size_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(field_, std::move(value));
      return true;
    }
    if (place_ != Place::entry || field_ != "dtype") return unexpected(in_quotes(value));
    const auto* found =
        std::find_if(kReadable.begin(), kReadable.end(), [&](DType dtype) { return name_of(dtype) == value; });
    dtype_ = found == kReadable.end() ? DType::unreadable : *found;
    type_ = std::move(value);
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::header;
    } else if (place_ == Place::header) {
      place_ = name_ == kMetadata ? Place::metadata : Place::entry;
      fields_.clear();
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    throw_if_cancelled();
    if (place_ == Place::header) {
      if (!names_.insert(value).second) fail(in_quotes(value) + " occurs twice in the header");
      name_ = std::move(value);
      return true;
    }
    if (!fields_.insert(value).second) fail(in_quotes(value) + " occurs twice in " + in_quotes(name_));
    if (place_ == Place::entry && value != "dtype" && value != "shape" && value != "data_offsets")
      fail("tensor " + in_quotes(name_) + " has the unknown key " + in_quotes(value));
    field_ = std::move(value);
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) finish_entry();
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || field_ == "dtype") return unexpected("a list");
    place_ = field_ == "shape" ? Place::shape : Place::offsets;
    (place_ == Place::shape ? shape_ : offsets_).emplace();
    return true;
  }

  bool end_array() override {
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail("header is not valid JSON in UTF-8 (at its byte " + std::to_string(position) + ")");
  }

 private:
  enum class Place { outside, header, metadata, entry, shape, offsets };
  static constexpr const char* kMetadata = "__metadata__";

  [[noreturn]] void fail(const std::string& problem) const { throw Error("safetensors", file_ + ": " + problem); }

  std::string subject() const {
    if (place_ == Place::outside) return "header";
    if (place_ == Place::header) return in_quotes(name_);
    if (place_ == Place::metadata) return "metadata " + in_quotes(field_);
    return field_ + " of tensor " + in_quotes(name_);
  }

  [[noreturn]] bool unexpected(const std::string& found) const {
    const char* expected = "a list of whole numbers from 0 up";
    if (place_ == Place::outside || place_ == Place::header) expected = "an object";
    if (place_ == Place::metadata || (place_ == Place::entry && field_ == "dtype")) expected = "a string";
    const bool inside = place_ == Place::shape || place_ == Place::offsets;
    fail(subject() + " should be " + expected + " but " + (inside ? "holds " : "is ") + found);
  }

  void finish_entry() {
    if (!dtype_ || !shape_ || !offsets_)
      fail("tensor " + in_quotes(name_) + " lacks " + (!dtype_ ? "dtype" : !shape_ ? "shape" : "data_offsets"));
    if (offsets_->size() != 2)
      fail("data_offsets of tensor " + in_quotes(name_) + " should be two numbers but are " +
           std::to_string(offsets_->size()));
    header_.entries.push_back({name_, type_, *dtype_, std::move(*shape_), offsets_->front(), offsets_->back()});
    dtype_.reset();
    shape_.reset();
    offsets_.reset();
  }

  const std::string& file_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  std::string name_, field_;  // the current key of the header, and the key inside its entry
  std::set<std::string> names_, fields_;
  std::optional<DType> dtype_;
  std::string type_;
  std::optional<Shape> shape_;
  std::optional<std::vector<std::size_t>> offsets_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file) {
  if (json.empty() || json.front() != '{')
    throw Error("safetensors", file + ": header does not begin with '{'", "is this a safetensors file?");
  // The parser stops at a NUL byte and would ignore the rest.
  if (const std::size_t nul = json.find('\0'); nul != std::string_view::npos)
    throw Error("safetensors", file + ": header holds a NUL (at its byte " + std::to_string(nul) + ")");
  HeaderHandler handler(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &handler);
  return handler.take();
}

}  // namespace stratoscope
