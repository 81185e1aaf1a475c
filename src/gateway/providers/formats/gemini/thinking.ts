import { type JsonObject, numberAt, objectAt, stringAt } from "../../../json.ts";

/** Gemini 3 and later take levels, 2.5 takes budgets (Gemini API, "Thinking"); older models do not think. */
const LEVELS = /gemini-([3-9]|\d\d)/;
const BUDGETS = /gemini-(2\.5|flash-latest|flash-lite-latest|pro-latest)/;
/** Tokens for an effort, as Google's own OpenAI-compatible endpoint maps them. */
const BUDGET_OF: Readonly<Record<string, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 };
/** Gemini 2.5 Pro cannot stop thinking. */
const PRO_BUDGET_MIN = 128;
const MEDIUM_BUDGET = 4_096;
const HIGH_BUDGET = 16_384;

/**
 * `thinkingConfig` for what the client says of reasoning: OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, or
 * Anthropic's `thinking`; undefined when it says nothing or the model cannot think.
 */
export function thinkingConfig(chat: JsonObject, model: string): JsonObject | undefined {
  const unified = objectAt(chat, "reasoning");
  const own = objectAt(chat, "thinking");
  const effort = stringAt(chat, "reasoning_effort") ?? stringAt(unified, "effort");
  const budget = numberAt(own, "budget_tokens") ?? numberAt(unified, "max_tokens");
  const off = effort === "none" || stringAt(own, "type") === "disabled" || unified["enabled"] === false;
  const asked = effort !== undefined || budget !== undefined || unified["enabled"] === true || stringAt(own, "type");
  if (!asked && !off) return undefined;
  const isPro = model.includes("pro");
  if (LEVELS.test(model)) {
    if (off) return { thinkingLevel: isPro ? "low" : "minimal" };
    return { includeThoughts: true, thinkingLevel: level(effort ?? effortOf(budget), isPro) };
  }
  if (!BUDGETS.test(model)) return undefined;
  if (off) return { thinkingBudget: isPro ? PRO_BUDGET_MIN : 0 };
  const tokens = budget ?? BUDGET_OF[effort ?? ""] ?? (effort === undefined ? -1 : BUDGET_OF["high"]);
  return { includeThoughts: true, thinkingBudget: tokens };
}

/** Pro models know low and high only. */
function level(effort: string, isPro: boolean): string {
  if (effort === "minimal") return isPro ? "low" : "minimal";
  if (effort === "low") return "low";
  if (effort === "medium") return isPro ? "high" : "medium";
  return "high";
}

function effortOf(budget: number | undefined): string {
  if (budget === undefined || budget >= HIGH_BUDGET) return "high";
  return budget >= MEDIUM_BUDGET ? "medium" : "low";
}
