import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { estimateInputTokens, estimateTokens } from "../usage/estimate.ts";
import type { ModelProfile } from "./models.ts";
import { hashText, Random } from "./random.ts";
import { sampleOf } from "./schema-sample.ts";
import { answerText, keyWords, pieces } from "./text.ts";

interface SimulatedToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** What a simulated model says to one request, before it is written in either wire format. */
export interface SimulatedAnswer {
  readonly id: string;
  readonly model: string;
  /** About one token each; empty when the model only calls tools. */
  readonly textPieces: readonly string[];
  readonly toolCalls: readonly SimulatedToolCall[];
  readonly finish: "stop" | "length" | "tools";
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Without reasoning. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Ms until the first token. */
  readonly firstTokenMs: number;
  /** Ms per token after it. */
  readonly tokenMs: number;
}

const FIRST_TOKEN_MS_MAX = 25_000;
const CRAWL_FACTOR = 6;
const ID_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
/** Anthropic's format has no JSON mode; a system prompt that asks for it is obeyed. */
const JSON_ASKED = /\bJSON object\b/i;
/** Prompts shorter than this are not cached (OpenAI's and Anthropic's rule). */
const CACHE_TOKENS_MIN = 1_024;

/**
 * Decides the answer. Both wire formats keep messages, tools and max_tokens under the same names, so one reader serves.
 * @param seed Different for every request, so that equal prompts get different answers.
 * @param prefixSeen Whether the beginning of this prompt has come before; long ones then count as cached.
 */
export function simulate(body: JsonObject, profile: ModelProfile, seed: number, prefixSeen: boolean): SimulatedAnswer {
  const prompt = lastUserText(body);
  const random = new Random(hashText(prompt) ^ Math.imul(seed, 0x9e3779b1));
  const inputTokens = Math.max(1, estimateInputTokens(body) + estimateTokens(stringAt(body, "prompt") ?? ""));
  const toolCalls = chooseToolCalls(body, prompt, random);
  const asked = body["max_completion_tokens"] ?? body["max_tokens"];
  const maxTokens = typeof asked === "number" ? asked : Number.POSITIVE_INFINITY;
  const all = toolCalls.length > 0 ? [] : pieces(textFor(body, prompt, profile, random));
  const textPieces = all.slice(0, maxTokens);
  const toolTokens = toolCalls.reduce((sum, call) => sum + 8 + Math.ceil(JSON.stringify(call.input).length / 3), 0);
  const reasoning = profile.reasoningTokens;
  const crawl = random.next() < (profile.crawlShare ?? 0) ? CRAWL_FACTOR : 1;
  return {
    id: Array.from({ length: 24 }, () => random.pick([...ID_SIGNS])).join(""),
    model: String(body["model"]),
    textPieces,
    toolCalls,
    finish: toolCalls.length > 0 ? "tools" : textPieces.length < all.length ? "length" : "stop",
    inputTokens,
    cachedTokens: prefixSeen && inputTokens >= CACHE_TOKENS_MIN ? Math.floor((inputTokens * 0.8) / 128) * 128 : 0,
    outputTokens: textPieces.length + toolTokens,
    reasoningTokens: reasoning === undefined ? 0 : random.integer(...reasoning),
    firstTokenMs: Math.min(FIRST_TOKEN_MS_MAX, random.logNormal(profile.firstTokenMs, 0.35)),
    tokenMs: (crawl * 1_000) / (profile.tokensPerSecond * (0.8 + 0.4 * random.next())),
  };
}

