// Parses JSON from files and users: with a limit of nesting, with the project's own error texts, in linear time, and
// cancellable (base/cancellation.h). For a repeated key the last value counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, "source: …") with the byte offset for malformed JSON, nesting deeper than 64, and more than
// `most` values; a value may need ten times the memory of its shortest text.
nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source,
                          std::size_t most = static_cast<std::size_t>(-1));

// The same, with keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where, const std::string& source,
                                          std::size_t most = static_cast<std::size_t>(-1));

// Receives the parts of one large value in the order of the text, so that no tree is built. A repeated key is reported
// twice.
class JsonValueReader {
 public:
  virtual ~JsonValueReader() = default;
  virtual void begin_object() = 0;
  virtual void begin_list() = 0;
  virtual void end() = 0;  // of the innermost object or list
  virtual void key(std::string& name) = 0;
  virtual void text(std::string& value) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void real(double value) = 0;  // and integers beyond 64 bits
  virtual void other() = 0;             // null, true, false
};

// As parse_json, but the value at each pointer ("/model/vocab") is passed to its reader, and is null in the result.
nlohmann::json parse_json_with_readers(std::string_view text, const std::string& where, const std::string& source,
                                       const std::map<std::string, JsonValueReader*>& readers);

}  // namespace stratoscope
