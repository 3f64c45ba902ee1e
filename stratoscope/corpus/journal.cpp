#include "stratoscope/corpus/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "stratoscope/base/error.h"
#include "stratoscope/base/folder.h"
#include "stratoscope/base/json.h"
#include "stratoscope/base/link_target.h"
#include "stratoscope/base/mapped_file.h"

namespace stratoscope {
namespace {

using Json = nlohmann::ordered_json;

// The first key in which the two descriptions differ.
std::string difference(const std::string& a, const std::string& b, const char* job) {
  const Json left = parse_ordered_json(a, job, "journal"), right = parse_ordered_json(b, job, job);
  for (const auto& [key, value] : right.items())
    if (!left.contains(key) || left[key] != value) return key;
  return "something";
}

bool is_entry(const nlohmann::json& row, std::size_t least) {
  constexpr std::size_t kIndices = 2;
  return row.is_array() && row.size() >= kIndices + least && row[0].is_number_unsigned() &&
         row[1].is_number_unsigned() && std::all_of(row.begin() + kIndices, row.end(), [](const auto& value) {
           return value.is_number() || value.is_null();
         });
}

}  // namespace

Journal::Journal(std::filesystem::path path, JournalKind kind, const std::string& description, Use use)
    : path_(std::move(path)), kind_(kind) {
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  if (use == Use::read) {
    if (std::filesystem::exists(path_)) read(read_text_file(path_, kLargest), description);
    return;
  }
  open();
  try {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      fail(" is in use by another " + std::string(kind_.job), "wait for it, or name another file");
    read(read_text_file(descriptor_, path_, kLargest), description);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

void Journal::fail(const std::string& problem, const std::string& hint) const {
  throw Error(kind_.job, path_.string() + problem, hint);
}

void Journal::fail_to(const char* action) const {
  fail(std::string(" cannot be ") + action + ": " + std::strerror(errno));
}

// Resolves a symbolic link.
void Journal::open() {
  const std::filesystem::path target = link_target(path_);
  if (const auto folder = Folder::open(target.parent_path()))
    descriptor_ = folder->open_file(target.filename().string(), O_RDWR | O_CREAT | O_APPEND);
  if (descriptor_ >= 0) return;
  if (errno == EINVAL) fail(" is not a regular file", "name another one");
  fail_to("opened");
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Journal::read(const std::string& text, const std::string& description) {
  const std::size_t first = text.find('\n');
  const std::string begin_of_own = "{\"" + std::string(kind_.job) + "\":";
  if (text.empty() || (first == std::string::npos && text.starts_with(begin_of_own) && description.starts_with(text))) {
    if (descriptor_ < 0) return;
    if (::ftruncate(descriptor_, 0) != 0) fail_to("written");
    return write(description + "\n");
  }
  const std::string head = text.substr(0, first);
  if (head != description) {
    const auto json = nlohmann::json::parse(head, nullptr, false);
    if (!json.is_object() || !json.contains(kind_.job))
      fail(" is not the journal of a " + std::string(kind_.job), "name a file that does not exist yet");
    fail(" belongs to another " + std::string(kind_.job) + ": '" + difference(head, description, kind_.job) +
             "' differs",
         "name another file");
  }
  std::size_t begin = first + 1, number = 2;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1, ++number) {
    const std::string where = ", line " + std::to_string(number);
    const auto row = parse_json(text.substr(begin, end - begin), kind_.job, path_.string() + where);
    if (!is_entry(row, kind_.least)) fail(where + " is not " + kind_.entry, "remove the line, or name another file");
    auto& numbers = known_[{row[0].get<std::size_t>(), row[1].get<std::size_t>()}];
    numbers.clear();
    for (std::size_t i = 2; i < row.size(); ++i)
      numbers.push_back(row[i].is_null() ? std::numeric_limits<double>::quiet_NaN() : row[i].get<double>());
  }
  if (descriptor_ >= 0 && begin < text.size() && ::ftruncate(descriptor_, static_cast<off_t>(begin)) != 0)
    fail_to("written");
}

const std::vector<double>* Journal::known(std::size_t i, std::size_t j) const {
  const auto found = known_.find({i, j});
  return found == known_.end() ? nullptr : &found->second;
}

void Journal::add(std::size_t i, std::size_t j, std::span<const double> numbers) {
  Json row = {i, j};
  for (const double number : numbers) row.push_back(std::isfinite(number) ? Json(number) : Json());
  write(row.dump() + "\n");
}

void Journal::write(const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(descriptor_, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_to("written");
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace stratoscope