function textFor(body: JsonObject, prompt: string, profile: ModelProfile, random: Random): string {
  const format = objectAt(body, "response_format");
  const schema = objectAt(objectAt(format, "json_schema"), "schema");
  const anthropicFormat = objectAt(objectAt(body, "output_config"), "format");
  if (stringAt(format, "type") === "json_schema") return JSON.stringify(sampleOf(schema, random, keyWords(prompt)));
  if (stringAt(anthropicFormat, "type") === "json_schema") {
    return JSON.stringify(sampleOf(anthropicFormat["schema"], random, keyWords(prompt)));
  }
  const tokens = random.integer(...profile.answerTokens);
  if (stringAt(format, "type") === "json_object" || JSON_ASKED.test(plainText(body["system"]))) {
    return JSON.stringify({ topic: keyWords(prompt).join(" "), answer: answerText(prompt, tokens / 2, random) });
  }
  const result = lastToolResult(body);
  if (result !== undefined)
    return `According to the tool: ${result.slice(0, 400)}\n\n${answerText(prompt, tokens / 2, random)}`;
  return answerText(prompt, tokens, random);
}

function lastUserText(body: JsonObject): string {
  const { prompt } = body;
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(prompt)) return prompt.filter((text) => typeof text === "string").join(" ");
  const texts = objectsAt(body, "messages")
    .filter((message) => message["role"] === "user")
    .map((message) => plainText(message["content"]))
    .filter((text) => text !== "");
  return texts.at(-1) ?? "";
}

function plainText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isObject(part) ? (stringAt(part, "text") ?? "") : ""))
    .join(" ")
    .trim();
}

/** The last message's tool result in either format, or undefined when the last message is none. */
function lastToolResult(body: JsonObject): string | undefined {
  const last = objectsAt(body, "messages").at(-1);
  if (last === undefined) return undefined;
  if (last["role"] === "tool") return plainText(last["content"]);
  const blocks = Array.isArray(last["content"]) ? last["content"].filter(isObject) : [];
  const result = blocks.findLast((block) => block["type"] === "tool_result");
  return result === undefined ? undefined : plainText(result["content"]);
}

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly schema: unknown;
}

function toolsOf(body: JsonObject): Tool[] {
  return objectsAt(body, "tools").flatMap((tool) => {
    const fn = isObject(tool["function"]) ? tool["function"] : tool;
    const name = stringAt(fn, "name");
    if (name === undefined) return [];
    return {
      name,
      description: stringAt(fn, "description") ?? "",
      schema: fn["parameters"] ?? fn["input_schema"] ?? {},
    };
  });
}

/** Obeys a forced choice; without one, calls a tool whose name or description the prompt speaks of. */
function chooseToolCalls(body: JsonObject, prompt: string, random: Random): SimulatedToolCall[] {
  const tools = toolsOf(body);
  const choice = body["tool_choice"];
  if (tools.length === 0 || choice === "none" || (isObject(choice) && choice["type"] === "none")) return [];
  const call = (tool: Tool): SimulatedToolCall => ({
    id: `call_${Array.from({ length: 20 }, () => random.pick([...ID_SIGNS])).join("")}`,
    name: tool.name,
    input: sampleOf(tool.schema, random, keyWords(prompt)),
  });
  const named = isObject(choice)
    ? (stringAt(objectAt(choice, "function"), "name") ?? stringAt(choice, "name"))
    : undefined;
  if (named !== undefined)
    return tools
      .filter((tool) => tool.name === named)
      .slice(0, 1)
      .map(call);
  const forced = choice === "required" || (isObject(choice) && choice["type"] === "any");
  if (!forced && lastToolResult(body) !== undefined) return [];
  const fitting = tools.filter((tool) => speaksOf(prompt, tool));
  const chosen = fitting.length > 0 ? fitting : forced ? tools.slice(0, 1) : [];
  const serial =
    body["parallel_tool_calls"] === false || (isObject(choice) && choice["disable_parallel_tool_use"] === true);
  if (chosen.length === 1 && !serial && / and /i.test(prompt)) return [call(chosen[0]!), call(chosen[0]!)];
  return chosen.slice(0, serial ? 1 : 4).map(call);
}

function speaksOf(prompt: string, tool: Tool): boolean {
  const words = new Set(keyWords(prompt).map((word) => word.toLowerCase()));
  const toolWords = `${tool.name.replaceAll(/[_-]|(?<=[a-z])(?=[A-Z])/g, " ")} ${tool.description}`;
  return keyWords(toolWords).some((word) => word.length > 3 && words.has(word.toLowerCase()));
}
