import type { Provider } from "../provider.ts";
import type { Wire } from "../wire.ts";
import { anthropicWire } from "./anthropic.ts";
import { vertexEmbeddings } from "./gemini/embeddings.ts";
import { readGoogleProblem, readTotalTokens } from "./gemini/problem.ts";
import { geminiWire } from "./gemini.ts";
import { finishChat, openAiWire } from "./openai.ts";
import { readProblem } from "./problem.ts";
import { googleAuthorization, projectOf } from "./vertex/token.ts";

const ANTHROPIC_VERSION = "vertex-2023-10-16";
const LOCATION_DEFAULT = "global";

/** `/v1/projects/…/locations/…`; an API key ("express mode") has neither. */
function root(provider: Provider): string {
  const version = provider.basePath === "" ? "/v1" : provider.basePath;
  const project = provider.options.project ?? projectOf(provider.credentials[0]);
  if (project === undefined) return version;
  return `${version}/projects/${encodeURIComponent(project)}/locations/${provider.options.region ?? LOCATION_DEFAULT}`;
}

function modelPath(provider: Provider, publisher: string, model: string, method: string): string {
  const bare = model.startsWith(`${publisher}/`) ? model.slice(publisher.length + 1) : model;
  return `${root(provider)}/publishers/${publisher}/models/${encodeURIComponent(bare)}:${method}`;
}

const common: Pick<Wire, "modelsPath" | "readModelIds" | "authorize"> = {
  // Vertex lists models only page by page and project by project; they come from the configuration or on trust.
  modelsPath: () => undefined,
  readModelIds: () => undefined,
  authorize: (_provider, credential) => googleAuthorization(credential),
};

const embeddings = vertexEmbeddings((provider, model) => modelPath(provider, "google", model, "predict"));

/** Google's own models. */
const google: Wire = {
  ...geminiWire,
  ...common,
  chatPath: (provider, model, stream) =>
    modelPath(provider, "google", model, stream ? "streamGenerateContent?alt=sse" : "generateContent"),
  plain: (path) => (path === "/embeddings" ? embeddings : undefined),
  countTokens: {
    path: (provider, model) => modelPath(provider, "google", model, "countTokens"),
    encode(body, provider, model) {
      const request = geminiWire.countTokens!.encode(body, provider, model)["generateContentRequest"];
      const { model: _model, ...rest } = request as Record<string, unknown>;
      return rest;
    },
    decode: readTotalTokens,
  },
  readProblem: readGoogleProblem,
};

/** Claude: Anthropic's format, the model in the path and the version in the body. */
const claude: Wire = {
  ...anthropicWire,
  ...common,
  chatPath: (provider, model, stream) =>
    modelPath(provider, "anthropic", model, stream ? "streamRawPredict" : "rawPredict"),
  finishChat(body) {
    delete body["model"];
    body["anthropic_version"] = ANTHROPIC_VERSION;
    return [];
  },
  countTokens: {
    path: (provider) => modelPath(provider, "anthropic", "count-tokens", "rawPredict"),
    encode: (body) => ({ ...body, anthropic_version: ANTHROPIC_VERSION }),
    decode: anthropicWire.countTokens!.decode,
  },
  readProblem: (status, headers, text) =>
    text.includes('"type":"error"') ? readProblem(status, headers, text) : readGoogleProblem(status, headers, text),
};

/** Models of others (`meta/…`, `mistralai/…`, `qwen/…`): OpenAI's format. */
const others: Wire = {
  ...openAiWire,
  ...common,
  chatPath: (provider) => `${root(provider)}/endpoints/openapi/chat/completions`,
  finishChat,
  plain: () => undefined,
  readProblem: readGoogleProblem,
};

/** Google Cloud's Vertex AI, by the maker of the model. */
export function vertexWire(model: string): Wire {
  if (/^(anthropic\/|claude-)/.test(model)) return claude;
  return model.includes("/") && !model.startsWith("google/") ? others : google;
}
