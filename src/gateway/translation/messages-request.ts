import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { withCacheControl } from "./chat-content.ts";
import { detailsOfBlock } from "./reasoning.ts";
import { effortForChat } from "./reasoning-effort.ts";
import { droppedMembers, GATEWAY_MEMBERS, refuse, type TranslatedRequest } from "./translated.ts";

/** Members that are translated, refused, or the gateway's own; all others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences"],
  ...["metadata", "tools", "tool_choice", "output_config", "thinking", "container", "mcp_servers", "cache_control"],
  ...GATEWAY_MEMBERS,
]);

/**
 * An Anthropic messages request as an extended chat completion request ("The pivot" in docs/translation.md): thinking,
 * cache marks and pictures in tool results are still in it, for the formats that can say them.
 * @throws GatewayError NOT_TRANSLATABLE for what no other format can say.
 */
export function messagesRequestToChat(request: JsonObject, model: string, provider: string): TranslatedRequest {
  for (const name of ["container", "mcp_servers"]) {
    if (request[name] !== undefined && request[name] !== null) refuse(name, provider, "leave it out.", name);
  }
  if (request["max_tokens"] === 0) refuse("max_tokens 0", provider, "only Anthropic warms its cache so.", "max_tokens");
  const body: JsonObject = { model, messages: translateMessages(request, provider), max_tokens: request["max_tokens"] };
  if (request["stream"] === true) body["stream"] = true;
  for (const name of ["temperature", "top_p", "top_k"])
    if (numberAt(request, name) !== undefined) body[name] = request[name];
  const stops = request["stop_sequences"];
  if (Array.isArray(stops) && stops.length > 0) body["stop"] = stops;
  const userId = stringAt(objectAt(request, "metadata"), "user_id");
  if (userId !== undefined) body["user"] = userId;
  if (isObject(request["cache_control"])) body["cache_control"] = request["cache_control"];
  const format = objectAt(objectAt(request, "output_config"), "format");
  if (stringAt(format, "type") === "json_schema") {
    body["response_format"] = {
      type: "json_schema",
      json_schema: { name: "answer", schema: format["schema"], strict: true },
    };
  }
  if (isObject(request["thinking"])) body["thinking"] = request["thinking"];
  const effort = effortForChat(request);
  if (effort !== undefined) body["reasoning_effort"] = effort;
  addTools(body, request, provider);
  return { body, dropped: droppedMembers(request, HANDLED) };
}

function translateMessages(request: JsonObject, provider: string): JsonObject[] {
  const messages: JsonObject[] = [];
  const system = systemContent(request["system"]);
  if (system !== undefined) messages.push({ role: "system", content: system });
  for (const message of objectsAt(request, "messages")) {
    const blocks = blocksOf(message["content"]);
    switch (stringAt(message, "role")) {
      case "assistant":
        messages.push(assistantMessage(blocks, provider));
        break;
      case "system": // Newer API versions allow it between the turns.
        messages.push({ role: "system", content: systemContent(message["content"]) ?? "" });
        break;
      default:
        messages.push(...userMessages(blocks, provider));
    }
  }
  return messages;
}

/** One text, or parts where a mark of the cache would be lost otherwise. */
function systemContent(content: unknown): string | JsonObject[] | undefined {
  const blocks = blocksOf(content).filter((block) => (stringAt(block, "text") ?? "") !== "");
  if (blocks.length === 0) return undefined;
  if (blocks.some((block) => isObject(block["cache_control"]))) {
    return blocks.map((block) => withCacheControl(block, { type: "text", text: block["text"] }));
  }
  return plainText(blocks);
}

function blocksOf(content: unknown): JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

function plainText(blocks: readonly JsonObject[]): string {
  const texts = blocks.map((block) => stringAt(block, "text") ?? "");
  return texts.filter((text) => text !== "").join("\n\n");
}

function assistantMessage(blocks: readonly JsonObject[], provider: string): JsonObject {
  const texts: string[] = [];
  const toolCalls: JsonObject[] = [];
  const details = blocks.flatMap((block, index) => detailsOfBlock(block, index));
  for (const block of blocks) {
    const type = stringAt(block, "type");
    if (type === "text") texts.push(stringAt(block, "text") ?? "");
    else if (type === "tool_use") {
      const call = { name: stringAt(block, "name") ?? "", arguments: JSON.stringify(block["input"] ?? {}) };
      toolCalls.push(withCacheControl(block, { id: stringAt(block, "id") ?? "", type: "function", function: call }));
    } else if (type !== "thinking" && type !== "redacted_thinking") {
      // Everything else would be lost silently.
      refuse(`An assistant block of type "${type}"`, provider, "leave it out of the history.", "messages");
    }
  }
  const text = texts.join("");
  const message: JsonObject = { role: "assistant", content: text === "" && toolCalls.length > 0 ? null : text };
  const marked = blocks.findLast((block) => block["type"] === "text" && isObject(block["cache_control"]));
  if (marked !== undefined && text !== "") message["content"] = [withCacheControl(marked, { type: "text", text })];
  if (details.length > 0) message["reasoning_details"] = details;
  if (toolCalls.length > 0) message["tool_calls"] = toolCalls;
  return message;
}

