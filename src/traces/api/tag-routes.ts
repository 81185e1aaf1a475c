import type { FastifyInstance } from "fastify";
import type { FieldRef, Query } from "../../languages/traceql/ast.ts";
import { intrinsics } from "../../languages/traceql/ast.ts";
import { parseTraceql, parseTraceqlField } from "../../languages/traceql/parse.ts";
import { TraceqlError } from "../../languages/traceql/traceql-error.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { TAGS_MAX, type TagValue, tagNames, tagValues } from "../query/tags.ts";
import { attributeScopes } from "../store/span-block.ts";
import { Parameters } from "./parameters.ts";
import { abortSignal, timeRange } from "./search-routes.ts";
import type { ApiContext } from "./server.ts";

/** Intrinsics offered for completion; those that stand for a comparison with nil only are left out. */
const INTRINSIC_TAGS = [
  ...intrinsics.filter((name) => name !== "parent" && name !== "childCount"),
  "span:duration",
  "span:kind",
  "span:name",
  "span:status",
  "span:statusMessage",
  "trace:duration",
  "trace:rootName",
  "trace:rootService",
].sort();
const SCOPES: readonly string[] = [...attributeScopes, "intrinsic", "none"];

/** Names and values of attributes, for completion. */
export function addTagRoutes(app: FastifyInstance, api: ApiContext): void {
  app.get("/api/search/tags", async (request) => {
    const parameters = new Parameters(request.query);
    const scopes = await scopesOf(api, parameters);
    const names = new Set(scopes.flatMap(({ tags }) => tags));
    return { tagNames: [...names].slice(0, limitOf(parameters)), metrics: {} };
  });
  app.get("/api/v2/search/tags", async (request) => {
    const parameters = new Parameters(request.query);
    const scopes = await scopesOf(api, parameters);
    const limit = limitOf(parameters);
    return { scopes: scopes.map(({ name, tags }) => ({ name, tags: tags.slice(0, limit) })), metrics: {} };
  });
  app.get<{ Params: { tag: string } }>("/api/search/tag/:tag/values", async (request) => {
    const { tag } = request.params;
    // The older API names tags without a scope, and intrinsics by their words.
    const field = parseField(tag) ?? { type: "attribute", scope: "none", parent: false, name: tag };
    const values = await valuesOf(api, new Parameters(request.query), field, abortSignal(request));
    return { tagValues: values.map(({ value }) => value), metrics: {} };
  });
  app.get<{ Params: { tag: string } }>("/api/v2/search/tag/:tag/values", async (request) => {
    const { tag } = request.params;
    const field = parseField(tag);
    if (field === undefined) {
      throw new HttpError(400, `tag name is not valid intrinsic or scoped attribute: ${tag}`);
    }
    return { tagValues: await valuesOf(api, new Parameters(request.query), field, abortSignal(request)), metrics: {} };
  });
}

async function scopesOf(api: ApiContext, parameters: Parameters): Promise<{ name: string; tags: string[] }[]> {
  const scope = parameters.text("scope") ?? "none";
  if (!SCOPES.includes(scope)) throw new HttpError(400, `invalid scope: ${scope}`);
  const [startMs, endMs] = timeRange(parameters);
  const names = await tagNames(api.store, startMs, endMs);
  const scopes: { name: string; tags: string[] }[] = attributeScopes.map((name) => ({ name, tags: names[name] }));
  scopes.push({ name: "intrinsic", tags: INTRINSIC_TAGS });
  return scopes.filter(({ name, tags }) => (scope === "none" || scope === name) && tags.length > 0);
}

function limitOf(parameters: Parameters): number {
  return parameters.positiveInteger("limit", TAGS_MAX, TAGS_MAX);
}

function valuesOf(api: ApiContext, parameters: Parameters, field: FieldRef, signal: AbortSignal): Promise<TagValue[]> {
  const [startMs, endMs] = timeRange(parameters);
  const query = completionQuery(parameters.text("q"));
  return tagValues(api.store, { field, query, startMs, endMs, limit: limitOf(parameters), signal });
}

/** The filter while it is being typed: `{ span.a = "x" && span.b = }` counts as far as it is complete, else not at all. */
function completionQuery(text: string | undefined): Query | undefined {
  if (text === undefined) return undefined;
  const whole = tryParse(text);
  if (whole !== undefined) return whole;
  const complete =
    /^\s*\{(.*)\}/s
      .exec(text)?.[1]
      ?.split("&&")
      .filter((part) => tryParse(`{${part}}`) !== undefined) ?? [];
  return complete.length === 0 ? undefined : tryParse(`{${complete.join("&&")}}`);
}

function tryParse(text: string): Query | undefined {
  try {
    return parseTraceql(text);
  } catch (error) {
    if (error instanceof TraceqlError) return undefined;
    throw error;
  }
}

function parseField(text: string): FieldRef | undefined {
  try {
    return parseTraceqlField(text);
  } catch (error) {
    if (error instanceof TraceqlError) return undefined;
    throw error;
  }
}
