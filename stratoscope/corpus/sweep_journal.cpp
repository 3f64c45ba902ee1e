#include "stratoscope/corpus/sweep_journal.h"

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

double number_of(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Json json_of(double number) { return std::isfinite(number) ? Json(number) : Json(); }

// The first key in which the two descriptions differ.
std::string difference(const std::string& a, const std::string& b) {
  const Json left = parse_ordered_json(a, "sweep", "journal"), right = parse_ordered_json(b, "sweep", "sweep");
  for (const auto& [key, value] : right.items())
    if (!left.contains(key) || left[key] != value) return key;
  return "something";
}

}  // namespace

SweepJournal::SweepJournal(std::filesystem::path path, const std::string& description, Use use)
    : path_(std::move(path)) {
  constexpr std::size_t kLargest = std::size_t{1} << 30;
  if (use == Use::read) {
    if (std::filesystem::exists(path_)) read(read_text_file(path_, kLargest), description);
    return;
  }
  open();
  try {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw Error("sweep", path_.string() + " is in use by another sweep", "wait for it, or name another file");
    read(read_text_file(descriptor_, path_, kLargest), description);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

// Resolves a symbolic link.
void SweepJournal::open() {
  const std::filesystem::path target = link_target(path_);
  if (const auto folder = Folder::open(target.parent_path()))
    descriptor_ = folder->open_file(target.filename().string(), O_RDWR | O_CREAT | O_APPEND);
  if (descriptor_ >= 0) return;
  if (errno == EINVAL) throw Error("sweep", path_.string() + " is not a regular file", "name another one");
  throw Error("sweep", path_.string() + " cannot be opened: " + std::strerror(errno));
}

SweepJournal::~SweepJournal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SweepJournal::read(const std::string& text, const std::string& description) {
  const std::size_t first = text.find('\n');
  constexpr std::string_view kBegin = "{\"sweep\":";
  if (text.empty() || (first == std::string::npos && text.starts_with(kBegin) && description.starts_with(text))) {
    if (descriptor_ < 0) return;
    if (::ftruncate(descriptor_, 0) != 0)
      throw Error("sweep", path_.string() + " cannot be written: " + std::strerror(errno));
    return write(description + "\n");
  }
  const std::string head = text.substr(0, first);
  if (head != description) {
    const auto json = nlohmann::json::parse(head, nullptr, false);
    if (!json.is_object() || !json.contains("sweep"))
      throw Error("sweep", path_.string() + " is not the journal of a sweep", "name a file that does not exist yet");
    throw Error("sweep", path_.string() + " belongs to another sweep: '" + difference(head, description) + "' differs",
                "name another file");
  }
  std::size_t begin = first + 1, number = 2;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1, ++number) {
    const std::string where = path_.string() + ", line " + std::to_string(number);
    const auto row = parse_json(text.substr(begin, end - begin), "sweep", where);
    const auto is_number = [](const auto& value) { return value.is_number() || value.is_null(); };
    if (!row.is_array() || row.size() < 5 || !row[0].is_number_unsigned() || !row[1].is_number_unsigned() ||
        !std::all_of(row.begin() + 2, row.end(), is_number))
      throw Error("sweep", where + " is not a grid point", "remove the line, or name another file");
    GridValue result{number_of(row[2]), {number_of(row[3]), number_of(row[4])}, {}};
    for (std::size_t i = 5; i < row.size(); ++i) result.also.push_back(number_of(row[i]));
    known_[{row[0].get<std::size_t>(), row[1].get<std::size_t>()}] = std::move(result);
  }
  if (descriptor_ >= 0 && begin < text.size() && ::ftruncate(descriptor_, static_cast<off_t>(begin)) != 0)
    throw Error("sweep", path_.string() + " cannot be written: " + std::strerror(errno));
}

std::optional<GridValue> SweepJournal::known(std::size_t prompt, std::size_t point) const {
  const auto found = known_.find({prompt, point});
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

void SweepJournal::add(std::size_t prompt, std::size_t point, const GridValue& result) {
  Json row = {prompt, point, json_of(result.value), json_of(result.effect.kl), json_of(result.effect.max_change)};
  for (const double value : result.also) row.push_back(json_of(value));
  write(row.dump() + "\n");
}

void SweepJournal::write(const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = ::write(descriptor_, line.data() + done, line.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error("sweep", path_.string() + " cannot be written: " + std::strerror(errno));
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace stratoscope
