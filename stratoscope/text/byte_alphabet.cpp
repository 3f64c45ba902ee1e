#include "stratoscope/text/byte_alphabet.h"

#include <array>
#include <cstddef>

#include "stratoscope/text/utf8.h"

namespace stratoscope {
namespace {

constexpr std::size_t kCharacters = 256 + 68;  // 188 bytes spell themselves, the other 68 follow U+00FF in order

constexpr bool spells_itself(std::size_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> kCharacterOfByte = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (std::size_t byte = 0; byte < table.size(); ++byte)
    table[byte] = spells_itself(byte) ? static_cast<char32_t>(byte) : next++;
  return table;
}();

constexpr std::array<int, kCharacters> kByteOfCharacter = [] {
  std::array<int, kCharacters> table{};
  for (int& byte : table) byte = -1;
  for (std::size_t byte = 0; byte < kCharacterOfByte.size(); ++byte)
    table[kCharacterOfByte[byte]] = static_cast<int>(byte);
  return table;
}();

}  // namespace

std::string spell_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) append_utf8(spelling, kCharacterOfByte[static_cast<unsigned char>(byte)]);
  return spelling;
}

std::optional<std::string> unspell_bytes(std::string_view spelling) {
  std::string bytes;
  for (std::size_t at = 0; at < spelling.size(); at += utf8_length(static_cast<unsigned char>(spelling[at]))) {
    const char32_t character = decode_code_point(spelling, at);
    if (character >= kCharacters || kByteOfCharacter[character] < 0) return std::nullopt;
    bytes += static_cast<char>(kByteOfCharacter[character]);
  }
  return bytes;
}

}  // namespace stratoscope
