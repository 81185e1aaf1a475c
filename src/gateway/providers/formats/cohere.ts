import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../../json.ts";
import { droppedMembers } from "../../translation/translated.ts";
import type { PlainCodec, Wire } from "../wire.ts";
import { CohereSource, cohereCompletion, exposeCohereFailure } from "./cohere/reply.ts";
import { cohereRequest } from "./cohere/request.ts";
import { embeddingList, inputTexts } from "./gemini/embeddings.ts";
import { bearer } from "./openai.ts";
import { readProblem } from "./problem.ts";

const EMBED_HANDLED: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "input_type"]);

/** `/v2/embed`, which wants to know what the vectors are for. */
const embeddings: PlainCodec = {
  path: (provider) => `${provider.basePath}/v2/embed`,
  encode(body, provider, model) {
    const input_type = stringAt(body, "input_type") ?? "search_document";
    const texts = inputTexts(body, provider.name);
    const own: JsonObject = { model, texts, input_type, embedding_types: ["float"] };
    const dimensions = numberAt(body, "dimensions");
    if (dimensions !== undefined) own["output_dimension"] = dimensions;
    return { body: own, dropped: droppedMembers(body, EMBED_HANDLED) };
  },
  decode(reply, model) {
    const vectors = objectAt(reply, "embeddings")["float"];
    if (!Array.isArray(vectors)) return undefined;
    const billed = objectAt(objectAt(reply, "meta"), "billed_units");
    return embeddingList(vectors, model, numberAt(billed, "input_tokens"));
  },
};

/** `/v2/rerank`, whose shape is the endpoint's own; documents are texts there. */
const rerank: PlainCodec = {
  path: (provider) => `${provider.basePath}/v2/rerank`,
  encode(body) {
    const { documents } = body;
    if (!Array.isArray(documents)) return { body, dropped: [] };
    const texts = documents.map((one) => (isObject(one) ? (stringAt(one, "text") ?? JSON.stringify(one)) : one));
    return { body: { ...body, documents: texts }, dropped: [] };
  },
};

/** Cohere's v2 API. */
export const cohereWire: Wire = {
  native: undefined,
  format: {
    request: (chat, model, provider) => cohereRequest(chat, model, provider.name),
    source: (model) => new CohereSource(model),
    completion: cohereCompletion,
  },
  streamType: "text/event-stream",
  chatPath: (provider) => `${provider.basePath}/v2/chat`,
  finishChat: () => [],
  adjustReply: exposeCohereFailure,
  plain: (path) => (path === "/embeddings" ? embeddings : path === "/rerank" ? rerank : undefined),
  modelsPath: (provider) => `${provider.basePath}/v1/models?page_size=1000`,
  readModelIds(text) {
    const body = parseObject(text);
    if (body === undefined || !Array.isArray(body["models"])) return undefined;
    return objectsAt(body, "models").flatMap((model) => stringAt(model, "name") ?? []);
  },
  authorize: bearer,
  // A wrong key is 401 or, with the text "invalid api token", 498.
  readProblem: (status, headers, text) => readProblem(status === 498 ? 401 : status, headers, text),
};
