import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { droppedMembers } from "../translation/translated.ts";

/** Members that are translated, or that concern the gateway and the reply only; the others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "previous_response_id",
  "store",
  "stream",
  "stream_options",
  "temperature",
  "top_p",
  "max_output_tokens",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "text",
  "reasoning",
  "metadata",
  "user",
  "provider",
]);
/** What would need state or machinery that only OpenAI has. */
const REFUSED = ["background", "conversation", "prompt", "max_tool_calls"] as const;
/** Copied under their own names. */
const SAME = ["temperature", "top_p", "parallel_tool_calls", "user"] as const;

export interface ChatRequest {
  /** A chat completion request that asks for the same, without the model's id. */
  readonly body: JsonObject;
  readonly dropped: readonly string[];
}

/**
 * A Responses request (OpenAI API reference, "Responses") as a chat completion request; rules in docs/translation.md.
 * @param history Messages of the earlier responses that it continues, without their instructions.
 * @throws GatewayError INVALID_REQUEST with its `param` for what has no equivalent.
 */
export function responsesToChat(request: JsonObject, history: readonly JsonObject[]): ChatRequest {
  for (const name of REFUSED) if (request[name]) refuse(name, `${name} is not supported here`);
  const instructions = stringAt(request, "instructions");
  const body: JsonObject = {
    messages: [
      ...(instructions === undefined ? [] : [{ role: "system", content: instructions }]),
      ...history,
      ...inputMessages(request["input"]),
    ],
    stream: request["stream"] === true,
  };
  for (const name of SAME) if (request[name] !== undefined && request[name] !== null) body[name] = request[name];
  if (typeof request["max_output_tokens"] === "number") body["max_tokens"] = request["max_output_tokens"];
  const effort = stringAt(objectAt(request, "reasoning"), "effort");
  if (effort !== undefined) body["reasoning_effort"] = effort;
  const text = objectAt(request, "text");
  const format = responseFormat(objectAt(text, "format"));
  if (format !== undefined) body["response_format"] = format;
  if (stringAt(text, "verbosity") !== undefined) body["verbosity"] = text["verbosity"];
  const tools = objectsAt(request, "tools").map(chatTool);
  if (tools.length > 0) body["tools"] = tools;
  const choice = chatToolChoice(request["tool_choice"]);
  if (choice !== undefined && tools.length > 0) body["tool_choice"] = choice;
  if (stringAt(request, "provider") !== undefined) body["provider"] = request["provider"];
  return { body, dropped: droppedMembers(request, HANDLED) };
}

/** The messages behind `input`. @throws GatewayError INVALID_REQUEST. */
export function inputMessages(input: unknown): JsonObject[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  const messages: JsonObject[] = [];
  for (const [index, item] of (Array.isArray(input) ? input : []).entries()) {
    const at = `input[${index}]`;
    if (!isObject(item)) refuse(at, `${at} must be an object`);
    addItem(messages, item, at);
  }
  return messages;
}

function addItem(messages: JsonObject[], item: JsonObject, at: string): void {
  const type = stringAt(item, "type") ?? "message";
  switch (type) {
    case "message":
      messages.push({ role: roleOf(item, at), content: contentOf(item["content"], at) });
      break;
    case "function_call": {
      const call = { name: stringAt(item, "name") ?? "", arguments: stringAt(item, "arguments") ?? "{}" };
      const toolCall = { id: stringAt(item, "call_id") ?? "", type: "function", function: call };
      const last = messages.at(-1);
      // Text and calls of one answer, and parallel calls, are one assistant message there.
      if (last?.["role"] === "assistant") last["tool_calls"] = [...objectsAt(last, "tool_calls"), toolCall];
      else messages.push({ role: "assistant", content: null, tool_calls: [toolCall] });
      break;
    }
    case "function_call_output": {
      const { output } = item;
      const content = typeof output === "string" ? output : contentOf(output, at);
      messages.push({ role: "tool", tool_call_id: stringAt(item, "call_id") ?? "", content });
      break;
    }
    case "reasoning":
      break; // It belongs to the model that wrote it.
    default:
      refuse(at, `${at} is of type ${JSON.stringify(type.slice(0, 40))}, which is not supported here`);
  }
}

function roleOf(item: JsonObject, at: string): string {
  const role = stringAt(item, "role");
  if (role === "user" || role === "assistant" || role === "system" || role === "developer") return role;
  return refuse(`${at}.role`, `${at}.role must be user, assistant, system or developer`);
}

function contentOf(content: unknown, at: string): string | JsonObject[] {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) refuse(`${at}.content`, `${at}.content must be a text or an array of parts`);
  const parts = content.map((part, index) => chatPart(isObject(part) ? part : {}, `${at}.content[${index}]`));
  // Several texts are joined only where that loses nothing: most providers take a plain text for every role.
  return parts.every((part) => part["type"] === "text") ? parts.map((part) => part["text"]).join("") : parts;
}

function chatPart(part: JsonObject, at: string): JsonObject {
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
      return { type: "text", text: stringAt(part, "text") ?? "" };
    case "refusal":
      return { type: "text", text: stringAt(part, "refusal") ?? "" };
    case "input_image": {
      const url = stringAt(part, "image_url");
      if (url === undefined) refuse(at, `${at} has no image_url; files of OpenAI's store cannot be read here`);
      const detail = stringAt(part, "detail");
      return { type: "image_url", image_url: { url, ...(detail === undefined ? {} : { detail }) } };
    }
    case "input_file": {
      const data = stringAt(part, "file_data");
      if (data === undefined) refuse(at, `${at} has no file_data; files of OpenAI's store cannot be read here`);
      return { type: "file", file: { file_data: data, filename: stringAt(part, "filename") ?? "file" } };
    }
    default:
      return refuse(
        at,
        `${at} is of type ${JSON.stringify(String(part["type"]).slice(0, 40))}, which is not supported`,
      );
  }
}

function chatTool(tool: JsonObject, index: number): JsonObject {
  if (tool["type"] !== "function") {
    refuse(`tools[${index}]`, `tools[${index}] is ${JSON.stringify(tool["type"])}; only functions are supported here`);
  }
  const { type: _type, ...fn } = tool;
  return { type: "function", function: fn };
}

function chatToolChoice(choice: unknown): unknown {
  if (choice === undefined || choice === null || typeof choice === "string") return choice ?? undefined;
  if (isObject(choice) && choice["type"] === "function") {
    return { type: "function", function: { name: stringAt(choice, "name") ?? "" } };
  }
  return refuse("tool_choice", "tool_choice must be auto, none, required or a function");
}

function responseFormat(format: JsonObject): JsonObject | undefined {
  const type = stringAt(format, "type");
  if (type === "json_object") return { type };
  if (type !== "json_schema") return undefined;
  const { type: _type, ...schema } = format;
  return { type, json_schema: schema };
}

function refuse(param: string, reason: string): never {
  throw new GatewayError("INVALID_REQUEST", { reason: `${reason}.` }, { param });
}
