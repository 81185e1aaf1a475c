import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { blocksOfChatContent, withCacheControl, withMessageCacheControl } from "./chat-content.ts";
import { callOf, functionOfFreeform } from "./freeform-tools.ts";
import { blocksForAnthropic, lacksThinking, reasoningOf } from "./reasoning.ts";
import { takesStructure, thinkingForAnthropic } from "./reasoning-effort.ts";
import { nameOfTool, readToolChoice, type ToolChoice } from "./tool-choice.ts";
import { droppedMembers, GATEWAY_MEMBERS, refuse, type TranslatedRequest } from "./translated.ts";
import { appendTurn } from "./turns.ts";

/** Members that are translated, refused, or the gateway's own; all others are dropped. */
const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["stop", "user", "safety_identifier", "tools", "tool_choice", "parallel_tool_calls", "response_format", "n"],
  ...["logprobs", "top_logprobs", "audio", "modalities", "functions", "function_call", "web_search_options"],
  ...["reasoning_effort", "reasoning", "thinking", "cache_control", "top_k"],
  ...GATEWAY_MEMBERS,
]);

const JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else.";
/** What Anthropic's models that think accept beside it. */
const TOP_P_MIN_THINKING = 0.95;

/**
 * A chat completion request as an Anthropic messages request. Rules: docs/translation.md.
 * @throws GatewayError NOT_TRANSLATABLE for what Anthropic's format cannot say, INVALID_REQUEST for broken tool calls.
 */
