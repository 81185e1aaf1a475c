import { type JsonObject, objectAt, stringAt } from "../json.ts";

const END_USER_CHARS_MAX = 200;

/** Whom the client says it acts for: OpenAI's `safety_identifier` or `user`, Anthropic's `metadata.user_id`. */
export function endUserOf(body: JsonObject): string | undefined {
  const named =
    stringAt(body, "safety_identifier") ?? stringAt(body, "user") ?? stringAt(objectAt(body, "metadata"), "user_id");
  return named === undefined || named === "" ? undefined : named.slice(0, END_USER_CHARS_MAX);
}
