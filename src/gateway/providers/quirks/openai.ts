import type { Quirks } from "../quirks.ts";

/** OpenAI's reasoning models refuse `max_tokens` ("Use 'max_completion_tokens' instead"). */
export const openai: Quirks = { maxCompletionTokensFor: /^(o\d|gpt-5)/, responses: true, chatOnly: true };
