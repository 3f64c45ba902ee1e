#include "stratoscope/hub/expanded_path.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace stratoscope {
namespace {

namespace fs = std::filesystem;

fs::path home_of(const passwd* user) {
  return user == nullptr || user->pw_dir == nullptr || *user->pw_dir != '/' ? fs::path() : fs::path(user->pw_dir);
}

std::string with_home(const std::string& text) {
  if (!text.starts_with('~')) return text;
  const std::size_t end = std::min(text.find('/'), text.size());
  const std::string user = text.substr(1, end - 1);
  std::string home = (user.empty() ? home_folder() : home_of(::getpwnam(user.c_str()))).string();
  if (home.empty()) return text;
  home.erase(home.find_last_not_of('/') + 1);
  home += text.substr(end);
  return home.empty() ? "/" : home;
}

bool is_variable_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The end of the variable at the dollar sign; the place after the sign if there is none.
std::size_t end_of_variable(const std::string& text, std::size_t dollar) {
  if (text.compare(dollar + 1, 1, "{") == 0) {
    const std::size_t brace = text.find('}', dollar);
    return brace == std::string::npos ? dollar + 1 : brace + 1;
  }
  const auto begin = text.begin() + static_cast<std::ptrdiff_t>(dollar) + 1;
  return static_cast<std::size_t>(std::find_if_not(begin, text.end(), is_variable_character) - text.begin());
}

std::string with_variables(const std::string& text) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t dollar = 0; (dollar = text.find('$', at)) != std::string::npos;) {
    const std::size_t end = end_of_variable(text, dollar);
    std::string name = text.substr(dollar + 1, end - dollar - 1);
    if (name.starts_with('{')) name = name.substr(1, name.size() - 2);
    const char* const value = name.empty() ? nullptr : std::getenv(name.c_str());
    result += text.substr(at, dollar - at) + (value != nullptr ? value : text.substr(dollar, end - dollar));
    at = end;
  }
  return result + text.substr(at);
}

}  // namespace

fs::path home_folder() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  return home_of(::getpwuid(::geteuid()));
}

fs::path expanded_path(const std::string& text) { return with_variables(with_home(text)); }

}  // namespace stratoscope
