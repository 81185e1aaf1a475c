import { HttpError } from "../../runtime/http-error.ts";

/** Most pairs in one `tags` parameter. */
const TAGS_MAX = 64;
const PAIR = /\s*([^\s=]+)=("(?:[^"\\]|\\.)*"|[^\s]*)/gy;
/** Tags that Tempo keeps from the time before TraceQL, and what they mean now. */
const INTRINSIC_TAGS: Readonly<Record<string, string>> = {
  name: "name",
  status: "status",
  "status.code": "status",
  kind: "kind",
  "root.name": "rootName",
  "root.service.name": "rootServiceName",
};

/**
 * The older `tags` parameter (logfmt: `service.name=api http.status_code=500`) as TraceQL. Empty means everything.
 * @throws HttpError 400
 */
export function tagsToTraceql(tags: string | undefined): string {
  const conditions: string[] = [];
  const text = (tags ?? "").trim();
  let end = 0;
  PAIR.lastIndex = 0;
  for (let match = PAIR.exec(text); match !== null; match = PAIR.exec(text)) {
    if (conditions.length >= TAGS_MAX) throw new HttpError(400, `invalid tags: more than ${TAGS_MAX}`);
    conditions.push(condition(match[1]!, unquote(match[2]!)));
    end = PAIR.lastIndex;
  }
  if (end !== text.length) throw new HttpError(400, `invalid tags: ${JSON.stringify(text)}: expected name=value pairs`);
  return conditions.length === 0 ? "{}" : `{ ${conditions.join(" && ")} }`;
}

function condition(name: string, value: string): string {
  const intrinsic = Object.hasOwn(INTRINSIC_TAGS, name) ? INTRINSIC_TAGS[name]! : undefined;
  if (intrinsic === "status" || intrinsic === "kind") return `${intrinsic} = ${value.replace(/[^a-z]/g, "")}`;
  const quoted = JSON.stringify(value);
  if (intrinsic !== undefined) return `${intrinsic} = ${quoted}`;
  const field = `."${name.replace(/["\\]/g, "\\$&")}"`;
  // A tag has no type: `500` finds the number and the text.
  if (/^-?\d+(\.\d+)?$/.test(value)) return `(${field} = ${quoted} || ${field} = ${value})`;
  if (value === "true" || value === "false") return `(${field} = ${quoted} || ${field} = ${value})`;
  return `${field} = ${quoted}`;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}
