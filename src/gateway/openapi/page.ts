import type { OpenApiDocument, Operation, Parameter } from "./document.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { escapeHtml, notesHtml, proseHtml, schemaHtml, typeText } from "./schema-html.ts";

type Json = Record<string, unknown>;

/** What the browser may load for the page: nothing but its own style. */
export const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/** The document as one HTML page: no script, nothing to fetch. */
export function apiPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const chapters = document.tags.map(({ name, description }) => ({
    name,
    description,
    entries: operations.filter(({ operation }) => operation.tags[0] === name),
  }));
  const { title, version, description } = document.info as Record<"title" | "version" | "description", string>;
  const nav = chapters
    .map(
      ({ name, entries }) =>
        `<li><a href="#${anchor(name)}">${escapeHtml(name)}</a> <small>${entries.length}</small></li>`,
    )
    .join("");
  const body = chapters.map(
    ({ name, description: what, entries }) =>
      `<section id="${anchor(name)}"><h2>${escapeHtml(name)}</h2><p>${proseHtml(what)}</p>${entries.map(operationHtml).join("")}</section>`,
  );
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `<details class="op" id="schema-${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary><div>${schemaHtml(schema as Json)}</div></details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)} API</title><style>${PAGE_STYLE}</style></head><body>
<nav><b>${escapeHtml(title)} <small>${escapeHtml(version)}</small></b><ul>${nav}<li><a href="#schemas">Schemas</a></li><li><a href="/openapi.json">openapi.json</a></li></ul></nav>
<main><h1>${escapeHtml(title)} API</h1><p>${proseHtml(description)}</p>
<p>Send a key as <code>Authorization: Bearer KEY</code> or <code>x-api-key: KEY</code>. <span class="key open">open</span> needs none, <span class="key client">any key</span> takes any valid key, <span class="key admin">admin</span> the admin key.</p>
${body.join("\n")}
<section id="schemas"><h2>Schemas</h2>${schemas.join("")}</section></main></body></html>`;
}

function anchor(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

function operationHtml({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const parts = [
    operation.description === undefined ? "" : `<p>${proseHtml(operation.description)}</p>`,
    parametersHtml(operation.parameters),
    operation.requestBody === undefined ? "" : `<h4>Body</h4>${contentHtml(operation.requestBody.content)}`,
    `<h4>Reply</h4>${contentHtml((operation.responses["200"] ?? operation.responses["201"])?.content ?? {})}`,
    `<h4>Try it</h4><pre>${escapeHtml(curl(path, method, operation))}</pre>`,
  ];
  return `<details class="op" id="${operation.operationId}"><summary><span class="method ${method}">${method.toUpperCase()}</span> <code>${pathHtml(path)}</code> ${keyHtml(operation)}<span class="what">${proseHtml(operation.summary)}</span></summary><div>${parts.join("")}</div></details>`;
}

function pathHtml(path: string): string {
  return escapeHtml(path).replaceAll(/\{(\w+)\}/g, "<em>{$1}</em>");
}

function keyHtml({ security }: Operation): string {
  if (security.length === 0) return '<span class="key open">open</span>';
  return security.some((scheme) => "admin" in scheme)
    ? '<span class="key admin">admin</span>'
    : '<span class="key client">any key</span>';
}

function parametersHtml(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<li><code class="name">${escapeHtml(name)}</code> <span class="type">${typeText(schema)}</span> <i>${place}${required ? "" : ", optional"}</i>${notesHtml(description === undefined ? schema : { ...schema, description })}</li>`,
  );
  return `<h4>Parameters</h4><ul>${rows.join("")}</ul>`;
}

function contentHtml(content: Readonly<Record<string, { readonly schema: Json }>>): string {
  const [entry] = Object.entries(content);
  if (entry === undefined) return "";
  const [type, { schema }] = entry;
  return type === "application/json" ? schemaHtml(schema) : `<p><span class="type">${escapeHtml(type)}</span></p>`;
}

function curl(path: string, method: string, { security, requestBody, parameters }: Operation): string {
  const query = parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const search = query.length === 0 ? "" : `?${query.map(({ name }) => `${name}=…`).join("&")}`;
  const key = security.some((scheme) => "admin" in scheme) ? "$ADMIN_API_KEY" : "$GATEWAYZ_KEY";
  const lines = [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}'http://127.0.0.1:8000${path}${search}'`,
  ];
  if (security.length > 0) lines.push(`  -H "authorization: Bearer ${key}"`);
  if (requestBody !== undefined) lines.push("  -H 'content-type: application/json'", "  -d @body.json");
  return lines.join(" \\\n");
}
