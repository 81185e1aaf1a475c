import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { ChatExtensions } from "../providers/quirks.ts";
import { hasCacheMark, isMarked } from "./chat-content.ts";
import { isForeign, reasoningOf, reasoningText } from "./reasoning.ts";
import { refusesEffort, takesEffort } from "./reasoning-effort.ts";
import { refuse, type TranslatedRequest } from "./translated.ts";

/** OpenAI's limit. */
const STOPS_MAX = 4;
const HTTP_URL = /^https?:\/\//i;

/**
 * An extended chat completion request, as other clients' requests become, as a plain one that this provider takes:
 * reasoning and cache marks go where the provider does not know them, pictures leave tool messages, errors of tools are
 * written out. Requests of chat clients do not come through here.
 * @throws GatewayError NOT_TRANSLATABLE.
 */
export function lowerChat(chat: JsonObject, model: string, provider: Provider): TranslatedRequest {
  const { extensions = {} } = provider.quirks;
  const dropped: string[] = [];
  const body: JsonObject = { ...chat, model };
  const keepsCache = extensions.cacheControl === true;
  body["messages"] = lowerMessages(objectsAt(chat, "messages"), provider);
  if (Array.isArray(chat["tools"]) && !keepsCache) body["tools"] = objectsAt(chat, "tools").map(withoutMark);
  if (!keepsCache && hasCacheMark(chat)) dropped.push("cache_control");
  delete body["cache_control"];
  const stops = chat["stop"];
  if (Array.isArray(stops) && stops.length > STOPS_MAX)
    refuse(`More than ${STOPS_MAX} stop_sequences`, provider.name, "send fewer.", "stop_sequences");
  if (chat["top_k"] !== undefined && extensions.topK !== true) {
    delete body["top_k"];
    dropped.push("top_k");
  }
  lowerThinking(body, chat, model, provider, dropped);
  return { body, dropped };
}

function lowerThinking(
  body: JsonObject,
  chat: JsonObject,
  model: string,
  { quirks: { extensions } }: Provider,
  dropped: string[],
): void {
  const thinking = objectAt(chat, "thinking");
  delete body["thinking"];
  const type = stringAt(thinking, "type");
  const effort = stringAt(chat, "reasoning_effort");
  if (extensions?.reasoningObject === true) {
    delete body["reasoning_effort"];
    if (type === "disabled") body["reasoning"] = { enabled: false };
    else if (typeof thinking["budget_tokens"] === "number") {
      body["reasoning"] = { max_tokens: thinking["budget_tokens"] };
    } else if (effort !== undefined) body["reasoning"] = { effort };
    else if (type !== undefined) body["reasoning"] = { enabled: true };
    return;
  }
  const thinks = type !== undefined && type !== "disabled";
  if (takesEffort(model) || (effort === undefined && !thinks)) return;
  // Claude's clients always send these; who asks OpenAI's way for an effort means it, and the model may be any server's.
  if (type === undefined && !refusesEffort(model)) return;
  delete body["reasoning_effort"];
  if (thinks) dropped.push("thinking");
  if (effort !== undefined && !(thinks && thinking["budget_tokens"] !== undefined)) dropped.push("reasoning_effort");
}

/** A tool message holds text only; pictures that tools made follow as the user's, behind all results of a turn. */
function lowerMessages(messages: readonly JsonObject[], provider: Provider): JsonObject[] {
  const lowered: JsonObject[] = [];
  let media: JsonObject[] = [];
  for (const message of messages) {
    const plain = lowerMessage(message, provider);
    if (message["role"] === "tool") {
      const { text, media: shown } = splitToolContent(plain["content"]);
      plain["content"] = message["is_error"] === true ? `Error: ${text}` : text;
      media.push(...shown);
    } else if (media.length > 0) {
      if (message["role"] === "user") plain["content"] = [...media, ...partsOf(plain["content"])];
      else lowered.push({ role: "user", content: media });
      media = [];
    }
    lowered.push(plain);
  }
  if (media.length > 0) lowered.push({ role: "user", content: media });
  return lowered;
}

