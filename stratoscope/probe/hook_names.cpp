#include "stratoscope/probe/hook_names.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "stratoscope/base/error.h"
#include "stratoscope/base/names.h"
#include "stratoscope/probe/foreign_names.h"
#include "stratoscope/probe/indices.h"
#include "stratoscope/probe/module_names.h"

namespace stratoscope {
namespace {

std::string range_of(std::size_t count) {
  return "0 to " + std::to_string(count - 1) + ", or -" + std::to_string(count) + " to -1";
}

// Removes "PREFIX" and a number from the front of `name`; nullopt if it begins otherwise.
std::optional<long> take_number(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  long number = 0;
  const char* begin = name.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
  if (error != std::errc() || end == begin) return std::nullopt;
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  return number;
}

std::size_t checked_index(long index, std::size_t count, const std::string& what) {
  const long size = static_cast<long>(count);
  if (index < -size || index >= size)
    throw Error("hook point", what + " " + std::to_string(index) + " is out of range",
                what + "s are " + range_of(count));
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

struct Shorthand {
  std::string_view path;
  Hook hook;
};

// The field's short names, which precede a block's number: resid_post.5. The first name of a point is the preferred
// one.
constexpr Shorthand kShorthands[] = {{"resid_pre", Hook::resid_pre},
                                     {"ln1_scale", Hook::ln1_scale},
                                     {"ln1_normalized", Hook::ln1_normalized},
                                     {"ln1_out", Hook::ln1_out},
                                     {"q", Hook::q},
                                     {"k", Hook::k},
                                     {"v", Hook::v},
                                     {"q_norm_scale", Hook::q_norm_scale},
                                     {"q_norm_normalized", Hook::q_norm_normalized},
                                     {"k_norm_scale", Hook::k_norm_scale},
                                     {"k_norm_normalized", Hook::k_norm_normalized},
                                     {"rot_q", Hook::rot_q},
                                     {"rot_k", Hook::rot_k},
                                     {"attn_scores", Hook::attn_scores},
                                     {"scores", Hook::attn_scores},
                                     {"pattern", Hook::pattern},
                                     {"z", Hook::z},
                                     {"result", Hook::result},
                                     {"ln1_post_scale", Hook::ln1_post_scale},
                                     {"ln1_post_normalized", Hook::ln1_post_normalized},
                                     {"attn_out", Hook::attn_out},
                                     {"resid_mid", Hook::resid_mid},
                                     {"ln2_scale", Hook::ln2_scale},
                                     {"ln2_normalized", Hook::ln2_normalized},
                                     {"ln2_out", Hook::ln2_out},
                                     {"mlp_pre", Hook::mlp_pre},
                                     {"pre", Hook::mlp_pre},
                                     {"mlp_pre_linear", Hook::mlp_pre_linear},
                                     {"pre_linear", Hook::mlp_pre_linear},
                                     {"mlp_post", Hook::mlp_post},
                                     {"post", Hook::mlp_post},
                                     {"ln2_post_scale", Hook::ln2_post_scale},
                                     {"ln2_post_normalized", Hook::ln2_post_normalized},
                                     {"mlp_out", Hook::mlp_out},
                                     {"resid_post", Hook::resid_post}};

// "resid_post.5", whether or not the model has it.
std::optional<HookPoint> find_shorthand(std::string_view name, const ModelConfig& config) {
  for (const auto& [path, hook] : kShorthands) {
    auto rest = name;
    const auto block = take_number(rest, std::string(path) + ".");
    if (block && rest.empty()) return HookPoint{hook, checked_index(*block, config.n_layers(), "block")};
  }
  return std::nullopt;
}

// "L5H3", "L5H3.pattern"
std::optional<HookMatch> find_head(std::string_view name, const ModelConfig& config) {
  auto rest = name;
  const auto block = take_number(rest, "L");
  const auto head = block ? take_number(rest, "H") : std::nullopt;
  if (!head) return std::nullopt;
  for (const auto& [path, hook] : kShorthands) {
    const bool is_it = rest.empty() ? hook == Hook::z : rest.substr(0, 1) == "." && rest.substr(1) == path;
    if (!is_it || !info_of(hook).has_axis(HookAxis::head)) continue;
    const HookPoint point{hook, checked_index(*block, config.n_layers(), "block")};
    if (!exists(point, config) || !has_axis(point, HookAxis::head, config)) continue;
    const AttentionSpec& attention = config.blocks[point.layer].attention;
    const std::size_t index = checked_index(*head, attention.heads, "head");
    // Keys and values: the head that this query head reads.
    const bool is_shared = heads_of(point, config) < attention.heads;
    return HookMatch{{point}, std::vector{is_shared ? attention.key_head_of(index) : index}};
  }
  throw Error("hook point", in_quotes(name) + " is not a value of one head",
              "after LxHy comes .q, .k, .v, .scores, .pattern, .z, .result or nothing, which is .z");
}

std::optional<HookPoint> find_alias(std::string_view name, const ModelConfig& config) {
  for (const auto& [path, hook] : model_modules(config))
    if (name == path) return HookPoint{hook, 0};
  if (auto rest = name; const auto entry = take_number(rest, "hidden_states.")) {
    if (!rest.empty()) return std::nullopt;
    const std::size_t index = checked_index(*entry, config.n_hidden_states(), "hidden state");
    return index < config.n_layers() ? HookPoint{Hook::resid_pre, index} : HookPoint{Hook::unembed_in, 0};
  }
  if (auto rest = name; const auto block = take_number(rest, before_block_number(config))) {
    const std::size_t layer = checked_index(*block, config.n_layers(), "block");
    for (const auto& [path, hook] : block_modules(config.blocks[layer], config.tensors))
      if (rest == path) return HookPoint{hook, layer};
  }
  return std::nullopt;
}

// "blocks.-1.hook_z" to "blocks.11.hook_z"; throws for a block out of range.
std::string with_checked_block(std::string_view name, const ModelConfig& config) {
  auto rest = name;
  const auto block = take_number(rest, "blocks.");
  if (!block) return std::string(name);
  return "blocks." + std::to_string(checked_index(*block, config.n_layers(), "block")) + std::string(rest);
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// A hint with similar names: the whole name, or a point whose last part is similar to or contains the name
// ("blocks.0.hook_q", "resid_post").
std::string nearest_to(const std::string& name, const ModelConfig& config) {
  std::vector<std::string> names, parts;
  for (const HookPoint point : all_hook_points(config)) names.push_back(name_of(point));
  if (std::string near = did_you_mean(name, names); !near.empty()) return near;
  std::string_view rest = name;
  const auto block = take_number(rest, "blocks.");
  const std::string prefix = "blocks." + std::to_string(block.value_or(0)) + ".";
  std::erase_if(names,
                [&](const std::string& known) { return known.starts_with("blocks.") && !known.starts_with(prefix); });
  for (const std::string& known : names) parts.push_back(last_part(known));
  const std::string part = last_part(name);
  const auto near = nearest_names(part, parts, 1);
  for (std::size_t i = 0; i < names.size(); ++i)
    if ((!near.empty() && parts[i] == near[0]) || (part.size() > 3 && parts[i].find(part) != std::string::npos))
      return "did you mean '" + names[i] + "'?";
  return "'stratoscope info' lists them all";
}

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

std::size_t count_for(std::string_view beginning, const ModelConfig& config, std::string& what) {
  what = beginning.ends_with('H') ? "head" : beginning == "hidden_states." ? "hidden state" : "block";
  return what == "head" ? config.n_heads() : what == "block" ? config.n_layers() : config.n_hidden_states();
}

// The names that a name with lists stands for: one for each block and head.
std::vector<std::string> without_lists(const std::string& name, const ModelConfig& config) {
  const std::size_t open = name.find('[');
  if (open == std::string::npos) return {name};
  const std::size_t close = name.find(']', open);
  const std::string beginning = name.substr(0, open);
  if (close == std::string::npos || !takes_index_list(beginning)) {
    const std::string foreign = foreign_name_hint(name, config);
    throw Error("hook point", in_quotes(name) + " has a bracket that is not a list of blocks",
                foreign.empty() ? "a list replaces a number: blocks.[8..11].hook_mlp_out" : foreign);
  }
  std::string what;
  const std::size_t count = count_for(beginning, config, what);
  std::vector<std::string> names;
  for (const std::size_t index : parse_index_set(name.substr(open + 1, close - open - 1), count, what))
    for (std::string& each : without_lists(beginning + std::to_string(index) + name.substr(close + 1), config))
      names.push_back(std::move(each));
  return names;
}

HookMatch match_glob(const std::string& pattern, const ModelConfig& config) {
  HookMatch match{.points = {}, .is_glob = true};
  const std::string glob = with_checked_block(pattern, config);
  const auto is_match = [&](const std::string& name) {
    return ::fnmatch(glob.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
  };
  for (const HookPoint point : all_hook_points(config)) {
    const auto names = spellings_of(point, config);
    if (std::any_of(names.begin(), names.end(), is_match)) match.points.push_back(point);
  }
  if (match.points.empty())
    throw Error("hook point", "the glob " + in_quotes(pattern) + " matches no hook point",
                "'stratoscope info' lists them all");
  return match;
}

// TransformerLens uses the names ln1 and ln2 also for norms after the branches.
std::string with_norms_after_branches(std::string name) {
  for (const auto& [theirs, ours] : {std::pair(".ln1.", ".ln1_post."), std::pair(".ln2.", ".ln2_post.")})
    if (const std::size_t at = name.find(theirs); at != std::string::npos) return name.replace(at, 5, ours);
  return name;
}

// For a name without lists.
HookMatch match_one(const std::string& pattern, const ModelConfig& config) {
  if (has_wildcard(pattern)) return match_glob(pattern, config);
  if (auto head = find_head(pattern, config)) return *head;
  if (const auto alias = find_alias(pattern, config)) return {{*alias}};
  const std::string name = with_checked_block(pattern, config);
  const auto shorthand = find_shorthand(pattern, config);
  if (const auto known = shorthand ? shorthand : hook_point_of_any_model(name)) {
    if (exists(*known, config)) return {{*known}};
    if (const auto point = find_hook_point(with_norms_after_branches(name_of(*known)), config)) return {{*point}};
    throw Error("hook point",
                name_of(*known) + " does not exist in this " + config.title + ": " + why_missing(*known, config),
                "'stratoscope info' lists those that do");
  }
  const std::string foreign = foreign_name_hint(pattern, config);
  throw Error("hook point", "there is no " + in_quotes(pattern), foreign.empty() ? nearest_to(name, config) : foreign);
}

}  // namespace

std::vector<std::string> spellings_of(HookPoint point, const ModelConfig& config) {
  std::vector<std::string> names = {name_of(point)};
  for (const auto& [path, hook] : model_modules(config))
    if (point == HookPoint{hook, 0}) names.push_back(path);
  if (info_of(point.hook).scope == Scope::block)
    for (const auto& [path, hook] : block_modules(config.blocks[point.layer], config.tensors))
      if (point.hook == hook) names.push_back(before_block_number(config) + std::to_string(point.layer) + path);
  if (point.hook == Hook::resid_pre) names.push_back("hidden_states." + std::to_string(point.layer));
  if (point.hook == Hook::unembed_in) names.push_back("hidden_states." + std::to_string(config.n_layers()));
  for (const auto& [path, hook] : kShorthands)
    if (point.hook == hook) names.push_back(std::string(path) + "." + std::to_string(point.layer));
  return names;
}

std::vector<HookPoint> match_hook_points(std::string_view pattern, const ModelConfig& config) {
  return match_hook(pattern, config).points;
}

std::string in_all_blocks(std::string_view name) {
  std::vector<std::string> hooks;
  for (const HookInfo& info : hook_table()) {
    if (info.scope != Scope::block) continue;
    if (info.name == name) return "blocks.*." + std::string(name);
    if (last_part(std::string(info.name)) == name) hooks.emplace_back(info.name);
  }
  if (hooks.size() > 1)
    throw Error("hook point", in_quotes(name) + " is the name of several hooks",
                "name one of them, as in '" + hooks[0] + "' or '" + hooks[1] + "'");
  return hooks.empty() ? std::string(name) : "blocks.*." + hooks[0];
}

bool takes_index_list(std::string_view beginning) {
  if (beginning.ends_with('.')) return true;
  if (!beginning.starts_with('L')) return false;
  return beginning == "L" || beginning.ends_with('H');
}

// A list of heads means the same heads in every block, so that hook points and heads combine independently.
HookMatch match_hook(std::string_view pattern, const ModelConfig& config) {
  const std::vector<std::string> names = without_lists(std::string(pattern), config);
  HookMatch match = match_one(names[0], config);
  if (pattern.find('[') == std::string_view::npos) return match;
  for (std::size_t i = 1; i < names.size(); ++i) {
    const HookMatch other = match_one(names[i], config);
    match.points.insert(match.points.end(), other.points.begin(), other.points.end());
    if (match.heads && other.heads) match.heads->push_back(other.heads->front());
  }
  const std::set<HookPoint> chosen(match.points.begin(), match.points.end());
  match.points.clear();
  for (const HookPoint point : all_hook_points(config))
    if (chosen.contains(point)) match.points.push_back(point);
  if (match.heads) {
    std::sort(match.heads->begin(), match.heads->end());
    match.heads->erase(std::unique(match.heads->begin(), match.heads->end()), match.heads->end());
  }
  match.is_glob = true;
  return match;
}

}  // namespace stratoscope
