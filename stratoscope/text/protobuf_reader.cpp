#include "stratoscope/text/protobuf_reader.h"

#include <bit>

#include "stratoscope/base/error.h"

namespace stratoscope {
namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

}  // namespace

void ProtobufReader::fail() const {
  throw Error("tokenizer",
              name_ + ": is not a SentencePiece model, or truncated: invalid field of a protocol buffer at byte " +
                  std::to_string(at_));
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == message_.size()) fail();
    const auto byte = static_cast<unsigned char>(message_[at_++]);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  fail();
}

std::uint64_t ProtobufReader::fixed(std::size_t size) {
  if (message_.size() - at_ < size) fail();
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(message_[at_ + i])} << (8 * i);
  at_ += size;
  return value;
}

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (at_ == message_.size()) return std::nullopt;
  const std::uint64_t tag = varint();
  Field field{static_cast<std::uint32_t>(tag >> 3), static_cast<std::uint32_t>(tag & 7), 0, {}};
  if (tag >> 32 != 0 || field.number == 0) fail();
  switch (field.wire_type) {
    case kVarint: field.value = varint(); break;
    case kFixed64: field.value = fixed(8); break;
    case kFixed32: field.value = fixed(4); break;
    case kBytes: {
      const std::uint64_t size = varint();
      if (size > message_.size() - at_) fail();
      field.bytes = message_.substr(at_, size);
      at_ += size;
      break;
    }
    default: fail();
  }
  return field;
}

std::uint64_t ProtobufReader::number(const Field& field) const {
  if (field.wire_type != kVarint) fail();
  return field.value;
}

float ProtobufReader::real(const Field& field) const {
  if (field.wire_type != kFixed32) fail();
  return std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
}

std::string_view ProtobufReader::bytes(const Field& field) const {
  if (field.wire_type != kBytes) fail();
  return field.bytes;
}

}  // namespace stratoscope