/** Tool results become messages of their own and come first: OpenAI wants them right behind the calls. */
function userMessages(blocks: readonly JsonObject[], provider: string): JsonObject[] {
  const messages: JsonObject[] = [];
  const parts: JsonObject[] = [];
  for (const block of blocks) {
    if (stringAt(block, "type") === "tool_result") messages.push(toolMessage(block, provider));
    else parts.push(...partsOfBlock(block, provider));
  }
  if (parts.length === 0) return messages;
  const [only] = parts;
  const onlyText = parts.length === 1 && only!["type"] === "text" && only!["cache_control"] === undefined;
  messages.push({ role: "user", content: onlyText ? only!["text"] : parts });
  return messages;
}

function toolMessage(block: JsonObject, provider: string): JsonObject {
  const inner = blocksOf(block["content"]);
  const parts = inner.flatMap((part) => partsOfBlock(part, provider));
  const content = parts.every((part) => part["type"] === "text") ? plainText(parts) : parts;
  const message: JsonObject = { role: "tool", tool_call_id: stringAt(block, "tool_use_id") ?? "", content };
  if (block["is_error"] === true) message["is_error"] = true;
  return withCacheControl(block, message);
}

function partsOfBlock(block: JsonObject, provider: string): JsonObject[] {
  const type = stringAt(block, "type");
  const source = objectAt(block, "source");
  const sourceType = stringAt(source, "type");
  switch (`${type} ${sourceType ?? ""}`.trimEnd()) {
    case "text":
      return [withCacheControl(block, { type: "text", text: stringAt(block, "text") ?? "" })];
    case "image url":
      return [withCacheControl(block, { type: "image_url", image_url: { url: source["url"] } })];
    case "image base64":
      return [withCacheControl(block, { type: "image_url", image_url: { url: dataUrl(source) } })];
    case "document text":
      return [withCacheControl(block, { type: "text", text: titled(block, stringAt(source, "data") ?? "") })];
    case "document base64":
      return [withCacheControl(block, filePart(block, dataUrl(source)))];
    case "document url":
      return [withCacheControl(block, filePart(block, stringAt(source, "url") ?? ""))];
    case "document content":
      return blocksOf(source["content"]).flatMap((part) => partsOfBlock(part, provider));
    case "search_result": {
      const text = titled(block, plainText(blocksOf(block["content"])));
      return [withCacheControl(block, { type: "text", text: `${text}\nSource: ${stringAt(block, "source") ?? ""}` })];
    }
    default: {
      const what = sourceType === undefined ? `type "${type}"` : `type "${type}" with source "${sourceType}"`;
      return refuse(`A content block of ${what}`, provider, "send text, images or PDF documents.", "messages");
    }
  }
}

/** A text under the title of its document. */
function titled(block: JsonObject, text: string): string {
  const title = stringAt(block, "title");
  return title === undefined ? text : `${title}\n\n${text}`;
}

function filePart(block: JsonObject, data: string): JsonObject {
  return { type: "file", file: { filename: stringAt(block, "title") ?? "document.pdf", file_data: data } };
}

function dataUrl(source: JsonObject): string {
  return `data:${stringAt(source, "media_type") ?? "application/octet-stream"};base64,${stringAt(source, "data") ?? ""}`;
}

function addTools(body: JsonObject, request: JsonObject, provider: string): void {
  const tools = objectsAt(request, "tools").map((tool) => {
    const type = stringAt(tool, "type");
    if (type !== undefined && type !== "custom") {
      refuse(`The built-in tool "${type}"`, provider, "only tools with an input_schema of your own pass.", "tools");
    }
    const { name, description, input_schema: parameters } = tool;
    const strict = tool["strict"] === true ? { strict: true } : {};
    return withCacheControl(tool, { type: "function", function: { name, description, parameters, ...strict } });
  });
  if (tools.length === 0) return;
  body["tools"] = tools;
  const choice = objectAt(request, "tool_choice");
  switch (stringAt(choice, "type")) {
    case "auto":
    case "none":
      body["tool_choice"] = choice["type"];
      break;
    case "any":
      body["tool_choice"] = "required";
      break;
    case "tool":
      body["tool_choice"] = { type: "function", function: { name: choice["name"] } };
  }
  if (choice["disable_parallel_tool_use"] === true) body["parallel_tool_calls"] = false;
}
