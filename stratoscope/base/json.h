// JSON from files and users: parsed with a bound on depth, errors in our own words, in time that grows with its length,
// until somebody wants to stop (base/cancellation.h). Of a key that occurs twice the last value counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace stratoscope {

// Throws Error(where, "source: …") with the byte offset for malformed JSON, for nesting deeper than 64, and for more
// than `most` values: a value takes ten times the memory of its shortest text.
nlohmann::json parse_json(std::string_view text, const std::string& where, const std::string& source,
                          std::size_t most = static_cast<std::size_t>(-1));

// The same with keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& where, const std::string& source,
                                          std::size_t most = static_cast<std::size_t>(-1));

// Is told of the parts of one large value in the order of the text, so that no tree of it is built. Of a key that
// occurs twice it is told twice.
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

// As parse_json, but the value at each pointer ("/model/vocab") goes to its reader, and is null in the result.
nlohmann::json parse_json_with_readers(std::string_view text, const std::string& where, const std::string& source,
                                       const std::map<std::string, JsonValueReader*>& readers);

}  // namespace stratoscope
