import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { MAX_TOKENS_DEFAULT } from "../limits.ts";
import { blocksOfChatContent } from "./chat-content.ts";
import { droppedMembers, refuse, type TranslatedRequest } from "./translated.ts";

/** Members that are translated, refused, or the gateway's own; all others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...[
    "stop",
    "user",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "n",
    "logprobs",
    "top_logprobs",
  ],
  ...["audio", "modalities", "functions", "function_call", "web_search_options"],
  ...["provider", "auto_web_search", "web_search_threshold", "auto_routing"],
]);

const JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else.";

/**
 * A chat completion request as an Anthropic messages request. Rules: docs/translation.md.
 * @throws GatewayError NOT_TRANSLATABLE for what Anthropic's format cannot say, INVALID_REQUEST for broken tool calls.
 */
export function chatRequestToMessages(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  refuseWhatCannotBeSaid(chat, provider);
  const { system, messages } = translateMessages(chat, provider);
  const body: JsonObject = {
    model,
    max_tokens: numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens") ?? MAX_TOKENS_DEFAULT,
    messages,
  };
  const format = objectAt(chat, "response_format");
  if (stringAt(format, "type") === "json_object") system.push({ type: "text", text: JSON_INSTRUCTION });
  if (stringAt(format, "type") === "json_schema") {
    body["output_config"] = {
      format: { type: "json_schema", schema: objectAt(objectAt(format, "json_schema"), "schema") },
    };
  }
  if (system.length > 0)
    body["system"] = system.length === 1 && !system[0]!["cache_control"] ? system[0]!["text"] : system;
  if (chat["stream"] === true) body["stream"] = true;
  const temperature = numberAt(chat, "temperature");
  if (temperature !== undefined) body["temperature"] = Math.min(1, temperature); // OpenAI's scale ends at 2.
  if (numberAt(chat, "top_p") !== undefined) body["top_p"] = chat["top_p"];
  const stop = chat["stop"];
  if (typeof stop === "string") body["stop_sequences"] = [stop];
  else if (Array.isArray(stop) && stop.length > 0) body["stop_sequences"] = stop;
  if (typeof chat["user"] === "string") body["metadata"] = { user_id: chat["user"] };
  addTools(body, chat, provider);
  return { body, dropped: droppedMembers(chat, HANDLED) };
}

function refuseWhatCannotBeSaid(chat: JsonObject, provider: string): void {
  const n = numberAt(chat, "n");
  if (n !== undefined && n > 1) refuse("n above 1", provider, "send one request per answer.", "n");
  if (chat["logprobs"] === true || (numberAt(chat, "top_logprobs") ?? 0) > 0) {
    refuse("logprobs", provider, "it does not report them.", "logprobs");
  }
  if (isObject(chat["audio"]) || (Array.isArray(chat["modalities"]) && chat["modalities"].includes("audio"))) {
    refuse("Audio output", provider, "it answers in text.", "modalities");
  }
  if (Array.isArray(chat["functions"])) refuse("functions", provider, "use tools instead.", "functions");
  if (isObject(chat["web_search_options"]))
    refuse("web_search_options", provider, "leave it out.", "web_search_options");
}

function translateMessages(chat: JsonObject, provider: string): { system: JsonObject[]; messages: JsonObject[] } {
  const system: JsonObject[] = [];
  const messages: JsonObject[] = [];
  // Anthropic wants roles to alternate: neighbours of one role become one message.
  const append = (role: "user" | "assistant", blocks: JsonObject[]): void => {
    if (blocks.length === 0) return;
    const last = messages.at(-1);
    if (last?.["role"] === role) (last["content"] as JsonObject[]).push(...blocks);
    else messages.push({ role, content: blocks });
  };
  for (const message of objectsAt(chat, "messages")) {
    switch (stringAt(message, "role")) {
      case "system":
      case "developer":
        system.push(...blocksOfChatContent(message["content"], provider));
        break;
      case "user":
        append("user", blocksOfChatContent(message["content"], provider));
        break;
      case "assistant":
        append("assistant", [...blocksOfChatContent(message["content"], provider), ...toolUses(message)]);
        break;
      case "tool": {
        const content = blocksOfChatContent(message["content"], provider);
        append("user", [{ type: "tool_result", tool_use_id: stringAt(message, "tool_call_id") ?? "", content }]);
        break;
      }
      default:
        refuse(`Role "${stringAt(message, "role")}"`, provider, "use system, user, assistant or tool.", "messages");
    }
  }
  return { system, messages };
}

function toolUses(message: JsonObject): JsonObject[] {
  return objectsAt(message, "tool_calls").map((call) => {
    const fn = objectAt(call, "function");
    const text = stringAt(fn, "arguments") ?? "";
    const input = text.trim() === "" ? {} : parseObject(text);
    if (input === undefined) {
      const reason = `The arguments of tool call ${JSON.stringify(stringAt(call, "id") ?? "")} are no JSON object.`;
      throw new GatewayError("INVALID_REQUEST", { reason }, { param: "messages" });
    }
    return { type: "tool_use", id: stringAt(call, "id") ?? "", name: stringAt(fn, "name") ?? "", input };
  });
}

function addTools(body: JsonObject, chat: JsonObject, provider: string): void {
  const tools = objectsAt(chat, "tools").map((tool) => {
    if (stringAt(tool, "type") !== "function") {
      refuse(`A tool of type "${stringAt(tool, "type")}"`, provider, "use tools of type function.", "tools");
    }
    const { name, description, parameters } = objectAt(tool, "function");
    const cached = isObject(tool["cache_control"]) ? { cache_control: tool["cache_control"] } : {};
    return {
      name,
      description,
      input_schema: isObject(parameters) ? parameters : { type: "object", properties: {} },
      ...cached,
    };
  });
  if (tools.length === 0) return;
  body["tools"] = tools;
  const choice = toolChoice(chat["tool_choice"], provider);
  const serial = chat["parallel_tool_calls"] === false;
  if (choice === undefined && !serial) return;
  const resolved = choice ?? { type: "auto" };
  body["tool_choice"] =
    serial && resolved["type"] !== "none" ? { ...resolved, disable_parallel_tool_use: true } : resolved;
}

function toolChoice(choice: unknown, provider: string): JsonObject | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === "auto" || choice === "none") return { type: choice };
  if (choice === "required") return { type: "any" };
  if (isObject(choice) && choice["type"] === "function")
    return { type: "tool", name: objectAt(choice, "function")["name"] };
  return refuse("This tool_choice", provider, "use auto, none, required or a function's name.", "tool_choice");
}