export function chatRequestToMessages(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  refuseWhatCannotBeSaid(chat, provider);
  const dropped = droppedMembers(chat, HANDLED);
  const { system, messages } = translateMessages(chat, provider);
  const body: JsonObject = { model, max_tokens: 0, messages };
  const format = objectAt(chat, "response_format");
  if (stringAt(format, "type") === "json_object") system.push({ type: "text", text: JSON_INSTRUCTION });
  if (system.length > 0)
    body["system"] = system.length === 1 && !system[0]!["cache_control"] ? system[0]!["text"] : system;
  if (chat["stream"] === true) body["stream"] = true;
  const stop = chat["stop"];
  if (typeof stop === "string") body["stop_sequences"] = [stop];
  else if (Array.isArray(stop) && stop.length > 0) body["stop_sequences"] = stop;
  const user = stringAt(chat, "user") ?? stringAt(chat, "safety_identifier");
  if (user !== undefined) body["metadata"] = { user_id: user };
  if (isObject(chat["cache_control"])) body["cache_control"] = chat["cache_control"];
  const choice = addTools(body, chat, model, provider, dropped);
  addThinking(body, chat, model, choice, dropped);
  addFormat(body, format, model, provider);
  return { body, dropped };
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

function addFormat(body: JsonObject, format: JsonObject, model: string, provider: string): void {
  if (stringAt(format, "type") !== "json_schema") return;
  if (!takesStructure(model)) {
    refuse(
      `response_format json_schema for ${model}`,
      provider,
      "use a newer model, or json_object.",
      "response_format",
    );
  }
  const schema = objectAt(objectAt(format, "json_schema"), "schema");
  body["output_config"] = { ...objectAt(body, "output_config"), format: { type: "json_schema", schema } };
}

/** `max_tokens`, thinking, and the sampling that is possible beside it. */
function addThinking(
  body: JsonObject,
  chat: JsonObject,
  model: string,
  choice: ToolChoice | undefined,
  dropped: string[],
): void {
  const given = numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens");
  const allowed = choice?.mode !== "required" && !lacksThinking(body["messages"] as JsonObject[]);
  const { thinking, effort, maxTokens, honoured } = thinkingForAnthropic(chat, model, given, allowed);
  body["max_tokens"] = maxTokens;
  if (thinking !== undefined) body["thinking"] = thinking;
  if (effort !== undefined) body["output_config"] = { effort };
  if (!honoured)
    dropped.push(
      ...["reasoning_effort", "reasoning", "thinking"].filter(
        (name) => isObject(chat[name]) || typeof chat[name] === "string",
      ),
    );
  const thinks = thinking !== undefined && thinking["type"] !== "disabled";
  const temperature = numberAt(chat, "temperature");
  const topP = numberAt(chat, "top_p");
  if (temperature !== undefined) {
    if (thinks && temperature !== 1) dropped.push("temperature");
    else body["temperature"] = Math.min(1, temperature); // OpenAI's scale ends at 2.
  }
  if (topP !== undefined) {
    if (thinks && topP < TOP_P_MIN_THINKING) dropped.push("top_p");
    else body["top_p"] = topP;
  }
  if (numberAt(chat, "top_k") !== undefined) {
    if (thinks) dropped.push("top_k");
    else body["top_k"] = chat["top_k"];
  }
}

function translateMessages(chat: JsonObject, provider: string): { system: JsonObject[]; messages: JsonObject[] } {
  const system: JsonObject[] = [];
  const messages: JsonObject[] = [];
  const append = (role: "user" | "assistant", blocks: JsonObject[]): void =>
    appendTurn(messages, role, "content", blocks);
  for (const message of objectsAt(chat, "messages")) {
    const content = (): JsonObject[] =>
      withMessageCacheControl(message, blocksOfChatContent(message["content"], provider));
    switch (stringAt(message, "role")) {
      case "system":
      case "developer":
        system.push(...content());
        break;
      case "user":
        append("user", content());
        break;
      case "assistant":
        append("assistant", [
          ...blocksForAnthropic(reasoningOf(message).details),
          ...content(),
          ...blocksOfChatContent(stringAt(message, "refusal"), provider),
          ...toolUses(message),
        ]);
        break;
      case "tool":
        append("user", [toolResult(message, provider)]);
        break;
      default:
        refuse(`Role "${stringAt(message, "role")}"`, provider, "use system, user, assistant or tool.", "messages");
    }
  }
  return { system, messages };
}

function toolResult(message: JsonObject, provider: string): JsonObject {
  const result: JsonObject = {
    type: "tool_result",
    tool_use_id: stringAt(message, "tool_call_id") ?? "",
    content: blocksOfChatContent(message["content"], provider),
  };
  if (message["is_error"] === true) result["is_error"] = true;
  return withCacheControl(message, result);
}

function toolUses(message: JsonObject): JsonObject[] {
  return objectsAt(message, "tool_calls").map((call) => {
    const { id, name, argumentsText } = callOf(call);
    const input = argumentsText.trim() === "" ? {} : parseObject(argumentsText);
    if (input === undefined) {
      const reason = `The arguments of tool call ${JSON.stringify(id)} are no JSON object.`;
      throw new GatewayError("INVALID_REQUEST", { reason }, { param: "messages" });
    }
    return withCacheControl(call, { type: "tool_use", id, name, input });
  });
}

/** @returns the choice that was translated. */
function addTools(
  body: JsonObject,
  chat: JsonObject,
  model: string,
  provider: string,
  dropped: string[],
): ToolChoice | undefined {
  const choice = readToolChoice(chat["tool_choice"]);
  if (choice === "unknown") {
    refuse("This tool_choice", provider, "use auto, none, required, a tool's name or allowed_tools.", "tool_choice");
  }
  const structured = takesStructure(model);
  const tools: JsonObject[] = [];
  for (const tool of objectsAt(chat, "tools")) {
    const type = stringAt(tool, "type");
    if (type !== "function" && type !== "custom") {
      refuse(`A tool of type "${type}"`, provider, "use tools of type function.", "tools");
    }
    if (choice?.allowed !== undefined && !choice.allowed.has(nameOfTool(tool) ?? "")) continue;
    if (type === "custom" && isObject(objectAt(tool, "custom")["format"])) noteDropped(dropped, "tools.format");
    const { name, description, parameters, strict } = objectAt(
      type === "custom" ? functionOfFreeform(tool) : tool,
      "function",
    );
    const input_schema = isObject(parameters) ? parameters : { type: "object", properties: {} };
    const translated: JsonObject = { name, description, input_schema };
    if (strict === true) {
      if (structured) translated["strict"] = true;
      else noteDropped(dropped, "tools.strict");
    }
    tools.push(withCacheControl(tool, translated));
  }
  if (tools.length === 0) return undefined;
  body["tools"] = tools;
  const serial = chat["parallel_tool_calls"] === false;
  if (choice === undefined && !serial) return undefined;
  const { mode, name } = choice ?? { mode: "auto" };
  const type = mode === "required" ? (name === undefined ? "any" : "tool") : mode;
  body["tool_choice"] = {
    type,
    ...(name === undefined ? {} : { name }),
    ...(serial && type !== "none" ? { disable_parallel_tool_use: true } : {}),
  };
  return choice;
}

function noteDropped(dropped: string[], name: string): void {
  if (!dropped.includes(name)) dropped.push(name);
}
