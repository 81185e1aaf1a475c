import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../../../json.ts";
import { reasoningOf } from "../../../translation/reasoning.ts";
import {
  droppedMembers,
  refuse,
  refuseMediaAndFunctions,
  type TranslatedRequest,
} from "../../../translation/translated.ts";
import { appendTurn } from "../../../translation/turns.ts";
import { argumentsOf, contentParts, contentText, toolNames } from "../chat-parts.ts";
import { geminiPart } from "./parts.ts";
import { thinkingConfig } from "./thinking.ts";

/** Who can read a thought signature, in OpenRouter's words. */
export const GEMINI_REASONING = "google-gemini-v1";
/** Gemini 3 wants a signature on calls of the current turn; this one stands for calls that another model made. */
const NO_SIGNATURE = "skip_thought_signature_validator";
const SIGNED_CALLS = /gemini-([3-9]|\d\d)/;

const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["top_k", "stop", "n", "seed", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "tools"],
  ...["tool_choice", "response_format", "reasoning_effort", "reasoning", "thinking", "modalities", "audio"],
  ...["functions", "function_call", "safety_settings", "cached_content"],
]);

/**
 * A chat completion request as the body of `generateContent`. Rules: docs/providers.md.
 * @throws GatewayError NOT_TRANSLATABLE, INVALID_REQUEST.
 */
export function geminiRequest(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  refuseWhatCannotBeSaid(chat, provider);
  const { system, contents } = translateMessages(chat, model, provider);
  const body: JsonObject = { contents };
  if (system.length > 0) body["systemInstruction"] = { parts: system };
  addTools(body, chat, provider);
  const generation = generationConfig(chat, model);
  if (Object.keys(generation).length > 0) body["generationConfig"] = generation;
  if (Array.isArray(chat["safety_settings"])) body["safetySettings"] = chat["safety_settings"];
  if (typeof chat["cached_content"] === "string") body["cachedContent"] = chat["cached_content"];
  return { body, dropped: droppedMembers(chat, HANDLED) };
}

function refuseWhatCannotBeSaid(chat: JsonObject, provider: string): void {
  const several = (numberAt(chat, "n") ?? 1) > 1;
  if (several && chat["stream"] === true)
    refuse("n above 1 in a stream", provider, "send one request per answer.", "n");
  refuseMediaAndFunctions(chat, provider);
}

function translateMessages(
  chat: JsonObject,
  model: string,
  provider: string,
): { system: JsonObject[]; contents: JsonObject[] } {
  const messages = objectsAt(chat, "messages");
  const names = toolNames(messages);
  const system: JsonObject[] = [];
  const contents: JsonObject[] = [];
  const append = (role: "user" | "model", parts: JsonObject[]): void => appendTurn(contents, role, "parts", parts);
  const partsOf = (content: unknown): JsonObject[] =>
    contentParts(content).flatMap((part): JsonObject[] => {
      const own = geminiPart(part, provider);
      return own === undefined ? [] : [own];
    });
  for (const message of messages) {
    const role = stringAt(message, "role");
    if (role === "system" || role === "developer") system.push(...partsOf(message["content"]));
    else if (role === "user") append("user", partsOf(message["content"]));
    else if (role === "assistant") append("model", modelParts(message, model, partsOf(message["content"])));
    else if (role === "tool") append("user", resultParts(message, names, partsOf));
    else refuse(`Role "${role}"`, provider, "use system, user, assistant or tool.", "messages");
  }
  return { system, contents };
}

/** An assistant's turn. Signatures go back to where they came from: to the call of their id, else to the text. */
function modelParts(message: JsonObject, model: string, texts: JsonObject[]): JsonObject[] {
  const signatures = new Map<string, string>();
  for (const { type, format, data, id } of reasoningOf(message).details) {
    if (type === "reasoning.encrypted" && format === GEMINI_REASONING && data) signatures.set(id ?? "", data);
  }
  const parts = texts;
  const ofText = signatures.get("");
  const last = parts.at(-1);
  if (ofText !== undefined && last !== undefined) last["thoughtSignature"] = ofText;
  for (const [index, call] of objectsAt(message, "tool_calls").entries()) {
    const functionCall = { name: stringAt(objectAt(call, "function"), "name") ?? "", args: argumentsOf(call) };
    const signature =
      signatures.get(stringAt(call, "id") ?? "") ?? (index === 0 ? stand(signatures, model) : undefined);
    parts.push(signature === undefined ? { functionCall } : { functionCall, thoughtSignature: signature });
  }
  return parts;
}

