import { messagesRequestToChat } from "../../translation/messages-request.ts";
import type { NativeFormat, Wire } from "../wire.ts";
import { geminiEmbeddings } from "./gemini/embeddings.ts";
import { readGeminiModelIds, readGoogleProblem, readTotalTokens } from "./gemini/problem.ts";
import { exposeGeminiFailure, GeminiSource, geminiCompletion } from "./gemini/reply.ts";
import { geminiRequest } from "./gemini/request.ts";

/** Gemini's format, wherever it is served. */
const geminiFormat: NativeFormat = {
  request: (chat, model, provider) => geminiRequest(chat, model, provider.name),
  source: (model) => new GeminiSource(model),
  completion: geminiCompletion,
};

/** The Gemini API (Google AI Studio): an API key, `models/…` below `/v1beta`. */
export const geminiWire: Wire = {
  native: undefined,
  format: geminiFormat,
  streamType: "text/event-stream",
  chatPath(provider, model, stream) {
    const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
    return `${provider.basePath}/models/${encodeURIComponent(model)}:${method}`;
  },
  finishChat: () => [],
  adjustReply: exposeGeminiFailure,
  plain: (path) => (path === "/embeddings" ? geminiEmbeddings : undefined),
  countTokens: {
    path: (provider, model) => `${provider.basePath}/models/${encodeURIComponent(model)}:countTokens`,
    encode(body, provider, model) {
      const chat = messagesRequestToChat(body, model, provider.name).body;
      const { contents, systemInstruction, tools } = geminiRequest(chat, model, provider.name).body;
      return { generateContentRequest: { model: `models/${model}`, contents, systemInstruction, tools } };
    },
    decode: readTotalTokens,
  },
  modelsPath: (provider) => `${provider.basePath}/models?pageSize=1000`,
  readModelIds: readGeminiModelIds,
  authorize(_provider, { secret }) {
    const headers: Record<string, string> = {};
    if (secret !== undefined) headers["x-goog-api-key"] = secret;
    return headers;
  },
  readProblem: readGoogleProblem,
};
