// A strict reader of the XML that a figure may be: elements, attributes and text, as XML 1.0 defines well-formedness.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stratoscope/figures/text.h"

namespace stratoscope::sample {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes = {};
  std::string text = {};  // with entities replaced, of this element alone
  std::vector<Element> children = {};

  double number(const std::string& key) const { return std::stod(attributes.at(key)); }
  bool has(const std::string& key, const std::string& value) const {
    const auto found = attributes.find(key);
    return found != attributes.end() && found->second == value;
  }
};

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : text_(text) {}

  Element read() {
    for (const char32_t c : code_points(text_)) {
      const bool allowed = c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
                           (c >= 0x10000 && c <= 0x10FFFF);
      require(allowed, "a character that XML does not have");
    }
    require(to_utf8(code_points(text_)) == text_, "not UTF-8");
    if (next("<?xml")) {
      at_ = text_.find("?>");
      require(at_ != std::string_view::npos, "no end of the head");
      at_ += 2;
    }
    skip_spaces();
    Element root = element();
    skip_spaces();
    require(at_ == text_.size(), "text after the root");
    return root;
  }

 private:
  void require(bool condition, const char* problem) const {
    if (!condition) throw std::runtime_error(std::string(problem) + " at byte " + std::to_string(at_));
  }
  bool next(std::string_view part) const { return text_.substr(at_).starts_with(part); }
  char take() {
    require(at_ < text_.size(), "the end comes early");
    return text_[at_++];
  }
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  std::string name() {
    std::string result;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      const bool later = (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
      if (!letter && (result.empty() || !later)) break;
      result += take();
    }
    require(!result.empty(), "no name");
    return result;
  }

  char entity() {
    static const std::map<std::string, char> known = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"#39", '\''}};
    std::string key;
    for (char c = take(); c != ';'; c = take()) {
      key += c;
      require(key.size() < 6, "an ampersand alone");
    }
    require(known.contains(key), "an unknown entity");
    return known.at(key);
  }

  std::string attribute_value() {
    const char quote = take();
    require(quote == '"' || quote == '\'', "no quotation mark");
    std::string value;
    for (char c = take(); c != quote; c = take()) {
      require(c != '<', "< in an attribute");
      value += c == '&' ? entity() : c;
    }
    return value;
  }

  Element element() {
    require(take() == '<', "no element");
    Element result{name()};
    while (true) {
      const std::size_t before = at_;
      skip_spaces();
      if (next("/>")) return at_ += 2, result;
      if (next(">")) break;
      require(at_ > before, "attributes without a space between");
      const std::string key = name();
      require(take() == '=', "an attribute without a value");
      require(result.attributes.emplace(key, attribute_value()).second, "an attribute twice");
    }
    ++at_;
    while (!next("</")) {
      if (next("<")) {
        result.children.push_back(element());
        continue;
      }
      const char c = take();
      result.text += c == '&' ? entity() : c;
      require(!result.text.ends_with("]]>") || c == '&', "]]> in text");
    }
    at_ += 2;
    require(name() == result.name, "an element ends that did not begin");
    skip_spaces();
    require(take() == '>', "an end without >");
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

inline Element read_xml(std::string_view text) { return XmlReader(text).read(); }

// All elements of a name at any depth, in order.
inline std::vector<const Element*> elements(const Element& root, const std::string& name) {
  std::vector<const Element*> found;
  if (root.name == name) found.push_back(&root);
  for (const Element& child : root.children)
    for (const Element* each : elements(child, name)) found.push_back(each);
  return found;
}

}  // namespace stratoscope::sample
