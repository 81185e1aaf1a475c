import { FOLLOW_UPS, QUESTIONS, SYSTEM_PROMPTS, TOOL, TOOL_QUESTIONS } from "./prompts.ts";

/** A number in [0, 1); `Math.random`, or a seeded one in tests. */
export type Random = () => number;

/** One request of the demo, ready to send. */
export interface PlannedRequest {
  readonly path: "/v1/chat/completions" | "/v1/messages";
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Shares of the traffic. Trouble comes only from the models that are made for it. */
const FLAKY_SHARE = 0.03;
const SLOW_SHARE = 0.01;
const MESSAGES_SHARE = 0.3;
const STREAM_SHARE = 0.6;
const TOOLS_SHARE = 0.1;
const CONVERSATION_SHARE = 0.25;
/** Questions that are asked again and again, word for word, and may be answered from the response cache. */
const REPEATED_SHARE = 0.08;
const REPEATED_QUESTIONS = 4;

/** Chooses what to ask whom, from the models that the gateway lists. @returns undefined when it lists none. */
export function planRequest(models: readonly string[], random: Random): PlannedRequest | undefined {
  const model = pickModel(models, random);
  if (model === undefined) return undefined;
  if (!model.startsWith("sim-") && random() < REPEATED_SHARE) return repeated(model, random);
  const stream = random() < STREAM_SHARE;
  const tools = random() < TOOLS_SHARE;
  const common = {
    model,
    max_tokens: 64 + Math.floor(random() * 192),
    ...(random() < 0.5 ? { temperature: Math.round(random() * 10) / 10 } : {}),
    ...(stream ? { stream: true } : {}),
  };
  const system = pick(SYSTEM_PROMPTS, random);
  const turns = tools ? [{ role: "user", content: pick(TOOL_QUESTIONS, random) }] : conversation(random);
  if (random() < MESSAGES_SHARE) {
    const tool = { name: TOOL.name, description: TOOL.description, input_schema: TOOL.parameters };
    return {
      path: "/v1/messages",
      body: { ...common, system, messages: turns, ...(tools ? { tools: [tool] } : {}) },
    };
  }
  const messages = [{ role: "system", content: system }, ...turns];
  const usage = stream && random() < 0.5 ? { stream_options: { include_usage: true } } : {};
  const tool = { type: "function", function: TOOL };
  return {
    path: "/v1/chat/completions",
    body: { ...common, ...usage, messages, ...(tools ? { tools: [tool] } : {}) },
  };
}

function repeated(model: string, random: Random): PlannedRequest {
  const content = QUESTIONS[Math.floor(random() * REPEATED_QUESTIONS)];
  const body = { model, max_tokens: 128, temperature: 0, messages: [{ role: "user", content }] };
  return { path: "/v1/chat/completions", body, headers: { "x-gatewayz-cache": "on" } };
}

function conversation(random: Random): { role: string; content: string }[] {
  const question = { role: "user", content: pick(QUESTIONS, random) };
  if (random() >= CONVERSATION_SHARE) return [question];
  const answer = { role: "assistant", content: "It depends; in short, measure first and change one thing at a time." };
  return [question, answer, { role: "user", content: pick(FOLLOW_UPS, random) }];
}

/** A few percent go to the models that fail or are slow; of the others some are asked far more than the rest. */
function pickModel(models: readonly string[], random: Random): string | undefined {
  const share = random();
  if (share < FLAKY_SHARE && models.includes("sim-flaky")) return "sim-flaky";
  if (share > 1 - SLOW_SHARE && models.includes("sim-slow")) return "sim-slow";
  const ordinary = models.filter((model) => !model.startsWith("sim-"));
  // The square makes the first half of the list take most of the traffic, as real model usage does.
  return ordinary[Math.floor(random() ** 2 * ordinary.length)];
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

const DAY_MS = 86_400_000;
/** A second, faster wave makes the load move visibly within the first minutes. */
const WAVE_MS = 7 * 60_000;

/** Load at a time of day as a factor around 1: quiet at night (UTC), busy in the afternoon, with a slow wave on top. */
export function loadFactor(nowMs: number): number {
  const day = 0.3 * Math.sin((2 * Math.PI * (nowMs % DAY_MS)) / DAY_MS - (2 * Math.PI * 9) / 24);
  const wave = 0.2 * Math.sin((2 * Math.PI * (nowMs % WAVE_MS)) / WAVE_MS);
  return 1 + day + wave;
}