function lowerMessage(message: JsonObject, provider: Provider): JsonObject {
  const { extensions = {} } = provider.quirks;
  const { reasoning_details: _details, is_error: _error, cache_control: _mark, ...plain } = message;
  if (extensions.cacheControl !== true) {
    plain["content"] = withoutMarks(plain["content"]);
    if (Array.isArray(plain["tool_calls"])) plain["tool_calls"] = objectsAt(plain, "tool_calls").map(withoutMark);
  } else if (isObject(message["cache_control"])) plain["content"] = markedContent(message);
  refuseFileUrls(plain["content"], provider);
  if (message["role"] === "developer") plain["role"] = "system"; // OpenAI's newer word, which few others know.
  if (message["role"] !== "user" && extensions.cacheControl !== true) plain["content"] = joinedTexts(plain["content"]);
  if (message["role"] !== "assistant") return plain;
  return { ...plain, ...historyReasoning(message, extensions.historyReasoning) };
}

function partsOf(content: unknown): JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

/** The reasoning of an earlier answer, for the providers that want it back. */
function historyReasoning(message: JsonObject, want: ChatExtensions["historyReasoning"]): JsonObject {
  if (want === undefined) return {};
  const { details, text } = reasoningOf(message);
  if (want === "reasoning_details") return details.length === 0 ? {} : { reasoning_details: details };
  const plain =
    text ?? reasoningText(details.filter((detail) => !isForeign(detail) || detail.type === "reasoning.text"));
  return plain === "" ? {} : { reasoning_content: plain };
}

function splitToolContent(content: unknown): { text: string; media: JsonObject[] } {
  if (typeof content === "string") return { text: content, media: [] };
  const parts = Array.isArray(content) ? content.filter(isObject) : [];
  const texts = parts.filter((part) => part["type"] === "text").map((part) => stringAt(part, "text") ?? "");
  return { text: texts.join("\n\n"), media: parts.filter((part) => part["type"] !== "text") };
}

function refuseFileUrls(content: unknown, provider: Provider): void {
  if (!Array.isArray(content) || provider.quirks.extensions?.fileUrls === true) return;
  const byUrl = content.some(
    (part) => isObject(part) && HTTP_URL.test(stringAt(objectAt(part, "file"), "file_data") ?? ""),
  );
  if (byUrl) refuse("A document by URL", provider.name, "send it inline, as base64.", "messages");
}

/** Puts the mark of a whole message on its last part, where its readers look for it. */
function markedContent(message: JsonObject): unknown {
  const { content, cache_control: mark } = message;
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  if (!Array.isArray(parts) || parts.length === 0 || message["role"] === "tool") return content;
  return [...parts.slice(0, -1), { ...(parts.at(-1) as JsonObject), cache_control: mark }];
}

/** Many servers take parts from users only. */
function joinedTexts(content: unknown): unknown {
  if (!Array.isArray(content) || content.length === 0) return content;
  const isText = (part: unknown): boolean => isObject(part) && part["type"] === "text";
  return content.every(isText) ? content.map((part: JsonObject) => stringAt(part, "text") ?? "").join("\n\n") : content;
}

function withoutMarks(content: unknown): unknown {
  if (!Array.isArray(content)) return content;
  const parts = content.filter(isObject);
  if (!parts.some(isMarked)) return content;
  const plain = parts.map(withoutMark);
  // They were parts only to carry the mark.
  return plain.every((part) => part["type"] === "text") ? plain.map((part) => part["text"]).join("\n\n") : plain;
}

function withoutMark(part: JsonObject): JsonObject {
  if (!isMarked(part)) return part;
  const { cache_control: _mark, ...plain } = part;
  return plain;
}
