// Reads the fields of one protocol-buffer message (https://protobuf.dev/programming-guides/encoding) in order, without
// copies and allocations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stratoscope {

class ProtobufReader {
 public:
  struct Field {
    std::uint32_t number;
    std::uint32_t wire_type;
    std::uint64_t value;     // of a number: its bits
    std::string_view bytes;  // of a string or message
  };

  // `name` is for messages.
  ProtobufReader(std::string_view message, std::string name) : message_(message), name_(std::move(name)) {}

  // The next field; nullopt at the end. Throws Error for an invalid field.
  std::optional<Field> next();

  // The field's value as the expected type. Throw Error for another type.
  std::uint64_t number(const Field& field) const;
  float real(const Field& field) const;
  std::string_view bytes(const Field& field) const;

 private:
  [[noreturn]] void fail() const;
  std::uint64_t varint();
  std::uint64_t fixed(std::size_t size);

  std::string_view message_;
  std::string name_;
  std::size_t at_ = 0;
};

}  // namespace stratoscope