function stand(signatures: ReadonlyMap<string, string>, model: string): string | undefined {
  return signatures.size === 0 && SIGNED_CALLS.test(model) ? NO_SIGNATURE : undefined;
}

function resultParts(
  message: JsonObject,
  names: ReadonlyMap<string, string>,
  partsOf: (content: unknown) => JsonObject[],
): JsonObject[] {
  const text = contentText(message["content"]);
  const response = message["is_error"] === true ? { error: text } : (parseObject(text) ?? { result: text });
  const name = names.get(stringAt(message, "tool_call_id") ?? "") ?? stringAt(message, "name") ?? "unknown";
  // A response is JSON; pictures that a tool made follow as the user's.
  const pictures = partsOf(message["content"]).filter((part) => part["text"] === undefined);
  return [{ functionResponse: { name, response } }, ...pictures];
}

function addTools(body: JsonObject, chat: JsonObject, provider: string): void {
  const declarations = objectsAt(chat, "tools").map((tool) => {
    if (stringAt(tool, "type") !== "function") {
      refuse(`A tool of type "${stringAt(tool, "type")}"`, provider, "use tools of type function.", "tools");
    }
    const { name, description, parameters } = objectAt(tool, "function");
    const declaration: JsonObject = { name };
    if (typeof description === "string") declaration["description"] = description;
    // The full JSON schema, where `parameters` would take a subset of OpenAPI's.
    if (isObject(parameters) && Object.keys(objectAt(parameters, "properties")).length > 0) {
      declaration["parametersJsonSchema"] = parameters;
    }
    return declaration;
  });
  if (declarations.length === 0) return;
  body["tools"] = [{ functionDeclarations: declarations }];
  const choice = chat["tool_choice"];
  if (choice === undefined || choice === null) return;
  const named = isObject(choice) ? stringAt(objectAt(choice, "function"), "name") : undefined;
  const mode = { auto: "AUTO", none: "NONE", required: "ANY" }[String(choice)];
  if (named !== undefined) {
    body["toolConfig"] = { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [named] } };
  } else if (mode !== undefined) body["toolConfig"] = { functionCallingConfig: { mode } };
  else refuse("This tool_choice", provider, "use auto, none, required or a function's name.", "tool_choice");
}

/** OpenAI's name → Gemini's, where the value passes as it is. */
const NUMBERS = [
  ["temperature", "temperature"],
  ["top_p", "topP"],
  ["top_k", "topK"],
  ["seed", "seed"],
  ["presence_penalty", "presencePenalty"],
  ["frequency_penalty", "frequencyPenalty"],
] as const;

function generationConfig(chat: JsonObject, model: string): JsonObject {
  const config: JsonObject = {};
  for (const [from, to] of NUMBERS) if (numberAt(chat, from) !== undefined) config[to] = chat[from];
  const maxTokens = numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens");
  if (maxTokens !== undefined) config["maxOutputTokens"] = maxTokens;
  const n = numberAt(chat, "n") ?? 1;
  if (n > 1) config["candidateCount"] = n;
  const { stop } = chat;
  if (typeof stop === "string") config["stopSequences"] = [stop];
  else if (Array.isArray(stop) && stop.length > 0) config["stopSequences"] = stop;
  if (chat["logprobs"] === true) {
    config["responseLogprobs"] = true;
    const top = numberAt(chat, "top_logprobs") ?? 0;
    if (top > 0) config["logprobs"] = top;
  }
  const format = objectAt(chat, "response_format");
  const formatType = stringAt(format, "type");
  if (formatType === "json_object" || formatType === "json_schema") config["responseMimeType"] = "application/json";
  if (formatType === "json_schema") config["responseJsonSchema"] = objectAt(objectAt(format, "json_schema"), "schema");
  const thinking = thinkingConfig(chat, model);
  if (thinking !== undefined) config["thinkingConfig"] = thinking;
  return config;
}
