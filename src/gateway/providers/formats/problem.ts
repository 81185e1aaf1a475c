import type { IncomingHttpHeaders } from "node:http";
import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../../json.ts";
import type { ProviderProblem } from "../wire.ts";

/**
 * The failure that most providers report: `{"error": {message, param, code}}` (OpenAI, Anthropic, Azure, Groq, …),
 * `{"message": …}` (Mistral, older vLLM, Cohere), `{"error": "…"}` (Ollama, xAI), `{"detail": …}` (FastAPI's own).
 */
export function readProblem(status: number, _headers: IncomingHttpHeaders, bodyText: string): ProviderProblem {
  const body = parseObject(bodyText) ?? {};
  const error = objectAt(body, "error");
  return {
    status,
    message: stringAt(error, "message") ?? stringAt(body, "message") ?? stringAt(body, "error") ?? detailText(body),
    param: stringAt(error, "param") ?? stringAt(body, "param"),
    code: stringAt(error, "code") ?? stringAt(body, "code"),
    retryAfterSeconds: undefined,
  };
}

/** FastAPI: `{"detail": "…"}` or `{"detail": [{"loc": ["body", "max_tokens"], "msg": "…"}]}`. */
function detailText(body: JsonObject): string | undefined {
  const detail = body["detail"];
  if (typeof detail === "string") return detail;
  if (isObject(detail)) return stringAt(detail, "message") ?? stringAt(detail, "msg");
  const [first] = objectsAt(body, "detail");
  if (first === undefined) return undefined;
  const place = Array.isArray(first["loc"]) ? first["loc"].filter((step) => step !== "body").join(".") : "";
  const text = stringAt(first, "msg") ?? "not valid";
  return place === "" ? text : `${place}: ${text}`;
}

/** Ids of `{"data": [{"id": …}]}` (OpenAI, Anthropic) or of a bare array (Together; DeepInfra's own list). */
export function readModelIds(text: string): string[] | undefined {
  const body = text.trimStart().startsWith("[") ? parseObject(`{"data":${text}}`) : parseObject(text);
  if (!isObject(body) || !Array.isArray(body["data"])) return undefined;
  return objectsAt(body, "data").flatMap((entry) => stringAt(entry, "id") ?? stringAt(entry, "model_name") ?? []);
}

/** Non-negative integer at the key, else 0. */
export function countAt(value: JsonObject, key: string): number {
  return Math.max(0, numberAt(value, key) ?? 0);
}
