#include "stratoscope/families/refused.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace stratoscope {
namespace {

struct KnownKind {
  RefusedKind kind;
  std::span<const std::string_view> parts;  // one of them is a part of the model_type
};

constexpr std::string_view kExperts[] = {"moe",    "mixtral", "deepseek_v", "dbrx",       "gpt_oss",
                                         "llama4", "arctic",  "grok",       "qwen3_next", "switch"};
constexpr std::string_view kRecurrent[] = {"mamba", "rwkv",  "xlstm",     "bamba",
                                           "zamba", "jamba", "recurrent", "falcon_h1"};
constexpr std::string_view kEncoders[] = {"bert", "electra", "mpnet", "xlnet", "xlm", "esm", "canine", "luke"};
constexpr std::string_view kEncoderDecoders[] = {"t5",      "bart",    "pegasus",    "marian",
                                                 "m2m_100", "whisper", "blenderbot", "prophetnet"};
constexpr std::string_view kVision[] = {"_vl",     "internvl", "llava",    "vision",  "clip",
                                        "vit",     "pali",     "mllama",   "idefics", "pixtral",
                                        "gemma3n", "mistral3", "florence", "omni",    "fuyu"};
constexpr std::string_view kCohere2[] = {"cohere2"};
constexpr std::string_view kOlmo3[] = {"olmo3"};

// The first match counts.
constexpr KnownKind kKinds[] = {
    {{"mixture of experts", "a dense model of the same makers is implemented, in most cases"}, kExperts},
    {{"recurrence", "models with attention only are implemented"}, kRecurrent},
    {{"a bidirectional encoder", "decoders are implemented: they predict the next token"}, kEncoders},
    {{"an encoder-decoder", "decoders without an encoder are implemented"}, kEncoderDecoders},
    {{"a model of images or sound", "models of text are implemented, and the text part of gemma3"}, kVision},
    {{"Cohere 2", "cohere is implemented"}, kCohere2},
    {{"OLMo 3", "olmo and olmo2 are implemented"}, kOlmo3},
};

}  // namespace

std::optional<RefusedKind> refused_kind(std::string_view model_type) {
  const auto found = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KnownKind& known) {
    return std::any_of(known.parts.begin(), known.parts.end(),
                       [&](std::string_view part) { return model_type.find(part) != std::string_view::npos; });
  });
  if (found == std::end(kKinds)) return std::nullopt;
  return found->kind;
}

}  // namespace stratoscope
