import { numberAt } from "../../json.ts";
import { messagesRequestToChat } from "../../translation/messages-request.ts";
import type { Wire } from "../wire.ts";
import { bedrockEmbeddings } from "./bedrock/embeddings.ts";
import { readBedrockProblem } from "./bedrock/problem.ts";
import { BedrockSource, bedrockCompletion } from "./bedrock/reply.ts";
import { bedrockRequest } from "./bedrock/request.ts";
import { bedrockAuthorization } from "./bedrock/sign.ts";

/** AWS Bedrock's Converse, one format for the models of all makers there. */
export const bedrockWire: Wire = {
  native: undefined,
  format: {
    request: (chat, model, provider) => bedrockRequest(chat, model, provider.name),
    source: (model) => new BedrockSource(model),
    completion: bedrockCompletion,
  },
  streamType: "application/vnd.amazon.eventstream",
  // Ids of inference profiles are ARNs, whose colons and slashes belong to the one segment.
  chatPath: (provider, model, stream) =>
    `${provider.basePath}/model/${encodeURIComponent(model)}/${stream ? "converse-stream" : "converse"}`,
  finishChat: () => [],
  plain: (path) => (path === "/embeddings" ? bedrockEmbeddings : undefined),
  countTokens: {
    path: (provider, model) => `${provider.basePath}/model/${encodeURIComponent(model)}/count-tokens`,
    encode(body, provider, model) {
      const chat = messagesRequestToChat(body, model, provider.name).body;
      const { messages, system, toolConfig } = bedrockRequest(chat, model, provider.name).body;
      return { input: { converse: { messages, system, toolConfig } } };
    },
    decode: (reply) => numberAt(reply, "inputTokens"),
  },
  // The list is another service at another address; models come from the configuration or are taken on trust.
  modelsPath: () => undefined,
  readModelIds: () => undefined,
  authorize: bedrockAuthorization,
  readProblem: readBedrockProblem,
};
