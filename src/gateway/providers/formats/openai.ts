import { type JsonObject, objectAt } from "../../json.ts";
import type { Credential } from "../credential.ts";
import type { Provider } from "../provider.ts";
import type { PlainCodec, Wire } from "../wire.ts";
import { readModelIds, readProblem } from "./problem.ts";

/** OpenAI's chat completions and what lies beside them, with each provider's quirks. */
export const openAiWire: Wire = {
  native: "openai",
  streamType: "text/event-stream",
  chatPath: (provider) => `${provider.basePath}${provider.quirks.chatPath ?? "/chat/completions"}`,
  finishChat,
  plain: plainAt,
  modelsPath: ({ basePath, quirks: { modelsPath } }) => {
    if (modelsPath?.startsWith("origin:")) return modelsPath.slice("origin:".length);
    return `${basePath}${modelsPath ?? "/models"}`;
  },
  readModelIds,
  authorize: bearer,
  readProblem,
};

/** Usage is always asked for in streams: without it neither cost nor limits would be right. */
export function finishChat(body: JsonObject, provider: Provider, model: string): readonly string[] {
  const { quirks } = provider;
  if (body["stream"] === true && quirks.streamUsage !== "always") {
    body["stream_options"] = { ...objectAt(body, "stream_options"), include_usage: true };
  }
  if (quirks.maxCompletionTokensFor?.test(model) && body["max_tokens"] !== undefined) {
    body["max_completion_tokens"] ??= body["max_tokens"];
    delete body["max_tokens"];
  }
  return quirks.adjustChat?.(body, model) ?? NONE;
}

const NONE: readonly string[] = [];

const codecs = new Map<string, PlainCodec>();

/** Every endpoint of OpenAI's is asked for at its path below the base URL; the provider's own 404 says that it is not there. */
function plainAt(path: string): PlainCodec {
  let codec = codecs.get(path);
  if (codec === undefined) {
    codec = {
      path: (provider) => `${provider.basePath}${provider.quirks.plainPaths?.[path] ?? path}`,
      encode: (body) => ({ body, dropped: [] }),
    };
    codecs.set(path, codec);
  }
  return codec;
}

/** The key as a bearer token; nothing where the server wants none. */
export function bearer(_provider: Provider, { secret }: Credential): Record<string, string> {
  return secret === undefined ? {} : { authorization: `Bearer ${secret}` };
}
