#include "stratoscope/files/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "stratoscope/base/atomic_file.h"
#include "stratoscope/base/error.h"
#include "stratoscope/base/mapped_file.h"
#include "stratoscope/base/mistaken_file.h"
#include "stratoscope/base/names.h"

namespace stratoscope {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 1 << 16;
constexpr std::size_t kMaxAxes = 32;  // NumPy's own limit

// NumPy's letter and size of each type; there is none for BF16.
constexpr std::array<std::pair<DType, std::string_view>, 12> kCodes = {{{DType::f64, "f8"},
                                                                        {DType::f32, "f4"},
                                                                        {DType::f16, "f2"},
                                                                        {DType::i64, "i8"},
                                                                        {DType::i32, "i4"},
                                                                        {DType::i16, "i2"},
                                                                        {DType::i8, "i1"},
                                                                        {DType::u64, "u8"},
                                                                        {DType::u32, "u4"},
                                                                        {DType::u16, "u2"},
                                                                        {DType::u8, "u1"},
                                                                        {DType::boolean, "b1"}}};

// Parses the dict {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, with its keys in any order.
class DictReader {
 public:
  DictReader(std::string_view text, const std::string& what) : rest_(text), what_(what) {}

  NpyHeader read() {
    expect('{');
    while (!accept('}')) {
      read_item();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!rest_.empty()) malformed();
    if (!dtype_ || !fortran_order_ || !shape_) malformed();
    return {*dtype_, big_endian_, *fortran_order_, std::move(*shape_), 0};
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw Error("npy", what_ + ": " + problem); }
  [[noreturn]] void malformed() const { fail("header is not the dict that NumPy writes"); }

  void skip_spaces() {
    const std::size_t first = rest_.find_first_not_of(" \t\n");
    rest_.remove_prefix(std::min(first, rest_.size()));
  }
  bool accept(char c) {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed();
  }
  bool accept_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void read_item() {
    const std::string_view key = read_string();
    expect(':');
    if (key == "descr" && !dtype_) {
      read_descr();
    } else if (key == "fortran_order" && !fortran_order_) {
      fortran_order_ = accept_word("True");
      if (!*fortran_order_ && !accept_word("False")) malformed();
    } else if (key == "shape" && !shape_) {
      read_shape();
    } else {
      malformed();
    }
  }

  std::string_view read_string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) malformed();
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  void read_descr() {
    if (accept('[')) fail("holds structures, which are not read here");
    const std::string_view descr = read_string();
    const std::string_view code = descr.substr(std::min<std::size_t>(descr.find_first_not_of("<>|="), descr.size()));
    if (code.starts_with('O')) fail("holds Python objects, which are not read here");
    big_endian_ = descr.starts_with('>');
    for (const auto& [dtype, name] : kCodes)
      if (name == code) dtype_ = dtype;
    if (!dtype_) fail("holds numbers of the type " + in_quotes(descr) + ", which are not read here");
  }

  void read_shape() {
    shape_.emplace();
    expect('(');
    while (!accept(')')) {
      if (shape_->size() == kMaxAxes) fail("has more than " + std::to_string(kMaxAxes) + " axes");
      skip_spaces();
      std::size_t axis = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), axis);
      if (error == std::errc::result_out_of_range) fail("has an axis with more entries than fit");
      if (error != std::errc()) fail("has an axis whose size is not a whole number from 0 up");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      shape_->push_back(axis);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view rest_;
  const std::string& what_;
  std::optional<DType> dtype_;
  std::optional<bool> fortran_order_;
  bool big_endian_ = false;
  std::optional<Shape> shape_;
};

void reverse_each(std::span<std::byte> numbers, std::size_t width) {
  for (std::size_t i = 0; i + width <= numbers.size(); i += width)
    std::reverse(numbers.begin() + static_cast<std::ptrdiff_t>(i),
                 numbers.begin() + static_cast<std::ptrdiff_t>(i + width));
}

