import type { Quirks } from "../quirks.ts";

/** DeepSeek ("Thinking mode"): between tool calls it wants the `reasoning_content` of its earlier answers back. */
export const deepseek: Quirks = { extensions: { historyReasoning: "reasoning_content" } };
