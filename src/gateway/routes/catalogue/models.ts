import * as z from "zod";
import { mayUseModel } from "../../access/model-access.ts";
import { GatewayError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import { name, named } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { ClientIdentity } from "../../request-record.ts";
import { dialectOf } from "../request-state.ts";
import { type ListedModel, listModels, usableBy } from "./listing.ts";
import { withFacts } from "./model-facts.ts";
import { CREATED_UNIX, modelJson, modelSchema } from "./model-json.ts";

const anthropicModelSchema = named("AnthropicModel", () =>
  z.object({ type: z.literal("model"), id: z.string(), display_name: z.string(), created_at: z.string() }),
);

/** `GET /v1/models`, `/v1/models/{id}` and `/v1/embeddings/models`, the first two in Anthropic's shape for callers that send `anthropic-version`. */
export const modelRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/v1/models",
    auth: "client",
    tag: "Catalogue",
    summary: "Every model that can be asked",
    description:
      "In Anthropic's shape, page by page, when `anthropic-version` is sent; `limit`, `after_id` and `before_id` are Anthropic's.",
    schemas: () => ({
      query: z.object({
        limit: z.coerce.number().int().min(1).max(1_000).default(20).describe("Models per page (Anthropic's shape)"),
        after_id: z.string().optional(),
        before_id: z.string().optional(),
      }),
      reply: z.union([
        z.object({ object: z.literal("list"), data: z.array(modelSchema()) }),
        z.object({
          data: z.array(anthropicModelSchema()),
          has_more: z.boolean(),
          first_id: z.string().nullable(),
          last_id: z.string().nullable(),
        }),
      ]),
    }),
  }).handle(async ({ gateway, request, query, client }) => {
    const models = usableBy(client, await listModels(gateway, request.headers["x-gatewayz-probe"] === "1"));
    if (dialectOf(request) === "anthropic") return anthropicPage(query, models);
    const data = (await withFacts(gateway, models)).map(modelJson);
    return { object: "list" as const, data: [...data, ...aliasesFor(gateway, client)] };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/embeddings/models",
    auth: "client",
    tag: "Catalogue",
    summary: "The models for embeddings",
    schemas: () => ({ reply: z.object({ object: z.literal("list"), data: z.array(modelSchema()) }) }),
  }).handle(async ({ gateway, client }) => {
    const models = await withFacts(gateway, usableBy(client, await listModels(gateway)));
    return { object: "list", data: models.filter(({ kind }) => kind === "embedding").map(modelJson) };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/{id*}",
    auth: "client",
    tag: "Catalogue",
    summary: "One model, or all models of a developer",
    description:
      "`/v1/models/gpt-5` is one model; `/v1/models/meta-llama`, where no model has that name, lists the models whose id begins with `meta-llama/`.",
    schemas: () => ({
      params: z.object({ id: name("Id of a model; may hold slashes") }),
      reply: z.union([
        modelSchema(),
        anthropicModelSchema(),
        z.object({ object: z.literal("list"), developer: z.string(), data: z.array(modelSchema()) }),
      ]),
    }),
  }).handle(async ({ gateway, request, client, params: { id } }) => {
    const models = usableBy(client, await listModels(gateway));
    const model = models.find((candidate) => candidate.id === id);
    if (model !== undefined) {
      if (dialectOf(request) === "anthropic") return anthropicModel(model);
      return modelJson((await withFacts(gateway, [model]))[0]!);
    }
    const alias = aliasesFor(gateway, client).find((candidate) => candidate.id === id);
    if (alias !== undefined) return dialectOf(request) === "anthropic" ? anthropicModel(alias) : alias;
    const ofDeveloper = models.filter((candidate) => candidate.id.startsWith(`${id}/`));
    if (ofDeveloper.length === 0) throw new GatewayError("MODEL_NOT_FOUND", { model: id }, { param: "model" });
    return { object: "list" as const, developer: id, data: (await withFacts(gateway, ofDeveloper)).map(modelJson) };
  }),
];

/** Names of one's own that stand for models; a client offers them like models. */
function aliasesFor(gateway: Gateway, client: ClientIdentity) {
  return Object.keys(gateway.context.config.gateway.aliases)
    .filter((id) => mayUseModel(client, id))
    .map((id) => ({
      id,
      object: "model" as const,
      created: CREATED_UNIX,
      owned_by: "gatewayz",
      providers: [],
      kind: "alias",
      context_length: null,
      pricing: null,
    }));
}

function anthropicModel({ id }: Pick<ListedModel, "id">) {
  return { type: "model" as const, id, display_name: id, created_at: new Date(CREATED_UNIX * 1_000).toISOString() };
}

/** Anthropic pages its list (API reference, "List Models"). */
function anthropicPage(
  { limit, after_id, before_id }: { limit: number; after_id?: string | undefined; before_id?: string | undefined },
  models: readonly ListedModel[],
) {
  let start = 0;
  if (after_id !== undefined) start = models.findIndex(({ id }) => id === after_id) + 1;
  else if (before_id !== undefined) start = Math.max(0, models.findIndex(({ id }) => id === before_id) - limit);
  const page = models.slice(start, start + limit);
  return {
    data: page.map(anthropicModel),
    has_more: start + limit < models.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}