// Column-major numbers in row-major order, read along the last axis, which has the largest stride.
std::vector<std::byte> transposed(const std::vector<std::byte>& numbers, const Shape& shape, std::size_t width) {
  std::vector<std::byte> rows(numbers.size());
  if (rows.empty()) return rows;
  std::vector<std::size_t> stride(shape.size(), width), index(shape.size(), 0);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) stride[axis] = stride[axis - 1] * shape[axis - 1];
  std::size_t from = 0;
  for (std::size_t to = 0; to < rows.size(); to += width) {
    std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(from), width,
                rows.begin() + static_cast<std::ptrdiff_t>(to));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return rows;
}

std::string shape_literal(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& what) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  refuse_mistaken_file(text, "npy", what);
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  if (!text.starts_with(kMagic) || text.size() < kMagic.size() + 4)
    throw Error("npy", what + ": does not begin like a .npy file");
  const std::size_t version = byte_at(6);
  if (version < 1 || version > 3)
    throw Error("npy", what + ": has version " + std::to_string(version) + " of the format; 1 to 3 are read here");
  const std::size_t begin = version == 1 ? 10 : 12;
  if (text.size() < begin) throw Error("npy", what + ": ends inside its header", "was it written completely?");
  std::size_t length = byte_at(8) | byte_at(9) << 8;
  if (version > 1) length |= byte_at(10) << 16 | byte_at(11) << 24;
  if (length > kMaxHeader)
    throw Error("npy", what + ": header of " + std::to_string(length) + " bytes is longer than the " +
                           std::to_string(kMaxHeader) + " allowed");
  if (length > text.size() - begin) throw Error("npy", what + ": ends inside its header", "was it written completely?");

  NpyHeader header = DictReader(text.substr(begin, length), what).read();
  header.data_begin = begin + length;
  std::size_t expected = 0;
  try {
    expected = byte_count(header.dtype, header.shape);
  } catch (const Error& error) {
    throw Error("npy", what + ": " + error.problem());
  }
  const std::size_t found = text.size() - header.data_begin;
  if (found != expected)
    throw Error("npy", what + ": " + std::string(name_of(header.dtype)) + " " + to_string(header.shape) + " needs " +
                           std::to_string(expected) + " bytes of numbers, but " + std::to_string(found) + " are there");
  return header;
}

StoredArray stored_array(NpyHeader header, std::vector<std::byte> numbers) {
  const std::size_t width = size_of(header.dtype);
  if (header.big_endian) reverse_each(numbers, width);
  if (header.column_major && header.shape.size() > 1) numbers = transposed(numbers, header.shape, width);
  return {header.dtype, std::move(header.shape), std::move(numbers)};
}

StoredArray read_npy(const std::filesystem::path& path) {
  const MappedFile file(path);
  NpyHeader header = parse_npy_header(file.bytes(), path.string());
  const std::span<const std::byte> numbers = file.bytes().subspan(header.data_begin);
  try {
    StoredArray array = stored_array(std::move(header), {numbers.begin(), numbers.end()});
    file.check_unchanged();
    return array;
  } catch (const std::bad_alloc&) {
    throw Error("npy", path.string() + ": does not fit into memory");
  }
}

std::string npy_header(const PlannedArray& array) {
  const auto* code = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& c) { return c.first == array.dtype; });
  if (code == kCodes.end())
    throw Error("npy", "array " + in_quotes(array.name) + " is BF16, which NumPy does not have",
                "write a .safetensors file");
  const char* order = size_of(array.dtype) == 1 ? "|" : "<";
  std::string dict = "{'descr': '";
  dict += order + std::string(code->second) + "', 'fortran_order': False, 'shape': " + shape_literal(array.shape);
  dict += ", }";
  constexpr std::size_t kBefore = 10, kAlignment = 64;
  dict.resize((kBefore + dict.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kBefore - 1, ' ');
  dict += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(dict.size() & 0xFFU), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}

void write_npy(const std::filesystem::path& path, const ArrayView& array) {
  check_arrays("npy", std::span(&array, 1));
  const std::string header = npy_header({array.name, array.dtype, array.shape});
  AtomicFile file(path);
  file.write(header);
  file.write(array.bytes);
  file.commit();
}

}  // namespace stratoscope
