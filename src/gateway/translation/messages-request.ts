import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { droppedMembers, refuse, type TranslatedRequest } from "./translated.ts";

/** Members that are translated, refused, or the gateway's own; all others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "stop_sequences", "metadata"],
  ...["tools", "tool_choice", "output_config", "container", "mcp_servers"],
  ...["provider", "auto_web_search", "web_search_threshold", "auto_routing"],
]);
/** OpenAI's limit. */
const STOPS_MAX = 4;

/**
 * An Anthropic messages request as a chat completion request. Rules: docs/translation.md.
 * @throws GatewayError NOT_TRANSLATABLE for what OpenAI's format cannot say.
 */
export function messagesRequestToChat(request: JsonObject, model: string, provider: string): TranslatedRequest {
  for (const name of ["container", "mcp_servers"]) {
    if (request[name] !== undefined && request[name] !== null) refuse(name, provider, "leave it out.", name);
  }
  const body: JsonObject = { model, messages: translateMessages(request, provider), max_tokens: request["max_tokens"] };
  if (request["stream"] === true) body["stream"] = true;
  for (const name of ["temperature", "top_p"]) if (numberAt(request, name) !== undefined) body[name] = request[name];
  const stops = request["stop_sequences"];
  if (Array.isArray(stops) && stops.length > 0) {
    if (stops.length > STOPS_MAX)
      refuse(`More than ${STOPS_MAX} stop_sequences`, provider, "send fewer.", "stop_sequences");
    body["stop"] = stops;
  }
  const userId = stringAt(objectAt(request, "metadata"), "user_id");
  if (userId !== undefined) body["user"] = userId;
  const format = objectAt(objectAt(request, "output_config"), "format");
  if (stringAt(format, "type") === "json_schema") {
    body["response_format"] = {
      type: "json_schema",
      json_schema: { name: "answer", schema: format["schema"], strict: true },
    };
  }
  addTools(body, request, provider);
  const dropped = droppedMembers(request, HANDLED);
  if (stringAt(objectAt(request, "output_config"), "effort") !== undefined) dropped.push("output_config.effort");
  return { body, dropped };
}

function translateMessages(request: JsonObject, provider: string): JsonObject[] {
  const messages: JsonObject[] = [];
  const system = plainText(request["system"]);
  if (system !== "") messages.push({ role: "system", content: system });
  for (const message of objectsAt(request, "messages")) {
    const blocks = blocksOf(message["content"]);
    switch (stringAt(message, "role")) {
      case "assistant":
        messages.push(assistantMessage(blocks, provider));
        break;
      case "system": // Newer API versions allow it between the turns.
        messages.push({ role: "system", content: plainText(message["content"]) });
        break;
      default:
        messages.push(...userMessages(blocks, provider));
    }
  }
  return messages;
}

function blocksOf(content: unknown): JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isObject) : [];
}

function plainText(content: unknown): string {
  const texts = blocksOf(content).map((block) => stringAt(block, "text") ?? "");
  return texts.filter((text) => text !== "").join("\n\n");
}

function assistantMessage(blocks: readonly JsonObject[], provider: string): JsonObject {
  const texts: string[] = [];
  const toolCalls: JsonObject[] = [];
  for (const block of blocks) {
    const type = stringAt(block, "type");
    if (type === "text") texts.push(stringAt(block, "text") ?? "");
    else if (type === "tool_use") {
      const call = { name: stringAt(block, "name") ?? "", arguments: JSON.stringify(block["input"] ?? {}) };
      toolCalls.push({ id: stringAt(block, "id") ?? "", type: "function", function: call });
    } else if (type !== "thinking" && type !== "redacted_thinking") {
      // Thinking belongs to the model that signed it; everything else would be lost silently.
      refuse(`An assistant block of type "${type}"`, provider, "leave it out of the history.", "messages");
    }
  }
  const text = texts.join("");
  const message: JsonObject = { role: "assistant", content: text === "" && toolCalls.length > 0 ? null : text };
  if (toolCalls.length > 0) message["tool_calls"] = toolCalls;
  return message;
}

/** Tool results become messages of their own and come first: OpenAI wants them right behind the calls. */
function userMessages(blocks: readonly JsonObject[], provider: string): JsonObject[] {
  const messages: JsonObject[] = [];
  const parts: JsonObject[] = [];
  for (const block of blocks) {
    if (stringAt(block, "type") !== "tool_result") {
      parts.push(partOfBlock(block, provider));
      continue;
    }
    const inner = blocksOf(block["content"]);
    const text = plainText(inner);
    const content = block["is_error"] === true ? `Error: ${text}` : text;
    messages.push({ role: "tool", tool_call_id: stringAt(block, "tool_use_id") ?? "", content });
    // A tool message holds text only; pictures that a tool made follow as the user's.
    for (const image of inner.filter((part) => stringAt(part, "type") === "image"))
      parts.push(partOfBlock(image, provider));
  }
  if (parts.length === 0) return messages;
  const onlyText = parts.length === 1 && parts[0]!["type"] === "text";
  messages.push({ role: "user", content: onlyText ? parts[0]!["text"] : parts });
  return messages;
}

function partOfBlock(block: JsonObject, provider: string): JsonObject {
  const type = stringAt(block, "type");
  const source = objectAt(block, "source");
  const sourceType = stringAt(source, "type");
  if (type === "text") return { type: "text", text: stringAt(block, "text") ?? "" };
  if (type === "image" && sourceType === "url") return { type: "image_url", image_url: { url: source["url"] } };
  if (type === "image" && sourceType === "base64") return { type: "image_url", image_url: { url: dataUrl(source) } };
  if (type === "document" && sourceType === "text") return { type: "text", text: stringAt(source, "data") ?? "" };
  if (type === "document" && sourceType === "base64") {
    return { type: "file", file: { filename: stringAt(block, "title") ?? "document.pdf", file_data: dataUrl(source) } };
  }
  const what = sourceType === undefined ? `type "${type}"` : `type "${type}" with source "${sourceType}"`;
  return refuse(`A content block of ${what}`, provider, "send text, images or inline PDF documents.", "messages");
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
    return { type: "function", function: { name, description, parameters } };
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
