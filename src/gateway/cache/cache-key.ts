import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "../json.ts";
import type { RequestRecord } from "../request-record.ts";

/** Members of a request that say nothing about its answer. `user` stays in: end users do not share answers. */
const IGNORED: ReadonlySet<string> = new Set(["metadata", "prompt_cache_key", "prompt_cache_retention"]);
/** Headers that change what a provider answers. */
const ANSWER_HEADERS = ["anthropic-version", "anthropic-beta", "openai-beta"] as const;

/**
 * The name under which an answer is kept: SHA-256 in hex over everything that shapes it. Two requests have one name only
 * if they came with the same key to the same route and say the same, whatever the order of their members.
 * @param body As validated; nesting is bounded by the parser.
 * @param alias What the model's name stands for now, so that another meaning is another answer.
 */
export function cacheKey(
  record: RequestRecord,
  headers: IncomingHttpHeaders,
  body: JsonObject,
  alias: unknown,
): string {
  const hash = createHash("sha256");
  hash.update(`v1\n${record.client?.keyHash}\n${record.route}\n`);
  for (const name of ANSWER_HEADERS) hash.update(`${String(headers[name] ?? "")}\n`);
  if (alias !== undefined) hash.update(canonical(alias, false));
  return hash.update(canonical(body, true)).digest("hex");
}

/** JSON with the members of every object in one order. */
function canonical(value: unknown, top: boolean): string {
  if (Array.isArray(value)) {
    let text = "[";
    for (let index = 0; index < value.length; index++)
      text += `${index > 0 ? "," : ""}${canonical(value[index], false)}`;
    return `${text}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  let text = "{";
  for (const name of Object.keys(value).sort()) {
    const member = (value as JsonObject)[name];
    if (member === undefined || (top && IGNORED.has(name))) continue;
    text += `${JSON.stringify(name)}:${canonical(member, false)},`;
  }
  return `${text}}`;
}
