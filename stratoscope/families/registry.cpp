#include "stratoscope/families/registry.h"

namespace stratoscope {

std::span<const Family> families() {
  static constexpr Family kFamilies[] = {
      {"gpt2", "GPT-2", gpt2},
      {"bloom", "BLOOM", bloom},
      {"cohere", "Cohere", cohere},
      {"gemma", "Gemma", gemma},
      {"gemma2", "Gemma 2", gemma2},
      {"gemma3", "Gemma 3", gemma3},
      {"gemma3_text", "Gemma 3", gemma3_text},
      {"gpt_neo", "GPT-Neo", gpt_neo},
      {"gpt_neox", "GPT-NeoX", gpt_neox},
      {"gptj", "GPT-J", gptj},
      {"granite", "Granite", granite},
      {"llama", "Llama", llama},
      {"mistral", "Mistral", mistral},
      {"olmo", "OLMo", olmo},
      {"olmo2", "OLMo 2", olmo2},
      {"opt", "OPT", opt},
      {"phi", "Phi", phi},
      {"phi3", "Phi-3", phi3},
      {"qwen2", "Qwen2", qwen2},
      {"qwen3", "Qwen3", qwen3},
      {"smollm3", "SmolLM3", smollm3},
      {"stablelm", "StableLM", stablelm},
  };
  return kFamilies;
}

}  // namespace stratoscope
