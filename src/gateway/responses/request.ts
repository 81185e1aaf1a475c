import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import type { ReasoningDetail } from "../stream/converter.ts";
import { droppedMembers, GATEWAY_MEMBERS, refuse, type TranslatedRequest } from "../translation/translated.ts";
import { detailsOfItem } from "./reasoning-items.ts";

/** Members that are translated, or that concern the gateway and the reply only; the others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "input", "instructions", "previous_response_id", "store", "stream", "stream_options", "temperature"],
  ...["top_p", "max_output_tokens", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "metadata"],
  ...["user", "safety_identifier", "include", "top_logprobs", "truncation"],
  ...GATEWAY_MEMBERS,
]);
/** What would need state or machinery that only OpenAI has. */
const REFUSED = ["background", "conversation", "prompt", "max_tool_calls"] as const;
/** Copied under their own names. */
const SAME = ["temperature", "top_p", "parallel_tool_calls", "user"] as const;

/**
 * A Responses request (OpenAI API reference, "Responses") as an extended chat completion request without the model's id;
 * rules in docs/translation.md.
 * @param items Everything before and in `input`, as items.
 * @throws GatewayError NOT_TRANSLATABLE with its `param` for what has no equivalent.
 */
export function responsesToChat(request: JsonObject, items: readonly unknown[], provider: string): TranslatedRequest {
  for (const name of REFUSED) if (request[name]) refuse(name, provider, "leave it out.", name);
  const instructions = stringAt(request, "instructions");
  const body: JsonObject = {
    messages: [
      ...(instructions === undefined ? [] : [{ role: "system", content: instructions }]),
      ...new ItemReader(provider).read(items),
    ],
  };
  if (request["stream"] === true) body["stream"] = true;
  for (const name of SAME) if (request[name] !== undefined && request[name] !== null) body[name] = request[name];
  body["user"] ??= stringAt(request, "safety_identifier");
  if (typeof request["max_output_tokens"] === "number") body["max_tokens"] = request["max_output_tokens"];
  const effort = stringAt(objectAt(request, "reasoning"), "effort");
  if (effort !== undefined) body["reasoning_effort"] = effort;
  const text = objectAt(request, "text");
  const format = responseFormat(objectAt(text, "format"));
  if (format !== undefined) body["response_format"] = format;
  const dropped = droppedMembers(request, HANDLED);
  if (stringAt(text, "verbosity") !== undefined) dropped.push("text.verbosity");
  if (request["truncation"] === "auto") dropped.push("truncation");
  if ((numberAt(request, "top_logprobs") ?? 0) > 0 || includes(request, "message.output_text.logprobs")) {
    body["logprobs"] = true;
    body["top_logprobs"] = request["top_logprobs"];
  }
  const tools = objectsAt(request, "tools").map((tool, index) => chatTool(tool, index, provider));
  if (tools.length > 0) body["tools"] = tools;
  const choice = chatToolChoice(request["tool_choice"], provider);
  if (choice !== undefined && tools.length > 0) body["tool_choice"] = choice;
  return { body, dropped };
}

/** Whether `include` has this. */
export function includes(request: JsonObject, what: string): boolean {
  return Array.isArray(request["include"]) && request["include"].includes(what);
}

/** `input` as items: a text is one message. */
export function inputItems(input: unknown): JsonObject[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return Array.isArray(input) ? input.filter(isObject) : [];
}

/** Turns items into messages; reasoning waits for the answer that it led to. */
class ItemReader {
  readonly #provider: string;
  readonly #messages: JsonObject[] = [];
  #reasoning: ReasoningDetail[] = [];
  #reasonings = 0;

  constructor(provider: string) {
    this.#provider = provider;
  }

