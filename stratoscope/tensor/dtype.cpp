#include "stratoscope/tensor/dtype.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "stratoscope/base/error.h"
#include "stratoscope/tensor/bfloat16.h"

namespace stratoscope {
namespace {

static_assert(std::endian::native == std::endian::little, "stored tensors are little-endian");

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t magnitude = half & 0x7fffU;
  // A half that is shifted into place is the float times 2^-112; one multiplication also normalises subnormals.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112F;
  const std::uint32_t special = magnitude >= 0x7c00U ? 0x7f800000U : 0U;  // infinity and NaN keep their mantissa
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special | sign);
}

[[noreturn]] void refuse() { throw Error("tensor", "numbers of this type are not read here"); }

template <class Stored, class Out, class Decode>
void convert_each(std::span<const std::byte> bytes, std::span<Out> out, Decode decode) {
  if (bytes.size() != out.size() * sizeof(Stored)) throw Error("tensor", "stored bytes and element count disagree");
  const std::byte* from = bytes.data();
  for (Out& number : out) {
    Stored stored;
    std::memcpy(&stored, from, sizeof(Stored));
    number = static_cast<Out>(decode(stored));
    from += sizeof(Stored);
  }
}

template <class Out>
void convert_to(DType dtype, std::span<const std::byte> bytes, std::span<Out> out) {
  const auto same = [](auto value) { return value; };
  switch (dtype) {
    case DType::f64: return convert_each<double>(bytes, out, same);
    case DType::f32: return convert_each<float>(bytes, out, same);
    case DType::f16: return convert_each<std::uint16_t>(bytes, out, half_to_float);
    case DType::bf16: return convert_each<std::uint16_t>(bytes, out, widened);
    case DType::i64: return convert_each<std::int64_t>(bytes, out, same);
    case DType::i32: return convert_each<std::int32_t>(bytes, out, same);
    case DType::i16: return convert_each<std::int16_t>(bytes, out, same);
    case DType::i8: return convert_each<std::int8_t>(bytes, out, same);
    case DType::u64: return convert_each<std::uint64_t>(bytes, out, same);
    case DType::u32: return convert_each<std::uint32_t>(bytes, out, same);
    case DType::u16: return convert_each<std::uint16_t>(bytes, out, same);
    case DType::u8:
    case DType::boolean: return convert_each<std::uint8_t>(bytes, out, same);
    case DType::unreadable: refuse();
  }
}

}  // namespace

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
    case DType::u64: return 8;
    case DType::f32:
    case DType::i32:
    case DType::u32: return 4;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16: return 2;
    case DType::unreadable: refuse();
    default: return 1;
  }
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f64: return "F64";
    case DType::f32: return "F32";
    case DType::f16: return "F16";
    case DType::bf16: return "BF16";
    case DType::i64: return "I64";
    case DType::i32: return "I32";
    case DType::i16: return "I16";
    case DType::i8: return "I8";
    case DType::u64: return "U64";
    case DType::u32: return "U32";
    case DType::u16: return "U16";
    case DType::u8: return "U8";
    case DType::unreadable: return "unreadable";
    default: return "BOOL";
  }
}

bool is_floating(DType dtype) { return dtype <= DType::bf16; }

void convert(DType dtype, std::span<const std::byte> bytes, std::span<float> out) { convert_to(dtype, bytes, out); }
void convert(DType dtype, std::span<const std::byte> bytes, std::span<double> out) { convert_to(dtype, bytes, out); }

}  // namespace stratoscope
