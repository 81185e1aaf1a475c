import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, numberAt, stringAt } from "../json.ts";
import type { InferenceRequest } from "../request-record.ts";
import { readWishes } from "../routing/preferences.ts";
import { parametersOf } from "./request-parameters.ts";

const CHAT_ROLES: ReadonlySet<string> = new Set(["system", "user", "assistant", "tool", "function", "developer"]);
const MESSAGE_ROLES: ReadonlySet<string> = new Set(["user", "assistant", "system"]);
const MODEL_CHARS_MAX = 256;
const STOPS_MAX = 4;

export function invalid(param: string, reason: string): never {
  throw new GatewayError("INVALID_REQUEST", { reason }, { param });
}

/** Checks a chat completion request as contract 6b asks. @throws GatewayError INVALID_REQUEST with its `param`. */
export function validateChat(body: JsonObject): InferenceRequest {
  const requestedModel = checkModel(body);
  checkMessages(body, CHAT_ROLES);
  checkNumber(body, "temperature", 0, 2);
  checkNumber(body, "top_p", 0, 1);
  checkNumber(body, "presence_penalty", -2, 2);
  checkNumber(body, "frequency_penalty", -2, 2);
  checkInteger(body, "n", 1, 128);
  checkInteger(body, "top_logprobs", 0, 20);
  checkInteger(body, "max_tokens", 1, Number.MAX_SAFE_INTEGER);
  checkInteger(body, "max_completion_tokens", 1, Number.MAX_SAFE_INTEGER);
  checkBoolean(body, "stream");
  checkStop(body["stop"]);
  checkTools(body);
  checkProvider(body);
  return inferenceOf(body, requestedModel, numberAt(body, "max_completion_tokens") ?? numberAt(body, "max_tokens"));
}

/** The gateway's own fields `provider` and `models`. @throws GatewayError INVALID_REQUEST. */
export function checkProvider(body: JsonObject): void {
  readWishes(body);
}

/** Checks an Anthropic messages request. @throws GatewayError INVALID_REQUEST; texts as Anthropic words them. */
export function validateMessages(body: JsonObject, maxTokensRequired = true): InferenceRequest {
  const requestedModel = checkModel(body);
  if (maxTokensRequired && body["max_tokens"] === undefined) invalid("max_tokens", "max_tokens: Field required");
  checkInteger(body, "max_tokens", 0, Number.MAX_SAFE_INTEGER); // 0 only fills the prompt cache.
  checkMessages(body, MESSAGE_ROLES);
  checkNumber(body, "temperature", 0, 1);
  checkNumber(body, "top_p", 0, 1);
  checkInteger(body, "top_k", 0, Number.MAX_SAFE_INTEGER);
  checkBoolean(body, "stream");
  checkTools(body);
  const stops = body["stop_sequences"];
  if (
    stops !== undefined &&
    stops !== null &&
    !(Array.isArray(stops) && stops.every((stop) => typeof stop === "string"))
  ) {
    invalid("stop_sequences", "stop_sequences: must be a list of strings.");
  }
  const system = body["system"];
  if (system !== undefined && typeof system !== "string" && !Array.isArray(system)) {
    invalid("system", "system: must be a string or a list of text blocks.");
  }
  return inferenceOf(body, requestedModel, numberAt(body, "max_tokens"));
}

/** The record's view of a checked body. */
export function inferenceOf(
  body: JsonObject,
  requestedModel: string,
  maxTokens: number | undefined,
  requestType = "chat_completion",
): InferenceRequest {
  return {
    requestType,
    requestedModel,
    stream: body["stream"] === true,
    temperature: numberAt(body, "temperature"),
    maxTokens,
    topP: numberAt(body, "top_p"),
    frequencyPenalty: numberAt(body, "frequency_penalty"),
    presencePenalty: numberAt(body, "presence_penalty"),
    toolCount: Array.isArray(body["tools"]) ? body["tools"].length : 0,
    ...parametersOf(body),
  };
}

export function checkModel(body: JsonObject): string {
  const model = stringAt(body, "model");
  if (model === undefined || model.trim() === "")
    return invalid("model", "model is missing: you must provide a model parameter.");
  if (model.length > MODEL_CHARS_MAX) invalid("model", `model is longer than ${MODEL_CHARS_MAX} characters.`);
  return model;
}

function checkMessages(body: JsonObject, roles: ReadonlySet<string>): void {
  const messages = body["messages"];
  if (!Array.isArray(messages)) invalid("messages", "messages is missing: it must be an array of messages.");
  if (messages.length === 0) invalid("messages", "messages is empty: at least one message is required.");
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isObject(message)) invalid(at, `${at} must be an object.`);
    const role = message["role"];
    if (typeof role !== "string" || !roles.has(role)) {
      invalid(`${at}.role`, `${at}.role is ${JSON.stringify(role)}; expected one of ${[...roles].join(", ")}.`);
    }
    const content = message["content"];
    const callsInstead = role === "assistant" && (content === null || content === undefined);
    if (typeof content !== "string" && !Array.isArray(content) && !callsInstead) {
      invalid(`${at}.content`, `${at}.content must be a string or an array of parts.`);
    }
  }
}

export function checkNumber(body: JsonObject, name: string, min: number, max: number): void {
  const value = body[name];
  if (value === undefined || value === null) return;
  if (typeof value !== "number" || value < min || value > max) {
    invalid(name, `${name} is ${shown(value)}; expected a number from ${min} to ${max}.`);
  }
}

export function checkInteger(body: JsonObject, name: string, min: number, max: number): void {
  const value = body[name];
  if (value === undefined || value === null) return;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
    invalid(name, `${name} is ${shown(value)}; expected an integer from ${min}${upTo}.`);
  }
}

export function checkBoolean(body: JsonObject, name: string): void {
  const value = body[name];
  if (value !== undefined && value !== null && typeof value !== "boolean") {
    invalid(name, `${name} is ${shown(value)}; expected true or false.`);
  }
}

export function checkStop(stop: unknown): void {
  if (stop === undefined || stop === null || typeof stop === "string") return;
  if (Array.isArray(stop) && stop.length <= STOPS_MAX && stop.every((text) => typeof text === "string")) return;
  invalid("stop", `stop must be a string or at most ${STOPS_MAX} strings.`);
}

export function checkTools(body: JsonObject): void {
  const tools = body["tools"];
  if (tools === undefined || tools === null) return;
  if (!Array.isArray(tools) || !tools.every(isObject)) invalid("tools", "tools must be an array of tool definitions.");
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 60);
}