  read(items: readonly unknown[]): JsonObject[] {
    for (const [index, item] of items.entries()) {
      const at = `input[${index}]`;
      if (!isObject(item)) refuse(`${at}, which is no object,`, this.#provider, "send items.", at);
      this.#add(item, at);
    }
    return this.#messages;
  }

  #add(item: JsonObject, at: string): void {
    const type = stringAt(item, "type") ?? "message";
    switch (type) {
      case "message": {
        const role = this.#roleOf(item, at);
        const content = this.#contentOf(item["content"], at);
        if (role === "assistant") Object.assign(this.#assistant(), { content });
        else this.#messages.push({ role, content });
        break;
      }
      case "function_call": {
        const call = { name: stringAt(item, "name") ?? "", arguments: stringAt(item, "arguments") || "{}" };
        this.#addCall({ id: stringAt(item, "call_id") ?? "", type: "function", function: call });
        break;
      }
      case "custom_tool_call": {
        const call = { name: stringAt(item, "name") ?? "", input: stringAt(item, "input") ?? "" };
        this.#addCall({ id: stringAt(item, "call_id") ?? "", type: "custom", custom: call });
        break;
      }
      case "function_call_output":
      case "custom_tool_call_output": {
        const { output } = item;
        const content = typeof output === "string" ? output : this.#contentOf(output, at);
        this.#messages.push({ role: "tool", tool_call_id: stringAt(item, "call_id") ?? "", content });
        break;
      }
      case "reasoning":
        this.#reasoning.push(...detailsOfItem(item, this.#reasonings++));
        break;
      default:
        refuse(`${at}, of type ${JSON.stringify(type.slice(0, 40))},`, this.#provider, "leave it out.", at);
    }
  }

  /** A new message of the model, with the reasoning before it. */
  #assistant(): JsonObject {
    const message: JsonObject = { role: "assistant", content: null };
    if (this.#reasoning.length > 0) message["reasoning_details"] = this.#reasoning;
    this.#reasoning = [];
    this.#messages.push(message);
    return message;
  }

  /** Text and calls of one answer, and parallel calls, are one assistant message in chat completions. */
  #addCall(call: JsonObject): void {
    const last = this.#messages.at(-1);
    const message = last?.["role"] === "assistant" ? last : this.#assistant();
    if (this.#reasoning.length > 0) {
      message["reasoning_details"] = [...objectsAt(message, "reasoning_details"), ...this.#reasoning];
      this.#reasoning = [];
    }
    message["tool_calls"] = [...objectsAt(message, "tool_calls"), call];
  }

  #roleOf(item: JsonObject, at: string): string {
    const role = stringAt(item, "role");
    if (role === "user" || role === "assistant" || role === "system" || role === "developer") return role;
    return refuse(`${at}.role`, this.#provider, "use user, assistant, system or developer.", `${at}.role`);
  }

  #contentOf(content: unknown, at: string): string | JsonObject[] {
    if (typeof content === "string") return content;
    if (!Array.isArray(content)) {
      return refuse(`${at}.content, neither text nor parts,`, this.#provider, "send either.", `${at}.content`);
    }
    const parts = content.map((part, index) => this.#part(isObject(part) ? part : {}, `${at}.content[${index}]`));
    const [only] = parts;
    return parts.length === 1 && only!["type"] === "text" ? (only!["text"] as string) : parts;
  }

  #part(part: JsonObject, at: string): JsonObject {
    const inStore = "send it inline: files of OpenAI's store cannot be read here.";
    switch (part["type"]) {
      case "input_text":
      case "output_text":
      case "text":
        return { type: "text", text: stringAt(part, "text") ?? "" };
      case "refusal":
        return { type: "text", text: stringAt(part, "refusal") ?? "" };
      case "input_image": {
        const url = stringAt(part, "image_url");
        if (url === undefined) refuse(`${at} without image_url`, this.#provider, inStore, at);
        const detail = stringAt(part, "detail");
        return { type: "image_url", image_url: { url, ...(detail === undefined ? {} : { detail }) } };
      }
      case "input_file": {
        const data = stringAt(part, "file_data") ?? stringAt(part, "file_url");
        if (data === undefined) refuse(`${at} without file_data`, this.#provider, inStore, at);
        return { type: "file", file: { file_data: data, filename: stringAt(part, "filename") ?? "file" } };
      }
      default: {
        const type = JSON.stringify(String(part["type"]).slice(0, 40));
        return refuse(`${at}, of type ${type},`, this.#provider, "send text, images or files.", at);
      }
    }
  }
}

function chatTool(tool: JsonObject, index: number, provider: string): JsonObject {
  const { type, ...rest } = tool;
  if (type === "function") return { type, function: rest };
  if (type === "custom") {
    const { format, ...custom } = rest;
    if (!isObject(format) || format["type"] !== "grammar") return { type, custom };
    const { type: _grammar, ...grammar } = format;
    return { type, custom: { ...custom, format: { type: "grammar", grammar } } };
  }
  const what = `The built-in tool ${JSON.stringify(type)}`;
  return refuse(what, provider, "only functions and custom tools of your own pass.", `tools[${index}]`);
}

function chatToolChoice(choice: unknown, provider: string): unknown {
  if (choice === undefined || choice === null || typeof choice === "string") return choice ?? undefined;
  if (isObject(choice)) {
    const { type, name } = choice;
    if (type === "function" || type === "custom") return { type, [type]: { name } };
    if (type === "allowed_tools") {
      const tools = objectsAt(choice, "tools").map((tool) => ({ type: tool["type"], [String(tool["type"])]: tool }));
      return { type, allowed_tools: { mode: choice["mode"], tools } };
    }
  }
  return refuse(
    "This tool_choice",
    provider,
    "use auto, none, required, a tool's name or allowed_tools.",
    "tool_choice",
  );
}

function responseFormat(format: JsonObject): JsonObject | undefined {
  const type = stringAt(format, "type");
  if (type === "json_object") return { type };
  if (type !== "json_schema") return undefined;
  const { type: _type, ...schema } = format;
  return { type, json_schema: schema };
}
