import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../json.ts";
import { hasCacheMark } from "../translation/chat-content.ts";
import { OPENAI_REASONING, reasoningOf } from "../translation/reasoning.ts";
import { takesEffort } from "../translation/reasoning-effort.ts";
import { nameOfTool, readToolChoice } from "../translation/tool-choice.ts";
import { droppedMembers, GATEWAY_MEMBERS, refuse, type TranslatedRequest } from "../translation/translated.ts";
import { itemOfDetails, openAiId, reasoningRuns } from "./reasoning-items.ts";

/** Copied under their own names. */
const SAME = [
  ...["temperature", "top_p", "user", "metadata", "service_tier", "parallel_tool_calls", "prompt_cache_key"],
  ...["prompt_cache_retention", "safety_identifier"],
] as const;
const HANDLED: ReadonlySet<string> = new Set([
  ...SAME,
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "tools", "tool_choice"],
  ...["response_format", "reasoning_effort", "reasoning", "thinking", "verbosity", "logprobs", "top_logprobs", "n"],
  ...["stop", "store", "cache_control", "audio", "modalities", "functions", "function_call", "web_search_options"],
  ...GATEWAY_MEMBERS,
]);
/** Members that would change the answer and that Responses does not have. */
const REFUSED = ["stop", "functions", "web_search_options", "audio"] as const;
/** OpenAI's smallest `max_output_tokens`. */
const OUTPUT_TOKENS_MIN = 16;

/**
 * An extended chat completion request as a Responses request: for models that a provider serves there only. It keeps no
 * state at the provider; reasoning travels encrypted with the client's history.
 * @throws GatewayError NOT_TRANSLATABLE.
 */
export function chatToResponses(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  for (const name of REFUSED) {
    if (chat[name] !== undefined && chat[name] !== null) refuse(name, provider, "leave it out.", name);
  }
  if ((numberAt(chat, "n") ?? 1) > 1) refuse("n above 1", provider, "send one request per answer.", "n");
  const dropped = droppedMembers(chat, HANDLED);
  if (hasCacheMark(chat)) dropped.push("cache_control");
  const body: JsonObject = {
    model,
    input: new MessageReader(provider).read(objectsAt(chat, "messages")),
    store: false,
  };
  for (const name of SAME) if (chat[name] !== undefined && chat[name] !== null) body[name] = chat[name];
  if (chat["stream"] === true) body["stream"] = true;
  const limit = numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens");
  if (limit !== undefined) body["max_output_tokens"] = Math.max(OUTPUT_TOKENS_MIN, limit);
  const include: string[] = [];
  if (takesEffort(model)) {
    include.push("reasoning.encrypted_content");
    const reasoning = reasoningFor(chat);
    if (Object.keys(reasoning).length > 0) body["reasoning"] = reasoning;
  }
  if (chat["logprobs"] === true) {
    include.push("message.output_text.logprobs");
    if (numberAt(chat, "top_logprobs") !== undefined) body["top_logprobs"] = chat["top_logprobs"];
  }
  if (include.length > 0) body["include"] = include;
  const text = textFor(chat);
  if (Object.keys(text).length > 0) body["text"] = text;
  addTools(body, chat, provider);
  return { body, dropped };
}

function reasoningFor(chat: JsonObject): JsonObject {
  const unified = objectAt(chat, "reasoning");
  const effort = stringAt(chat, "reasoning_effort") ?? stringAt(unified, "effort");
  // OpenAI gives summaries to verified organisations only and refuses others, so they must be asked for by name.
  const shown = objectAt(chat, "thinking")["display"] === "summarized" ? "auto" : undefined;
  const summary = stringAt(unified, "summary") ?? shown;
  return { ...(effort === undefined ? {} : { effort }), ...(summary === undefined ? {} : { summary }) };
}

function textFor(chat: JsonObject): JsonObject {
  const text: JsonObject = {};
  const format = objectAt(chat, "response_format");
  if (format["type"] === "json_object") text["format"] = { type: "json_object" };
  if (format["type"] === "json_schema") text["format"] = { type: "json_schema", ...objectAt(format, "json_schema") };
  if (stringAt(chat, "verbosity") !== undefined) text["verbosity"] = chat["verbosity"];
  return text;
}

