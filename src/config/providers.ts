import type { ProviderType } from "./provider-schema.ts";

type Fields = "project" | "region" | "apiVersion";

/** A provider that is switched on by its usual environment key. Base URLs: contract, "Providers". */
export interface KnownProvider {
  readonly name: string;
  readonly type: ProviderType;
  readonly apiKeyVariables: readonly string[];
  /** Variables that together are the key, joined by colons; the last may be missing. */
  readonly joinedKeyVariables?: readonly string[];
  /** Undefined where it is each installation's own: its variable then switches the provider on. */
  readonly baseUrl: string | ((region: string | undefined) => string) | undefined;
  readonly baseUrlVariable: string;
  /** One of these must be set, too, because the key is often there for other purposes. */
  readonly needsOneOf?: readonly string[];
  /** Further fields of the provider by variable; the first that is set counts. */
  readonly fields?: Readonly<Partial<Record<Fields, readonly string[]>>>;
}

/** A provider of OpenAI's format with one key. */
function openai(name: string, baseUrl: string, ...apiKeyVariables: readonly string[]): KnownProvider {
  return { name, type: "openai", apiKeyVariables, baseUrl, baseUrlVariable: baseUrlVariableOf(name) };
}

function baseUrlVariableOf(name: string): string {
  return `${name.toUpperCase().replaceAll("-", "_")}_BASE_URL`;
}

const bedrockUrl = (region = "us-east-1"): string => `https://bedrock-runtime.${region}.amazonaws.com`;
const vertexUrl = (region = "global"): string =>
  region === "global" ? "https://aiplatform.googleapis.com" : `https://${region}-aiplatform.googleapis.com`;

