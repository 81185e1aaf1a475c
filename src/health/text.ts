import { ERROR_CHARS_MAX, NAME_CHARS_MAX } from "./limits.ts";

/** Control characters: Postgres stores no NUL, and none of them is part of a name. */
const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}+/gu;

/** True for what can be the name of a provider, model or gateway. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= NAME_CHARS_MAX && !CONTROL.test(value);
}

/** Somebody else's words as they are stored: on one line, and not too long. */
export function storedText(text: string, charsMax = ERROR_CHARS_MAX): string {
  return text.slice(0, charsMax).replace(CONTROLS, " ");
}
