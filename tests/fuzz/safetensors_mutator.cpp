// Twists the fields of a .safetensors file and leaves its header valid JSON of the right length, so that the search
// spends its time after the parser: types, shapes, offsets, names, and files that are consistent after a change.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "tests/fuzz/safetensors_rules.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTypes[] = {"F64",  "F32", "F16", "BF16", "I64",     "I32", "I16", "I8", "U8",
                                  "BOOL", "U64", "U32", "U16",  "F8_E4M3", "C64", "f32", ""};
constexpr std::uint64_t kNumbers[] = {
    0, 1, 2, 3, 4, 7, 8, 31, 33, 0xFFFFFFFF, 1ULL << 32, 1ULL << 61, 1ULL << 62, 1ULL << 63, ~std::uint64_t{0}};

class Twister {
 public:
  Twister(std::string_view header, std::string_view data, unsigned seed)
      : header_(Json::parse(header, nullptr, false)), data_(data), random_(seed) {}

  // False if the header is not an object of objects.
  bool twist() {
    if (!header_.is_object()) return false;
    for (const auto& [name, entry] : header_.items())
      if (!entry.is_object()) return false;
    const std::size_t changes = 1 + below(3);
    for (std::size_t i = 0; i < changes; ++i) change();
    if (below(2) == 0) make_whole();
    return true;
  }

  std::string file() {
    std::string header = header_.dump(-1, ' ', false, Json::error_handler_t::replace);
    header.append(below(9), ' ');
    const std::uint64_t length = header.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + header + data_;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  template <class Items>
  const auto& one_of(const Items& items) {
    return items[below(std::size(items))];
  }

  Json& some_entry() {
    if (header_.empty()) header_["t"] = {{"dtype", "U8"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
    return std::next(header_.begin(), static_cast<std::ptrdiff_t>(below(header_.size()))).value();
  }

  std::uint64_t twisted(const Json& value) {
    const std::uint64_t number = value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
    switch (below(4)) {
      case 0: return number + 1;
      case 1: return number - 1;
      case 2: return number * 2;
      default: return one_of(kNumbers);
    }
  }

  Json strange_value() {
    switch (below(8)) {
      case 0: return nullptr;
      case 1: return true;
      case 2: return -1;
      case 3: return 1.5;
      case 4: return "text";
      case 5: return Json::array({Json::array()});
      case 6: return Json::object({{"dtype", "F32"}});
      default: return one_of(kNumbers);
    }
  }

  void twist_list(Json& list) {
    if (!list.is_array()) {
      list = Json::array();
    } else if (list.empty() || below(4) == 0) {
      list.push_back(one_of(kNumbers));
    } else if (below(4) == 0) {
      list.erase(below(list.size()));
    } else {
      Json& number = list[below(list.size())];
      number = twisted(number);
    }
  }

  std::string mutated(std::string text) {
    const std::size_t size = text.size();
    text.resize(size + 8);
    text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
    return text;
  }

  void rename() {
    Json renamed = Json::object();
    const std::size_t which = below(header_.size() + 1);
    std::size_t i = 0;
    for (const auto& [name, entry] : header_.items())
      renamed[i++ == which ? (below(8) == 0 ? "__metadata__" : mutated(name)) : name] = entry;
    header_ = std::move(renamed);
  }

  void change() {
    Json& entry = some_entry();
    switch (below(10)) {
      case 0: entry["dtype"] = one_of(kTypes); break;
      case 1:
      case 2: twist_list(entry["shape"]); break;
      case 3: twist_list(entry["data_offsets"]); break;
      case 4: entry["data_offsets"] = Json(some_entry())["data_offsets"]; break;
      case 5: rename(); break;
      case 6: header_["t" + std::to_string(below(5))] = Json(entry); break;
      case 7: header_.erase(std::next(header_.begin(), static_cast<std::ptrdiff_t>(below(header_.size())))); break;
      case 8: data_.resize(below(data_.size() + 9), static_cast<char>(below(256))); break;
      default:
        if (below(2) == 0)
          header_["__metadata__"]["k" + std::to_string(below(3))] =
              below(3) == 0 ? strange_value() : Json(mutated("v"));
        else
          entry[one_of(kFields)] = strange_value();
    }
  }

  // Lays the tensors that have a size end to end, and the data so long that they fill it.
  void make_whole() {
    constexpr std::uint64_t kMost = 2048;
    std::uint64_t end = 0;
    for (auto& [name, entry] : header_.items()) {
      if (name == "__metadata__" || !entry.is_object()) continue;
      nlohmann::json sized = nlohmann::json::parse(entry.dump(-1, ' ', false, Json::error_handler_t::replace));
      std::uint64_t bytes = sized.contains("dtype") && sized["dtype"].is_string()
                                ? stratoscope::fuzz::size_of_type(sized["dtype"].get<std::string>())
                                : 0;
      if (sized.contains("shape") && stratoscope::fuzz::are_whole_numbers(sized["shape"]))
        for (const auto& axis : sized["shape"])
          bytes = std::min(bytes, kMost) * std::min(axis.get<std::uint64_t>(), kMost);
      bytes = std::min(bytes, kMost);
      entry["data_offsets"] = {end, end + bytes};
      end += bytes;
    }
    data_.resize(std::min(end, 4 * kMost), '\x3f');
  }

  static constexpr const char* kFields[] = {"dtype", "shape", "data_offsets", "more"};

  Json header_;
  std::string data_;
  std::minstd_rand random_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  std::uint64_t length = 0;
  if (size >= sizeof length) std::memcpy(&length, data, sizeof length);
  const bool has_header = size >= sizeof length && length <= size - sizeof length;
  Twister twister(has_header ? file.substr(sizeof length, length) : "{}",
                  has_header ? file.substr(sizeof length + length) : "", seed);
  if (!twister.twist()) return LLVMFuzzerMutate(data, size, max_size);
  const std::string twisted = twister.file();
  if (twisted.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(twisted.begin(), twisted.end(), data);
  return twisted.size();
}
