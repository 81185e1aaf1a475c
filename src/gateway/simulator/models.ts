/** How a simulated model behaves. */
export interface ModelProfile {
  /** Median time to the first token, ms. */
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
  /** Tokens of a usual answer: from, to. */
  readonly answerTokens: readonly [number, number];
  /** Models that think first report these as reasoning tokens. */
  readonly reasoningTokens?: readonly [number, number];
  /** Share of answers that crawl, at a sixth of the speed: past the limits where slow providers are counted. */
  readonly crawlShare?: number;
}

const PROFILES: Readonly<Record<string, ModelProfile>> = {
  "gpt-4o": { firstTokenMs: 380, tokensPerSecond: 95, answerTokens: [60, 180] },
  "gpt-4o-mini": { firstTokenMs: 260, tokensPerSecond: 130, answerTokens: [40, 140] },
  "gpt-4.1": { firstTokenMs: 420, tokensPerSecond: 90, answerTokens: [60, 180] },
  "gpt-4.1-mini": { firstTokenMs: 280, tokensPerSecond: 125, answerTokens: [40, 140] },
  "gpt-5": { firstTokenMs: 900, tokensPerSecond: 90, answerTokens: [60, 180], reasoningTokens: [64, 320] },
  "gpt-5.2": { firstTokenMs: 800, tokensPerSecond: 95, answerTokens: [60, 180], reasoningTokens: [32, 256] },
  "o4-mini": { firstTokenMs: 1_100, tokensPerSecond: 110, answerTokens: [50, 160], reasoningTokens: [64, 384] },
  "text-embedding-3-small": { firstTokenMs: 70, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "text-embedding-3-large": { firstTokenMs: 110, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "text-embedding-ada-002": { firstTokenMs: 90, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "omni-moderation-latest": { firstTokenMs: 120, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "dall-e-3": { firstTokenMs: 900, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "gpt-image-1": { firstTokenMs: 1_200, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "whisper-1": { firstTokenMs: 300, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "gpt-4o-transcribe": { firstTokenMs: 250, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "tts-1": { firstTokenMs: 200, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "gpt-4o-mini-tts": { firstTokenMs: 200, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "gpt-3.5-turbo-instruct": { firstTokenMs: 240, tokensPerSecond: 110, answerTokens: [30, 120] },
  "sim-rerank": { firstTokenMs: 80, tokensPerSecond: 1_000, answerTokens: [0, 0] },
  "claude-sonnet-4-5": { firstTokenMs: 620, tokensPerSecond: 75, answerTokens: [70, 200] },
  "claude-haiku-4-5": { firstTokenMs: 340, tokensPerSecond: 140, answerTokens: [40, 140] },
  "claude-sonnet-4-6": { firstTokenMs: 580, tokensPerSecond: 80, answerTokens: [70, 200] },
  "claude-opus-4-6": { firstTokenMs: 800, tokensPerSecond: 60, answerTokens: [80, 200] },
  "claude-opus-4-1": { firstTokenMs: 950, tokensPerSecond: 45, answerTokens: [80, 200] },
  "gemini-2.5-flash": { firstTokenMs: 300, tokensPerSecond: 160, answerTokens: [50, 160] },
  "gemini-2.5-pro": { firstTokenMs: 900, tokensPerSecond: 85, answerTokens: [80, 200] },
  "llama-3.3-70b": { firstTokenMs: 140, tokensPerSecond: 320, answerTokens: [50, 160] },
  "llama-3.3-70b-versatile": { firstTokenMs: 160, tokensPerSecond: 260, answerTokens: [50, 160] },
  "deepseek-chat": { firstTokenMs: 700, tokensPerSecond: 55, answerTokens: [60, 180] },
  "grok-4": { firstTokenMs: 800, tokensPerSecond: 70, answerTokens: [60, 180] },
  "sim-flaky": { firstTokenMs: 300, tokensPerSecond: 120, answerTokens: [30, 100] },
  "sim-slow": { firstTokenMs: 6_000, tokensPerSecond: 12, answerTokens: [30, 80], crawlShare: 0.2 },
};

export interface SimulatedProvider {
  readonly type: "openai" | "anthropic";
  readonly models: readonly string[];
  /** Fails in the ways of faults.ts; ordinary providers never do. */
  readonly faulty?: boolean;
}

/**
 * Which models answer under which simulated provider name, and in which wire format. Those that the vendors' quick starts
 * name are among them, so that their first call works here unchanged.
 */
export const SIMULATED_PROVIDERS: Readonly<Record<string, SimulatedProvider>> = {
  openai: {
    type: "openai",
    models: [
      "gpt-4o",
      "gpt-4o-mini",
      "gpt-4.1",
      "gpt-4.1-mini",
      "gpt-5",
      "gpt-5.2",
      "o4-mini",
      "gpt-3.5-turbo-instruct",
      "text-embedding-3-small",
      "text-embedding-3-large",
      "text-embedding-ada-002",
      "omni-moderation-latest",
      "dall-e-3",
      "gpt-image-1",
      "whisper-1",
      "gpt-4o-transcribe",
      "tts-1",
      "gpt-4o-mini-tts",
    ],
  },
  anthropic: {
    type: "anthropic",
    models: ["claude-sonnet-4-5", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-1", "claude-opus-4-6"],
  },
  "google-vertex": { type: "openai", models: ["gemini-2.5-flash", "gemini-2.5-pro"] },
  "sim-rerank": { type: "openai", models: ["sim-rerank"] },
  groq: { type: "openai", models: ["llama-3.3-70b-versatile", "llama-3.3-70b"] },
  cerebras: { type: "openai", models: ["llama-3.3-70b"] },
  deepseek: { type: "openai", models: ["deepseek-chat"] },
  xai: { type: "openai", models: ["grok-4"] },
  openrouter: { type: "openai", models: ["openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"] },
  "sim-flaky": { type: "openai", models: ["sim-flaky"], faulty: true },
  // Behind sim-flaky in the order of names: where the gateway goes when sim-flaky fails or its breaker is open.
  "sim-standby": { type: "openai", models: ["sim-flaky"] },
  "sim-slow": { type: "openai", models: ["sim-slow"] },
};

/** The behaviour of a model, whatever vendor prefix its id carries. */
export function profileOf(model: string): ModelProfile | undefined {
  return PROFILES[model.slice(model.lastIndexOf("/") + 1)];
}
