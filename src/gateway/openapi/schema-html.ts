type Json = Record<string, unknown>;

/** Nested objects are shown this deep; a schema that refers to itself ends there too. */
const DEPTH_MAX = 6;

/** Text made safe for HTML, attributes included. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** Escaped text in which `code` is set as code. */
export function proseHtml(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

/** The members of a JSON Schema as nested lists, in words a reader of JSON knows. */
export function schemaHtml(schema: Json, depth = 0): string {
  if (depth >= DEPTH_MAX) return '<p class="more">…</p>';
  const object = membersOf(schema);
  if (object === undefined) return depth === 0 ? `<p>${typeHtml(schema)}${notesHtml(schema)}</p>` : "";
  const required = new Set((object["required"] as string[] | undefined) ?? []);
  const rows = Object.entries((object["properties"] as Record<string, Json> | undefined) ?? {}).map(
    ([name, member]) =>
      `<li><code class="name">${escapeHtml(name)}</code> ${typeHtml(member)}${required.has(name) ? "" : " <i>optional</i>"}${notesHtml(member)}${schemaHtml(member, depth + 1)}</li>`,
  );
  const rest = object["additionalProperties"];
  if (typeof rest === "object" && rest !== null && Object.keys(rest).length > 0) {
    rows.push(
      `<li><code class="name">…</code> ${typeHtml(rest as Json)} by name${schemaHtml(rest as Json, depth + 1)}</li>`,
    );
  }
  const lead = depth === 0 ? `<p>${typeHtml(schema)}${notesHtml(schema)}</p>` : "";
  return rows.length === 0 ? lead : `${lead}<ul>${rows.join("")}</ul>`;
}

/** The object whose members are worth listing: the schema itself, an array's items, the one object among alternatives. */
function membersOf(schema: Json): Json | undefined {
  if (schema["type"] === "object") return schema;
  if (typeof schema["items"] === "object" && schema["items"] !== null) return membersOf(schema["items"] as Json);
  return alternatives(schema)
    .map(membersOf)
    .find((found) => found !== undefined);
}

function alternatives(schema: Json): Json[] {
  const list = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(list) ? (list as Json[]) : [];
}

function typeHtml(schema: Json): string {
  return `<span class="type">${typeText(schema)}</span>`;
}

/** Escaped HTML: references become links. */
export function typeText(schema: Json): string {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const name = escapeHtml(reference.slice(reference.lastIndexOf("/") + 1));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  const choices = alternatives(schema);
  if (choices.length > 0) return [...new Set(choices.map(typeText))].join(" or ");
  if (Array.isArray(schema["enum"])) {
    return (schema["enum"] as unknown[]).map((value) => `<code>${escapeHtml(String(value))}</code>`).join(" ");
  }
  if ("const" in schema) return `<code>${escapeHtml(JSON.stringify(schema["const"]))}</code>`;
  const { type, items } = schema as { type?: string | string[]; items?: Json };
  if (type === "array") return `array of ${items === undefined ? "anything" : typeText(items)}`;
  if (Array.isArray(type)) return escapeHtml(type.join(" or "));
  return escapeHtml(type ?? "any JSON value");
}

const LIMITS: Readonly<Record<string, string>> = {
  minimum: "at least",
  exclusiveMinimum: "more than",
  maximum: "at most",
  minLength: "characters, at least",
  maxLength: "characters, at most",
  minItems: "entries, at least",
  maxItems: "entries, at most",
};

/** Limits, default and description; zod's own bounds of safe integers say nothing and are left out. */
export function notesHtml(schema: Json): string {
  const notes = Object.entries(LIMITS).flatMap(([key, words]) => {
    const value = schema[key];
    const said = typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER;
    return said ? [`${words} ${value}`] : [];
  });
  const fallback = JSON.stringify(schema["default"]);
  // That nothing is nothing need not be said.
  if (fallback !== undefined && !["[]", "{}", '""'].includes(fallback)) notes.push(`default ${fallback}`);
  const limits = notes.length === 0 ? "" : ` <small>${escapeHtml(notes.join(", "))}</small>`;
  const { description } = schema as { description?: string };
  return limits + (description === undefined ? "" : ` <span class="note">${proseHtml(description)}</span>`);
}
