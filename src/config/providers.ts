/** A provider that is switched on by its usual environment key. Base URLs: contract, "Providers". */
export interface KnownProvider {
  readonly name: string;
  readonly type: "openai" | "anthropic";
  readonly apiKeyVariables: readonly string[];
  readonly baseUrl: string;
  readonly baseUrlVariable?: string;
}

export const KNOWN_PROVIDERS: readonly KnownProvider[] = [
  {
    name: "openai",
    type: "openai",
    apiKeyVariables: ["OPENAI_API_KEY"],
    baseUrl: "https://api.openai.com/v1",
    baseUrlVariable: "OPENAI_BASE_URL",
  },
  {
    name: "anthropic",
    type: "anthropic",
    apiKeyVariables: ["ANTHROPIC_API_KEY"],
    baseUrl: "https://api.anthropic.com",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
  },
  {
    name: "openrouter",
    type: "openai",
    apiKeyVariables: ["OPENROUTER_API_KEY"],
    baseUrl: "https://openrouter.ai/api/v1",
    baseUrlVariable: "OPENROUTER_BASE_URL",
  },
  {
    name: "groq",
    type: "openai",
    apiKeyVariables: ["GROQ_API_KEY"],
    baseUrl: "https://api.groq.com/openai/v1",
    baseUrlVariable: "GROQ_BASE_URL",
  },
  { name: "together", type: "openai", apiKeyVariables: ["TOGETHER_API_KEY"], baseUrl: "https://api.together.xyz/v1" },
  {
    name: "fireworks",
    type: "openai",
    apiKeyVariables: ["FIREWORKS_API_KEY"],
    baseUrl: "https://api.fireworks.ai/inference/v1",
  },
  {
    name: "deepinfra",
    type: "openai",
    apiKeyVariables: ["DEEPINFRA_API_KEY"],
    baseUrl: "https://api.deepinfra.com/v1/openai",
  },
  {
    name: "featherless",
    type: "openai",
    apiKeyVariables: ["FEATHERLESS_API_KEY"],
    baseUrl: "https://api.featherless.ai/v1",
  },
  { name: "cerebras", type: "openai", apiKeyVariables: ["CEREBRAS_API_KEY"], baseUrl: "https://api.cerebras.ai/v1" },
  { name: "xai", type: "openai", apiKeyVariables: ["XAI_API_KEY"], baseUrl: "https://api.x.ai/v1" },
  { name: "novita", type: "openai", apiKeyVariables: ["NOVITA_API_KEY"], baseUrl: "https://api.novita.ai/v3/openai" },
  {
    name: "alibaba",
    type: "openai",
    apiKeyVariables: ["DASHSCOPE_API_KEY", "ALIBABA_API_KEY"],
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    baseUrlVariable: "DASHSCOPE_BASE_URL",
  },
  { name: "zai", type: "openai", apiKeyVariables: ["ZAI_API_KEY"], baseUrl: "https://api.z.ai/api/paas/v4" },
  { name: "deepseek", type: "openai", apiKeyVariables: ["DEEPSEEK_API_KEY"], baseUrl: "https://api.deepseek.com/v1" },
  { name: "moonshot", type: "openai", apiKeyVariables: ["MOONSHOT_API_KEY"], baseUrl: "https://api.moonshot.ai/v1" },
  { name: "minimax", type: "openai", apiKeyVariables: ["MINIMAX_API_KEY"], baseUrl: "https://api.minimax.io/v1" },
  { name: "xiaomi", type: "openai", apiKeyVariables: ["XIAOMI_API_KEY"], baseUrl: "https://api.xiaomimimo.com/v1" },
  {
    name: "meta",
    type: "openai",
    apiKeyVariables: ["META_API_KEY", "LLAMA_API_KEY"],
    baseUrl: "https://api.meta.ai/v1",
  },
];
