import { isObject, type JsonObject, numberAt } from "../json.ts";
import type { InferenceRequest } from "../request-record.ts";
import {
  checkBoolean,
  checkInteger,
  checkModel,
  checkNumber,
  checkProvider,
  checkStop,
  checkTools,
  inferenceOf,
  invalid,
} from "./validate.ts";

/** OpenAI's own limit on one call. */
const EMBEDDING_INPUTS_MAX = 2_048;
const RERANK_DOCUMENTS_MAX = 10_000;
/** What OpenAI takes when a moderation names no model. */
const MODERATION_MODEL_DEFAULT = "omni-moderation-latest";

/** Checks an embeddings request (OpenAI API reference, "Embeddings"). @throws GatewayError INVALID_REQUEST. */
export function validateEmbedding(body: JsonObject): InferenceRequest {
  const model = checkModel(body);
  checkPrompt(body, "input", EMBEDDING_INPUTS_MAX);
  checkInteger(body, "dimensions", 1, Number.MAX_SAFE_INTEGER);
  const format = body["encoding_format"];
  if (format !== undefined && format !== null && format !== "float" && format !== "base64") {
    invalid("encoding_format", 'encoding_format must be "float" or "base64".');
  }
  checkProvider(body);
  return inferenceOf({ ...body, stream: false }, model, undefined, "embedding");
}

/** Checks a legacy text completion (OpenAI API reference, "Completions"). @throws GatewayError INVALID_REQUEST. */
export function validateCompletion(body: JsonObject): InferenceRequest {
  const model = checkModel(body);
  checkPrompt(body, "prompt", EMBEDDING_INPUTS_MAX);
  checkNumber(body, "temperature", 0, 2);
  checkNumber(body, "top_p", 0, 1);
  checkNumber(body, "presence_penalty", -2, 2);
  checkNumber(body, "frequency_penalty", -2, 2);
  checkInteger(body, "n", 1, 128);
  checkInteger(body, "best_of", 1, 20);
  checkInteger(body, "logprobs", 0, 5);
  checkInteger(body, "max_tokens", 0, Number.MAX_SAFE_INTEGER);
  checkBoolean(body, "stream");
  checkBoolean(body, "echo");
  checkStop(body["stop"]);
  checkProvider(body);
  return inferenceOf(body, model, numberAt(body, "max_tokens"), "text_completion");
}

/** Checks a moderation (OpenAI API reference, "Moderations"). @throws GatewayError INVALID_REQUEST. */
export function validateModeration(body: JsonObject): InferenceRequest {
  const model = body["model"] === undefined ? MODERATION_MODEL_DEFAULT : checkModel(body);
  const { input } = body;
  const parts = Array.isArray(input) && input.length > 0 && input.every((part) => isText(part) || isObject(part));
  if (!isText(input) && !parts) invalid("input", "input must be a text, or an array of texts or of content parts.");
  checkProvider(body);
  return inferenceOf({ ...body, stream: false }, model, undefined, "moderation");
}

/** Checks a rerank request (the format of Cohere and Jina, which vLLM, Together and others took over). */
export function validateRerank(body: JsonObject): InferenceRequest {
  const model = checkModel(body);
  if (!isText(body["query"])) invalid("query", "query must be a text.");
  const { documents } = body;
  if (!Array.isArray(documents) || documents.length === 0 || documents.length > RERANK_DOCUMENTS_MAX) {
    invalid("documents", `documents must be an array of 1 to ${RERANK_DOCUMENTS_MAX} texts.`);
  }
  if (!documents.every((document) => isText(document) || isObject(document))) {
    invalid("documents", "documents must hold texts, or objects with a text.");
  }
  checkInteger(body, "top_n", 1, Number.MAX_SAFE_INTEGER);
  checkProvider(body);
  return inferenceOf({ ...body, stream: false }, model, undefined, "rerank");
}

/** Checks a Responses request; what a chat cannot say is refused later. @throws GatewayError INVALID_REQUEST. */
export function validateResponses(body: JsonObject): InferenceRequest {
  const model = checkModel(body);
  const { input } = body;
  if (!isText(input) && !(Array.isArray(input) && input.length > 0)) {
    invalid("input", "input must be a text or a non-empty array of items.");
  }
  checkNumber(body, "temperature", 0, 2);
  checkNumber(body, "top_p", 0, 1);
  checkInteger(body, "max_output_tokens", 1, Number.MAX_SAFE_INTEGER);
  checkBoolean(body, "stream");
  checkBoolean(body, "store");
  checkTools(body);
  const previous = body["previous_response_id"];
  if (previous !== undefined && previous !== null && !isText(previous)) {
    invalid("previous_response_id", "previous_response_id must be a text.");
  }
  checkProvider(body);
  return inferenceOf(body, model, numberAt(body, "max_output_tokens"));
}

/** A text, an array of texts, an array of token numbers, or an array of such arrays. */
function checkPrompt(body: JsonObject, name: string, itemsMax: number): void {
  const value = body[name];
  if (isText(value)) return;
  const shape = `${name} must be a text, an array of texts, or an array of token numbers.`;
  if (!Array.isArray(value) || value.length === 0) invalid(name, shape);
  if (value.length > itemsMax && !value.every(isToken)) invalid(name, `${name} has more than ${itemsMax} entries.`);
  const sane = value.every(isText) || value.every(isToken) || value.every(isTokens);
  if (!sane) invalid(name, shape);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isToken(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isTokens(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isToken);
}
