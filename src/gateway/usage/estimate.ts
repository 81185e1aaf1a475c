import { isObject } from "../json.ts";

/** Text beyond this is extrapolated from what was read, so that a huge prompt costs no CPU. */
const SCANNED_CHARS_MAX = 256 * 1024;
/** Letters per token inside a longer word; English prose averages about 1.3 tokens a word. */
const LETTERS_PER_TOKEN = 5;
/** What wraps each message of a chat. */
const TOKENS_PER_MESSAGE = 4;

/**
 * Tokens in a text, for accounting when a provider reports none ("word_heuristic").
 * A run of ASCII letters or digits counts one token per five characters begun, every other ASCII sign one, white space
 * none; CJK and emoji one per character, other scripts one per two. Within about 15 % of OpenAI's tokenizers on prose
 * and code.
 */
export function estimateTokens(text: string): number {
  const scanned = Math.min(text.length, SCANNED_CHARS_MAX);
  let tokens = 0;
  let run = 0;
  for (let index = 0; index < scanned; index++) {
    const code = text.charCodeAt(index);
    if (isWordCode(code)) {
      run++;
      continue;
    }
    if (run > 0) tokens += Math.ceil(run / LETTERS_PER_TOKEN);
    run = 0;
    if (code > 0x20 && code < 0x80) tokens += 1;
    else if (code >= 0x2e80) tokens += 1;
    else if (code >= 0x80) tokens += 0.5;
  }
  if (run > 0) tokens += Math.ceil(run / LETTERS_PER_TOKEN);
  return Math.ceil(scanned === 0 ? 0 : (tokens * text.length) / scanned);
}

function isWordCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
}

/** Tokens for characters of output whose text was not kept: about four characters a token. */
export function estimateTokensOfChars(chars: number): number {
  return Math.ceil(chars / 4);
}

/**
 * Input tokens of a chat or messages request, both formats: every text in system, messages and tool definitions.
 * Images count by their message's share only; their data is not text.
 */
export function estimateInputTokens(body: Record<string, unknown>): number {
  let tokens = textTokens(body["system"]);
  const messages = body["messages"];
  if (Array.isArray(messages)) {
    for (const message of messages) {
      tokens += TOKENS_PER_MESSAGE;
      if (!isObject(message)) continue;
      tokens += textTokens(message["content"]) + textTokens(message["tool_calls"]);
    }
  }
  if (Array.isArray(body["tools"]) && body["tools"].length > 0) tokens += estimateTokens(JSON.stringify(body["tools"]));
  return tokens;
}

/** Tokens of the texts in a content value: a string, or parts and blocks nested as both formats nest them. */
function textTokens(content: unknown): number {
  if (typeof content === "string") return estimateTokens(content);
  if (Array.isArray(content)) {
    let tokens = 0;
    for (const part of content) tokens += textTokens(part);
    return tokens;
  }
  if (!isObject(content)) return 0;
  let tokens = 0;
  for (const key of ["text", "content", "thinking", "name", "arguments"]) tokens += textTokens(content[key]);
  if (isObject(content["function"])) tokens += textTokens(content["function"]);
  if (isObject(content["input"])) tokens += estimateTokens(JSON.stringify(content["input"]));
  return tokens;
}