function addTools(body: JsonObject, chat: JsonObject, provider: string): void {
  const choice = readToolChoice(chat["tool_choice"]);
  if (choice === "unknown") {
    refuse("This tool_choice", provider, "use auto, none, required or a tool's name.", "tool_choice");
  }
  const all = objectsAt(chat, "tools").filter((tool) => choice?.allowed?.has(nameOfTool(tool) ?? "") !== false);
  const tools = all.map((tool) => {
    const type = stringAt(tool, "type");
    if (type === "function") return { type, strict: false, ...objectAt(tool, "function") };
    if (type !== "custom") return refuse(`A tool of type "${type}"`, provider, "use functions.", "tools");
    const { format, ...custom } = objectAt(tool, "custom");
    const grammar = isObject(format) ? objectAt(format, "grammar") : {};
    return { type, ...custom, ...(grammar["definition"] ? { format: { type: "grammar", ...grammar } } : {}) };
  });
  if (tools.length === 0) return;
  body["tools"] = tools;
  if (choice === undefined) return;
  const named = all.find((tool) => nameOfTool(tool) === choice.name);
  body["tool_choice"] =
    choice.name === undefined ? choice.mode : { type: named?.["type"] ?? "function", name: choice.name };
}

/** Turns messages into items. */
class MessageReader {
  readonly #provider: string;
  readonly #items: JsonObject[] = [];
  /** Ids of freeform calls: their outputs are items of another type. */
  readonly #freeformCalls = new Set<string>();

  constructor(provider: string) {
    this.#provider = provider;
  }

  read(messages: readonly JsonObject[]): JsonObject[] {
    for (const message of messages) this.#add(message);
    return this.#items;
  }

  #add(message: JsonObject): void {
    const role = stringAt(message, "role");
    switch (role) {
      case "system":
      case "developer":
      case "user":
        this.#items.push({ type: "message", role, content: this.#parts(message["content"], "input_text") });
        break;
      case "assistant":
        this.#addAnswer(message);
        break;
      case "tool": {
        const callId = stringAt(message, "tool_call_id") ?? "";
        const type = this.#freeformCalls.has(callId) ? "custom_tool_call_output" : "function_call_output";
        this.#items.push({ type, call_id: callId, output: this.#outputOf(message) });
        break;
      }
      default:
        refuse(`Role "${role}"`, this.#provider, "use system, user, assistant or tool.", "messages");
    }
  }

  #addAnswer(message: JsonObject): void {
    for (const run of reasoningRuns(reasoningOf(message).details)) {
      const own = run.filter(({ format }) => format === OPENAI_REASONING);
      const id = openAiId(own);
      const item = itemOfDetails(id ?? "", own);
      if (id !== undefined && item["encrypted_content"] !== undefined) this.#items.push(item);
    }
    const refusal = stringAt(message, "refusal") ?? "";
    const content = this.#parts(message["content"], "output_text");
    if (refusal !== "") content.push({ type: "refusal", refusal });
    if (content.length > 0) this.#items.push({ type: "message", role: "assistant", content });
    for (const call of objectsAt(message, "tool_calls")) this.#items.push(this.#callItem(call));
  }

  #callItem(call: JsonObject): JsonObject {
    const callId = stringAt(call, "id") ?? "";
    if (call["type"] === "custom") {
      const { name, input } = objectAt(call, "custom");
      this.#freeformCalls.add(callId);
      return { type: "custom_tool_call", call_id: callId, name, input };
    }
    const fn = objectAt(call, "function");
    return { type: "function_call", call_id: callId, name: fn["name"], arguments: stringAt(fn, "arguments") || "{}" };
  }

  #outputOf(message: JsonObject): unknown {
    const failed = message["is_error"] === true ? "Error: " : "";
    const { content } = message;
    if (typeof content === "string") return `${failed}${content}`;
    const parts = this.#parts(content, "input_text");
    return failed === "" ? parts : [{ type: "input_text", text: failed }, ...parts];
  }

  #parts(content: unknown, textType: "input_text" | "output_text"): JsonObject[] {
    if (typeof content === "string") return content === "" ? [] : [{ type: textType, text: content }];
    if (!Array.isArray(content)) return [];
    return content.filter(isObject).map((part) => this.#part(part, textType));
  }

  #part(part: JsonObject, textType: string): JsonObject {
    switch (part["type"]) {
      case "text":
        return { type: textType, text: stringAt(part, "text") ?? "" };
      case "refusal":
        return { type: "refusal", refusal: stringAt(part, "refusal") ?? "" };
      case "image_url": {
        const { url, detail } = objectAt(part, "image_url");
        return { type: "input_image", image_url: url, detail: typeof detail === "string" ? detail : "auto" };
      }
      case "file": {
        const { file_id, file_data, filename } = objectAt(part, "file");
        if (file_id !== undefined) return { type: "input_file", file_id };
        if (typeof file_data === "string" && /^https?:\/\//i.test(file_data)) {
          return { type: "input_file", file_url: file_data };
        }
        return { type: "input_file", file_data, filename };
      }
      default: {
        const type = String(part["type"]);
        return refuse(`Content of type "${type}"`, this.#provider, "send text, images or files.", "messages");
      }
    }
  }
}
