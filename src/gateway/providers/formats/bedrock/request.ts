import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { reasoningOf } from "../../../translation/reasoning.ts";
import { thinkingForAnthropic } from "../../../translation/reasoning-effort.ts";
import {
  droppedMembers,
  refuse,
  refuseMediaAndFunctions,
  type TranslatedRequest,
} from "../../../translation/translated.ts";
import { appendTurn } from "../../../translation/turns.ts";
import { argumentsOf, contentParts, toolNames } from "../chat-parts.ts";
import { bedrockBlock } from "./blocks.ts";

/** Who can read Claude's signatures, in OpenRouter's words; Bedrock passes them on. */
const CLAUDE_REASONING = "anthropic-claude-v1";
const CLAUDE = /anthropic\.|claude/;
/** Models that take cache points ("Prompt caching for faster model inference"). */
const CACHING = /claude|nova/;
const CACHE_POINT = { cachePoint: { type: "default" } };
const JSON_INSTRUCTION = "Answer with one valid JSON object and nothing else.";

const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["top_k", "stop", "n", "logprobs", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls"],
  ...["response_format", "reasoning_effort", "reasoning", "thinking", "modalities", "audio", "functions"],
  ...["function_call", "guardrail_config", "additional_model_request_fields"],
]);

/**
 * A chat completion request as the body of Bedrock's Converse (API reference, "Converse"). Rules: docs/providers.md.
 * @throws GatewayError NOT_TRANSLATABLE, INVALID_REQUEST.
 */
export function bedrockRequest(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  refuseWhatCannotBeSaid(chat, provider);
  const caching = CACHING.test(model);
  const { system, messages } = translateMessages(chat, provider, caching);
  const body: JsonObject = { messages };
  const additional: JsonObject = { ...objectAt(chat, "additional_model_request_fields") };
  const maxTokens = numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens");
  const inference: JsonObject = maxTokens === undefined ? {} : { maxTokens };
  const dropped = droppedMembers(chat, HANDLED);
  addReasoning(chat, model, additional, inference, dropped);
  // Claude takes no temperature while it thinks.
  const thinks = isObject(additional["thinking"]) && stringAt(additional["thinking"], "type") !== "disabled";
  const temperature = numberAt(chat, "temperature");
  if (temperature !== undefined && !thinks) inference["temperature"] = Math.min(1, temperature);
  const topP = numberAt(chat, "top_p");
  if (topP !== undefined) inference["topP"] = topP;
  const { stop } = chat;
  if (typeof stop === "string") inference["stopSequences"] = [stop];
  else if (Array.isArray(stop) && stop.length > 0) inference["stopSequences"] = stop;
  if (Object.keys(inference).length > 0) body["inferenceConfig"] = inference;
  const topK = numberAt(chat, "top_k");
  if (topK !== undefined && CLAUDE.test(model)) additional["top_k"] = topK;
  else if (topK !== undefined) dropped.push("top_k");
  addFormat(chat, body, system);
  if (system.length > 0) body["system"] = system;
  addTools(chat, body, additional, { provider, model, caching, dropped });
  if (isObject(chat["guardrail_config"])) body["guardrailConfig"] = chat["guardrail_config"];
  if (Object.keys(additional).length > 0) body["additionalModelRequestFields"] = additional;
  return { body, dropped };
}

function refuseWhatCannotBeSaid(chat: JsonObject, provider: string): void {
  if ((numberAt(chat, "n") ?? 1) > 1) refuse("n above 1", provider, "send one request per answer.", "n");
  if (chat["logprobs"] === true || (numberAt(chat, "top_logprobs") ?? 0) > 0) {
    refuse("logprobs", provider, "it does not report them.", "logprobs");
  }
  refuseMediaAndFunctions(chat, provider);
}

function translateMessages(
  chat: JsonObject,
  provider: string,
  caching: boolean,
): { system: JsonObject[]; messages: JsonObject[] } {
  const system: JsonObject[] = [];
  const messages: JsonObject[] = [];
  const append = (role: "user" | "assistant", blocks: JsonObject[]): void =>
    appendTurn(messages, role, "content", blocks);
  let documents = 0;
  const blocksOf = (content: unknown): JsonObject[] =>
    contentParts(content).flatMap((part) => {
      const block = bedrockBlock(part, provider, () => `document-${++documents}`);
      if (block === undefined) return [];
      return caching && isObject(part["cache_control"]) ? [block, CACHE_POINT] : [block];
    });
  for (const message of objectsAt(chat, "messages")) {
    const role = stringAt(message, "role");
    if (role === "system" || role === "developer") system.push(...blocksOf(message["content"]));
    else if (role === "user") append("user", blocksOf(message["content"]));
    else if (role === "assistant") {
      append("assistant", [...thoughts(message), ...blocksOf(message["content"]), ...toolUses(message)]);
    } else if (role === "tool") append("user", [toolResult(message, blocksOf)]);
    else refuse(`Role "${role}"`, provider, "use system, user, assistant or tool.", "messages");
  }
  return { system, messages };
}

/** Only what Claude signed or encrypted is taken back. */
function thoughts(message: JsonObject): JsonObject[] {
  return reasoningOf(message).details.flatMap(({ type, text, signature, data, format }): JsonObject[] => {
    if (format !== undefined && format !== CLAUDE_REASONING) return [];
    if (type === "reasoning.encrypted" && data) return [{ reasoningContent: { redactedContent: data } }];
    if (!signature) return [];
    return [{ reasoningContent: { reasoningText: { text: text ?? "", signature } } }];
  });
}

