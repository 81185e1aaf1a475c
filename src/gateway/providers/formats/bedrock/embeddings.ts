import { type JsonObject, numberAt, objectAt, stringAt } from "../../../json.ts";
import { droppedMembers, refuse } from "../../../translation/translated.ts";
import type { PlainCodec } from "../../wire.ts";
import { embeddingList, inputTexts } from "../gemini/embeddings.ts";

const HANDLED: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "input_type"]);

/** Embeddings by `InvokeModel`, whose body is the maker's own: Amazon's Titan (one text a call) and Cohere's. */
export const bedrockEmbeddings: PlainCodec = {
  path: (provider, model) => `${provider.basePath}/model/${encodeURIComponent(model)}/invoke`,
  encode(body, provider, model) {
    const texts = inputTexts(body, provider.name);
    const dimensions = numberAt(body, "dimensions");
    const dropped = droppedMembers(body, HANDLED);
    if (model.includes("cohere.embed")) {
      const input_type = stringAt(body, "input_type") ?? "search_document";
      const own: JsonObject = { texts, input_type, embedding_types: ["float"] };
      if (dimensions !== undefined) own["output_dimension"] = dimensions;
      return { body: own, dropped };
    }
    if (texts.length > 1) refuse("Several inputs at once", provider.name, "send one input per request.", "input");
    const own: JsonObject = { inputText: texts[0] };
    if (dimensions !== undefined) own["dimensions"] = dimensions;
    return { body: own, dropped };
  },
  decode(reply, model) {
    if (Array.isArray(reply["embedding"])) {
      return embeddingList([reply["embedding"]], model, numberAt(reply, "inputTextTokenCount"));
    }
    const vectors = objectAt(reply, "embeddings")["float"] ?? reply["embeddings"];
    return Array.isArray(vectors) ? embeddingList(vectors, model, undefined) : undefined;
  },
};