export const KNOWN_PROVIDERS: readonly KnownProvider[] = [
  openai("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
  {
    name: "anthropic",
    type: "anthropic",
    apiKeyVariables: ["ANTHROPIC_API_KEY"],
    baseUrl: "https://api.anthropic.com",
    baseUrlVariable: "ANTHROPIC_BASE_URL",
  },
  {
    name: "gemini",
    type: "gemini",
    apiKeyVariables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    baseUrlVariable: "GEMINI_BASE_URL",
  },
  {
    name: "google-vertex",
    type: "vertex",
    apiKeyVariables: ["VERTEX_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"],
    needsOneOf: ["VERTEX_CREDENTIALS", "VERTEX_PROJECT", "GOOGLE_VERTEX_PROJECT"],
    baseUrl: vertexUrl,
    baseUrlVariable: "VERTEX_BASE_URL",
    fields: {
      project: ["VERTEX_PROJECT", "GOOGLE_VERTEX_PROJECT"],
      region: ["VERTEX_LOCATION", "GOOGLE_VERTEX_LOCATION"],
    },
  },
  {
    name: "bedrock",
    type: "bedrock",
    apiKeyVariables: ["AWS_BEARER_TOKEN_BEDROCK"],
    joinedKeyVariables: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
    needsOneOf: ["AWS_BEARER_TOKEN_BEDROCK", "BEDROCK_REGION"],
    baseUrl: bedrockUrl,
    baseUrlVariable: "BEDROCK_BASE_URL",
    fields: { region: ["BEDROCK_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"] },
  },
  {
    name: "azure",
    type: "azure",
    apiKeyVariables: ["AZURE_OPENAI_API_KEY"],
    needsOneOf: ["AZURE_OPENAI_ENDPOINT"],
    baseUrl: undefined,
    baseUrlVariable: "AZURE_OPENAI_ENDPOINT",
    fields: { apiVersion: ["AZURE_OPENAI_API_VERSION"] },
  },
  {
    name: "cohere",
    type: "cohere",
    apiKeyVariables: ["COHERE_API_KEY", "CO_API_KEY"],
    baseUrl: "https://api.cohere.com",
    baseUrlVariable: "COHERE_BASE_URL",
  },
  openai("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
  openai("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
  openai("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
  openai("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "PPLX_API_KEY"),
  openai("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
  openai("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
  openai("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
  openai("featherless", "https://api.featherless.ai/v1", "FEATHERLESS_API_KEY"),
  openai("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
  openai("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
  openai("novita", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
  {
    ...openai(
      "alibaba",
      "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
      "DASHSCOPE_API_KEY",
      "ALIBABA_API_KEY",
    ),
    baseUrlVariable: "DASHSCOPE_BASE_URL",
  },
  openai("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
  openai("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
  openai("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
  openai("minimax", "https://api.minimax.io/v1", "MINIMAX_API_KEY"),
  openai("xiaomi", "https://api.xiaomimimo.com/v1", "XIAOMI_API_KEY"),
  openai("meta", "https://api.meta.ai/v1", "META_API_KEY", "LLAMA_API_KEY"),
  {
    name: "fal",
    type: "fal",
    apiKeyVariables: ["FAL_KEY", "FAL_API_KEY"],
    baseUrl: "https://fal.run",
    baseUrlVariable: "FAL_BASE_URL",
  },
  // Ollama's cloud; an address of one's own (`http://127.0.0.1:11434/v1`) needs no key.
  openai("ollama", "https://ollama.com/v1", "OLLAMA_API_KEY"),
  { ...openai("vllm", "", "VLLM_API_KEY"), baseUrl: undefined, needsOneOf: ["VLLM_BASE_URL"] },
];

/** A provider that the environment switches on. */
export interface ProviderFromEnvironment {
  readonly name: string;
  /** Field of the provider's configuration → its value and the variable that it came from. */
  readonly fields: readonly (readonly [field: string, value: string, variable: string])[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The providers whose variables are set; empty variables count as unset. */
export function providersFromEnvironment(environment: Environment): ProviderFromEnvironment[] {
  const found: ProviderFromEnvironment[] = [];
  for (const known of KNOWN_PROVIDERS) {
    const key = keyOf(known, environment);
    const ownUrl = environment[known.baseUrlVariable] || undefined;
    const needed = known.needsOneOf === undefined || known.needsOneOf.some((name) => environment[name]);
    // A server of one's own (vLLM, Ollama, …) often wants no key: its address is enough.
    if ((key === undefined || !needed) && ownUrl === undefined) continue;
    const variable = key?.variable ?? known.baseUrlVariable;
    const fields: [string, string, string][] = [["type", known.type, variable]];
    if (key !== undefined) fields.push(["apiKey", key.value, key.variable]);
    for (const [field, variables] of Object.entries(known.fields ?? {})) {
      const set = variables.find((name) => environment[name]);
      if (set !== undefined) fields.push([field, environment[set]!, set]);
    }
    const region = fields.find(([field]) => field === "region")?.[1];
    const url = ownUrl ?? (typeof known.baseUrl === "function" ? known.baseUrl(region) : known.baseUrl);
    if (url !== undefined) fields.push(["baseUrl", url, ownUrl === undefined ? variable : known.baseUrlVariable]);
    found.push({ name: known.name, fields });
  }
  return found;
}

function keyOf(known: KnownProvider, environment: Environment): { value: string; variable: string } | undefined {
  const variable = known.apiKeyVariables.find((name) => environment[name]);
  if (variable !== undefined) return { value: environment[variable]!, variable };
  const [first, ...rest] = known.joinedKeyVariables ?? [];
  if (first === undefined || !environment[first] || !environment[rest[0]!]) return undefined;
  const parts = [first, ...rest].map((name) => environment[name]).filter(Boolean);
  return { value: parts.join(":"), variable: first };
}

/** What a provider of the file is when it does not say: by its name in the table, else by its type. */
export function providerDefaults(
  name: string,
  given: Readonly<Record<string, unknown>>,
): { readonly type?: ProviderType; readonly baseUrl?: string } {
  const known =
    KNOWN_PROVIDERS.find((one) => one.name === name) ??
    KNOWN_PROVIDERS.find((one) => one.type === given["type"] && one.type !== "openai" && one.type !== "anthropic");
  if (known === undefined) return {};
  const type = (given["type"] as ProviderType | undefined) ?? known.type;
  if (type !== known.type || given["baseUrl"] !== undefined) return { type };
  const region = typeof given["region"] === "string" ? given["region"] : undefined;
  const baseUrl = typeof known.baseUrl === "function" ? known.baseUrl(region) : known.baseUrl;
  return baseUrl === undefined ? { type } : { type, baseUrl };
}
