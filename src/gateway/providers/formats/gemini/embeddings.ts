import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { droppedMembers, refuse } from "../../../translation/translated.ts";
import type { PlainCodec } from "../../wire.ts";
import { countAt } from "../problem.ts";

const HANDLED: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "task_type"]);

/** OpenAI's `input` as texts; token numbers mean nothing to another maker's model. */
export function inputTexts(body: JsonObject, provider: string): string[] {
  const { input } = body;
  const texts = Array.isArray(input) ? input : [input];
  return texts.map((text) =>
    typeof text === "string" ? text : refuse("Token numbers as input", provider, "send text.", "input"),
  );
}

/** OpenAI's reply to `/embeddings`. */
export function embeddingList(vectors: readonly unknown[], model: string, inputTokens: number | undefined): JsonObject {
  return {
    object: "list",
    data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
    model,
    usage: inputTokens === undefined ? undefined : { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}

/** `batchEmbedContents` of the Gemini API; it reports no usage, so the gateway estimates. */
export const geminiEmbeddings: PlainCodec = {
  path: (provider, model) => `${provider.basePath}/models/${encodeURIComponent(model)}:batchEmbedContents`,
  encode(body, provider, model) {
    const dimensions = numberAt(body, "dimensions");
    const requests = inputTexts(body, provider.name).map((text) => ({
      model: `models/${model}`,
      content: { parts: [{ text }] },
      ...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
      ...(typeof body["task_type"] === "string" ? { taskType: body["task_type"] } : {}),
    }));
    return { body: { requests }, dropped: droppedMembers(body, HANDLED) };
  },
  decode(reply, model) {
    if (!Array.isArray(reply["embeddings"])) return undefined;
    return embeddingList(
      objectsAt(reply, "embeddings").map(({ values }) => values),
      model,
      undefined,
    );
  },
};

/** `predict` of Vertex. */
export function vertexEmbeddings(path: PlainCodec["path"]): PlainCodec {
  return {
    path,
    encode(body, provider) {
      const dimensions = numberAt(body, "dimensions");
      const taskType = stringAt(body, "task_type");
      const instances = inputTexts(body, provider.name).map((content) => ({
        content,
        ...(taskType === undefined ? {} : { task_type: taskType }),
      }));
      const parameters = dimensions === undefined ? {} : { parameters: { outputDimensionality: dimensions } };
      return { body: { instances, ...parameters }, dropped: droppedMembers(body, HANDLED) };
    },
    decode(reply, model) {
      if (!Array.isArray(reply["predictions"])) return undefined;
      const embeddings = objectsAt(reply, "predictions").map((prediction) => objectAt(prediction, "embeddings"));
      const tokens = embeddings.reduce((sum, one) => sum + countAt(objectAt(one, "statistics"), "token_count"), 0);
      if (!embeddings.every((one) => isObject(one) && Array.isArray(one["values"]))) return undefined;
      return embeddingList(
        embeddings.map(({ values }) => values),
        model,
        tokens,
      );
    },
  };
}