function toolUses(message: JsonObject): JsonObject[] {
  return objectsAt(message, "tool_calls").map((call) => ({
    toolUse: {
      toolUseId: stringAt(call, "id") ?? "",
      name: stringAt(objectAt(call, "function"), "name") ?? "",
      input: argumentsOf(call),
    },
  }));
}

function toolResult(message: JsonObject, blocksOf: (content: unknown) => JsonObject[]): JsonObject {
  const blocks = blocksOf(message["content"]).filter((block) => block["cachePoint"] === undefined);
  const content = blocks.length === 0 ? [{ text: " " }] : blocks; // It must not be empty.
  const result: JsonObject = { toolUseId: stringAt(message, "tool_call_id") ?? "", content };
  if (message["is_error"] === true) result["status"] = "error";
  return { toolResult: result };
}

function addFormat(chat: JsonObject, body: JsonObject, system: JsonObject[]): void {
  const format = objectAt(chat, "response_format");
  const type = stringAt(format, "type");
  if (type === "json_object") system.push({ text: JSON_INSTRUCTION });
  if (type !== "json_schema") return;
  const { name, description, schema } = objectAt(format, "json_schema");
  const jsonSchema: JsonObject = { schema: JSON.stringify(schema ?? {}) };
  if (typeof name === "string") jsonSchema["name"] = name;
  if (typeof description === "string") jsonSchema["description"] = description;
  body["outputConfig"] = { textFormat: { type: "json_schema", structure: { jsonSchema } } };
}

interface ToolContext {
  readonly provider: string;
  readonly model: string;
  readonly caching: boolean;
  readonly dropped: string[];
}

function addTools(chat: JsonObject, body: JsonObject, additional: JsonObject, context: ToolContext): void {
  const { provider, model, caching, dropped } = context;
  const tools: JsonObject[] = [];
  for (const tool of objectsAt(chat, "tools")) {
    if (stringAt(tool, "type") !== "function") {
      refuse(`A tool of type "${stringAt(tool, "type")}"`, provider, "use tools of type function.", "tools");
    }
    const { name, description, parameters } = objectAt(tool, "function");
    const toolSpec: JsonObject = {
      name,
      inputSchema: { json: isObject(parameters) ? parameters : { type: "object", properties: {} } },
    };
    if (typeof description === "string" && description !== "") toolSpec["description"] = description;
    tools.push({ toolSpec });
    if (caching && isObject(tool["cache_control"])) tools.push(CACHE_POINT);
  }
  const choice = chat["tool_choice"];
  const usedNames = new Set(toolNames(objectsAt(chat, "messages")).values());
  if (choice === "none" && tools.length > 0) {
    if (usedNames.size > 0) refuse('tool_choice "none" after calls of tools', provider, "use auto.", "tool_choice");
    return;
  }
  // Converse wants every tool of the history declared, though the client may offer none any more.
  if (tools.length === 0) {
    for (const name of usedNames) tools.push({ toolSpec: { name, inputSchema: { json: { type: "object" } } } });
  }
  if (tools.length === 0) return;
  const toolConfig: JsonObject = { tools };
  const named = isObject(choice) ? stringAt(objectAt(choice, "function"), "name") : undefined;
  if (named !== undefined) toolConfig["toolChoice"] = { tool: { name: named } };
  else if (choice === "required") toolConfig["toolChoice"] = { any: {} };
  else if (choice === "auto") toolConfig["toolChoice"] = { auto: {} };
  body["toolConfig"] = toolConfig;
  if (chat["parallel_tool_calls"] !== false) return;
  if (CLAUDE.test(model) && named === undefined) {
    const type = choice === "required" ? "any" : "auto";
    additional["tool_choice"] = { type, disable_parallel_tool_use: true };
    delete toolConfig["toolChoice"];
  } else dropped.push("parallel_tool_calls");
}

/** Each maker has a word of its own for how much to think; Converse passes it on in `additionalModelRequestFields`. */
function addReasoning(
  chat: JsonObject,
  model: string,
  additional: JsonObject,
  inference: JsonObject,
  dropped: string[],
): void {
  const effort = stringAt(chat, "reasoning_effort") ?? stringAt(objectAt(chat, "reasoning"), "effort");
  if (CLAUDE.test(model)) {
    const choice = chat["tool_choice"];
    const forced = choice === "required" || isObject(choice);
    const maxTokens = numberAt(inference, "maxTokens");
    const said = thinkingForAnthropic(chat, model, maxTokens, !forced);
    if (said.thinking !== undefined) additional["thinking"] = said.thinking;
    if (said.effort !== undefined) additional["output_config"] = { effort: said.effort };
    if (said.maxTokens !== undefined) inference["maxTokens"] = said.maxTokens;
    if (!said.honoured) dropped.push("reasoning_effort");
    return;
  }
  if (effort === undefined) return;
  if (/openai\.|gpt-oss|deepseek|qwen/.test(model)) additional["reasoning_effort"] = effort;
  else if (/nova-2/.test(model)) {
    additional["reasoningConfig"] =
      effort === "none" ? { type: "disabled" } : { type: "enabled", maxReasoningEffort: effort };
  } else dropped.push("reasoning_effort");
}
