import { expect, test } from "vitest";
import { applyEnvironment } from "./environment.ts";
import { configSchema } from "./schema.ts";

/** The providers of these variables and this file, as the schema leaves them. */
function providers(environment: Record<string, string>, file: Record<string, unknown> = {}) {
  const values = applyEnvironment({ gateway: { providers: file } }, environment, ["gateway"]).values;
  return configSchema.parse(values).gateway.providers;
}

const oneVariable = [
  ["OPENAI_API_KEY", "openai", "openai", "https://api.openai.com/v1"],
  ["ANTHROPIC_API_KEY", "anthropic", "anthropic", "https://api.anthropic.com"],
  ["GEMINI_API_KEY", "gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta"],
  ["GOOGLE_API_KEY", "gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta"],
  ["VERTEX_CREDENTIALS", "google-vertex", "vertex", "https://aiplatform.googleapis.com"],
  ["AWS_BEARER_TOKEN_BEDROCK", "bedrock", "bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com"],
  ["COHERE_API_KEY", "cohere", "cohere", "https://api.cohere.com"],
  ["OPENROUTER_API_KEY", "openrouter", "openai", "https://openrouter.ai/api/v1"],
  ["GROQ_API_KEY", "groq", "openai", "https://api.groq.com/openai/v1"],
  ["MISTRAL_API_KEY", "mistral", "openai", "https://api.mistral.ai/v1"],
  ["PERPLEXITY_API_KEY", "perplexity", "openai", "https://api.perplexity.ai"],
  ["TOGETHER_API_KEY", "together", "openai", "https://api.together.xyz/v1"],
  ["FIREWORKS_API_KEY", "fireworks", "openai", "https://api.fireworks.ai/inference/v1"],
  ["DEEPINFRA_API_KEY", "deepinfra", "openai", "https://api.deepinfra.com/v1/openai"],
  ["FEATHERLESS_API_KEY", "featherless", "openai", "https://api.featherless.ai/v1"],
  ["CEREBRAS_API_KEY", "cerebras", "openai", "https://api.cerebras.ai/v1"],
  ["XAI_API_KEY", "xai", "openai", "https://api.x.ai/v1"],
  ["NOVITA_API_KEY", "novita", "openai", "https://api.novita.ai/v3/openai"],
  ["DASHSCOPE_API_KEY", "alibaba", "openai", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"],
  ["ZAI_API_KEY", "zai", "openai", "https://api.z.ai/api/paas/v4"],
  ["DEEPSEEK_API_KEY", "deepseek", "openai", "https://api.deepseek.com/v1"],
  ["MOONSHOT_API_KEY", "moonshot", "openai", "https://api.moonshot.ai/v1"],
  ["MINIMAX_API_KEY", "minimax", "openai", "https://api.minimax.io/v1"],
  ["XIAOMI_API_KEY", "xiaomi", "openai", "https://api.xiaomimimo.com/v1"],
  ["META_API_KEY", "meta", "openai", "https://api.meta.ai/v1"],
  ["FAL_KEY", "fal", "fal", "https://fal.run"],
  ["OLLAMA_API_KEY", "ollama", "openai", "https://ollama.com/v1"],
] as const;

test.each(oneVariable)("%s switches on %s", (variable, name, type, baseUrl) => {
  expect(providers({ [variable]: "k" })).toMatchObject({ [name]: { type, baseUrl, apiKey: "k" } });
});

test("Azure and vLLM need their address, which is each installation's own", () => {
  expect(providers({ AZURE_OPENAI_API_KEY: "k", VLLM_API_KEY: "k" })).toEqual({});
  const found = providers({
    AZURE_OPENAI_API_KEY: "k",
    AZURE_OPENAI_ENDPOINT: "https://us.openai.azure.com/",
    AZURE_OPENAI_API_VERSION: "2024-10-21",
    VLLM_BASE_URL: "http://gpu:8001/v1",
    OLLAMA_BASE_URL: "http://127.0.0.1:11434",
  });
  expect(found["azure"]).toMatchObject({
    type: "azure",
    baseUrl: "https://us.openai.azure.com",
    apiVersion: "2024-10-21",
  });
  expect(found["vllm"]).toMatchObject({ type: "openai", baseUrl: "http://gpu:8001/v1" });
  expect(found["ollama"]).toMatchObject({ baseUrl: "http://127.0.0.1:11434" });
});

test("AWS and Google keys that are there for other purposes switch nothing on", () => {
  const aws = { AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1" };
  expect(providers({ ...aws, GOOGLE_APPLICATION_CREDENTIALS: "/key.json" })).toEqual({});
  const found = providers({
    ...aws,
    BEDROCK_REGION: "eu-central-1",
    AWS_SESSION_TOKEN: "t:t",
    GOOGLE_APPLICATION_CREDENTIALS: "/key.json",
    VERTEX_PROJECT: "p",
    VERTEX_LOCATION: "europe-west4",
  });
  expect(found["bedrock"]).toMatchObject({
    apiKey: "AKIAIOSFODNN7EXAMPLE:s:t:t",
    region: "eu-central-1",
    baseUrl: "https://bedrock-runtime.eu-central-1.amazonaws.com",
  });
  expect(found["google-vertex"]).toMatchObject({
    apiKey: "/key.json",
    project: "p",
    region: "europe-west4",
    baseUrl: "https://europe-west4-aiplatform.googleapis.com",
  });
});

test("the file's providers take type and address from the table, by name or by type", () => {
  const found = providers(
    {},
    {
      mistral: { apiKey: "k" },
      aws: { type: "bedrock", region: "ap-south-1", apiKey: "k" },
      own: { baseUrl: "http://10.0.0.5:9000/v1" },
      anthropic: { baseUrl: "https://proxy.example.com" },
    },
  );
  expect(found["mistral"]).toMatchObject({ type: "openai", baseUrl: "https://api.mistral.ai/v1" });
  expect(found["aws"]).toMatchObject({ baseUrl: "https://bedrock-runtime.ap-south-1.amazonaws.com" });
  expect(found["own"]).toMatchObject({ type: "openai", baseUrl: "http://10.0.0.5:9000/v1" });
  expect(found["anthropic"]).toMatchObject({ type: "anthropic", baseUrl: "https://proxy.example.com" });
  expect(() => providers({}, { unknown: { apiKey: "k" } })).toThrow();
  expect(() => providers({}, { own: { baseUrl: "http://" } })).toThrow(/no address/);
});

test.each(["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0", "2852039166", "[fe80::1]", "100.100.100.200"])(
  "a base URL at %s is a mistake in the file, whatever is allowed",
  (host) => {
    expect(() => providers({}, { own: { baseUrl: `http://${host}/v1`, allowPrivate: true } })).toThrow(/never called/);
  },
);
