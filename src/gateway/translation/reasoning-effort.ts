import { type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import { MAX_TOKENS_DEFAULT } from "../limits.ts";

/** `thinking.budget_tokens` for an effort, where a model takes budgets. Below Anthropic's smallest output limit, 32,000. */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 24_576,
  max: 24_576,
};
/** Anthropic's smallest budget. */
const BUDGET_MIN = 1_024;
/** Tokens that must remain for the answer itself. */
const ANSWER_TOKENS_MIN = 1_024;
/** Budgets from these on are called medium and high. */
const MEDIUM_BUDGET = 4_096;
const HIGH_BUDGET = 16_384;

/** Claude models that decide themselves how much to think, guided by an effort (4.6 and newer). */
const ADAPTIVE = /claude-(opus|sonnet|haiku)-(4[-.]([6-9]|\d{2}(?!\d))|[5-9]|\d{2}(?!\d))|claude-(fable|mythos)/;
/** Claude models that cannot think at all. */
const THOUGHTLESS = /claude-(instant|2|3-(opus|sonnet|haiku|5))/;
/** Claude models before structured outputs and strict tools (Sonnet 4.5, Opus 4.1). */
const UNSTRUCTURED = /claude-(instant|2|3|(opus|sonnet)-4(-0|-2025|@|$))/;

/** Models of chat completions that take `reasoning_effort`; others refuse a request that has it. */
const REASONING_MODELS =
  /(^|\/)(o[1-9]|gpt-([5-9]|oss)|grok-(3-mini|[4-9])|gemini-(2\.5|[3-9])|deepseek-(v[3-9]|reasoner|r\d)|qwen3|qwq|kimi-k2|glm-(4\.[5-9]|[5-9])|magistral|minimax-m)/;

/** Models that are known not to think. */
const PLAIN_MODELS = /(^|\/)(gpt-[34]|chatgpt|llama|mixtral|mistral|codestral|ministral|gemma|command)/;

/** What an Anthropic request says about thinking, and what could not be said. */
export interface AnthropicThinking {
  readonly thinking?: JsonObject;
  readonly effort?: string;
  readonly maxTokens: number;
  /** False when the client asked to think and this request cannot. */
  readonly honoured: boolean;
}

/**
 * Thinking for a chat client's request, by the table of docs/translation.md.
 * @param maxTokens What the client gave.
 * @param allowed False where Anthropic would refuse to think: a tool is forced, or its own thinking is missing in the
 *   history of a tool's result.
 */
export function thinkingForAnthropic(
  chat: JsonObject,
  model: string,
  maxTokens: number | undefined,
  allowed: boolean,
): AnthropicThinking {
  const plain: AnthropicThinking = { maxTokens: maxTokens ?? MAX_TOKENS_DEFAULT, honoured: true };
  const own = objectAt(chat, "thinking"); // LiteLLM's clients send Anthropic's member as it is.
  const unified = objectAt(chat, "reasoning"); // OpenRouter's.
  const effort = stringAt(chat, "reasoning_effort") ?? stringAt(unified, "effort");
  const budget = numberAt(own, "budget_tokens") ?? numberAt(unified, "max_tokens");
  const type = stringAt(own, "type");
  const asked = type !== undefined || budget !== undefined || unified["enabled"] === true || effort !== undefined;
  if (!asked) return plain;
  if (type === "disabled" || effort === "none" || unified["enabled"] === false) {
    return ADAPTIVE.test(model) ? { ...plain, thinking: { type: "disabled" } } : plain;
  }
  if (THOUGHTLESS.test(model)) return { ...plain, honoured: false };
  if (ADAPTIVE.test(model)) return { ...plain, ...adaptive(effort ?? effortOfBudget(budget), allowed) };
  const wanted = budget ?? BUDGETS[effort ?? "medium"] ?? BUDGETS["medium"]!;
  const room = maxTokens === undefined ? Number.POSITIVE_INFINITY : maxTokens - ANSWER_TOKENS_MIN;
  const given = Math.min(Math.max(wanted, BUDGET_MIN), room);
  if (!allowed || given < BUDGET_MIN) return { ...plain, honoured: false };
  return {
    thinking: { type: "enabled", budget_tokens: given },
    maxTokens: maxTokens ?? given + MAX_TOKENS_DEFAULT,
    honoured: true,
  };
}

function adaptive(effort: string | undefined, allowed: boolean): Omit<AnthropicThinking, "maxTokens"> {
  const known = effort === "minimal" ? "low" : effort;
  const said = known !== undefined && BUDGETS[known] !== undefined ? { effort: known } : {};
  return allowed ? { thinking: { type: "adaptive" }, ...said, honoured: true } : { ...said, honoured: true };
}

function effortOfBudget(budget: number | undefined): string | undefined {
  if (budget === undefined) return undefined;
  if (budget >= HIGH_BUDGET) return "high";
  return budget >= MEDIUM_BUDGET ? "medium" : "low";
}

/**
 * `reasoning_effort` for an Anthropic client's `thinking` and `output_config.effort`; undefined when it leaves that to
 * the model. xhigh and max become high, the most that every reasoning model takes.
 */
export function effortForChat(request: JsonObject): string | undefined {
  const thinking = objectAt(request, "thinking");
  const effort = stringAt(objectAt(request, "output_config"), "effort");
  const type = stringAt(thinking, "type");
  if (type === "disabled") return undefined;
  if (effort !== undefined) return effort === "xhigh" || effort === "max" ? "high" : effort;
  return type === "enabled" ? effortOfBudget(numberAt(thinking, "budget_tokens")) : undefined;
}

/** Whether a model of chat completions takes `reasoning_effort`. */
export function takesEffort(model: string): boolean {
  return REASONING_MODELS.test(model.toLowerCase());
}

/** Whether a model of chat completions is known to refuse `reasoning_effort`; of most nothing is known. */
export function refusesEffort(model: string): boolean {
  return PLAIN_MODELS.test(model.toLowerCase());
}

/** Whether a Claude model takes `output_config.format` and strict tools. Others than Claude are taken to. */
export function takesStructure(model: string): boolean {
  return !UNSTRUCTURED.test(model.toLowerCase());
}
