import * as z from "zod";
import { GatewayError } from "../../errors.ts";
import { name, named } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { modelKind } from "../../providers/model-kind.ts";
import { dialectOf } from "../request-state.ts";
import { type ListedModel, listModels } from "./listing.ts";

/** Providers do not agree on a model's age; one fixed moment keeps the reply the same from call to call. */
const CREATED_UNIX = 1_735_689_600;

const openAiModelSchema = named("Model", () =>
  z.object({
    id: z.string(),
    object: z.literal("model"),
    created: z.number(),
    owned_by: z.string(),
    providers: z.array(z.string()).describe("Who serves it, in the order of the configuration"),
    kind: z.string().describe("What it is for: `chat`, `embedding`, `rerank`, `image`, …"),
  }),
);

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
        z.object({ object: z.literal("list"), data: z.array(openAiModelSchema()) }),
        z.object({
          data: z.array(anthropicModelSchema()),
          has_more: z.boolean(),
          first_id: z.string().nullable(),
          last_id: z.string().nullable(),
        }),
      ]),
    }),
  }).handle(async ({ gateway, request, query }) => {
    const models = await listModels(gateway);
    if (dialectOf(request) === "openai") return { object: "list" as const, data: models.map(openAiModel) };
    return anthropicPage(query, models);
  }),
  defineRoute({
    method: "GET",
    path: "/v1/embeddings/models",
    auth: "client",
    tag: "Catalogue",
    summary: "The models for embeddings",
    schemas: () => ({ reply: z.object({ object: z.literal("list"), data: z.array(openAiModelSchema()) }) }),
  }).handle(async ({ gateway }) => {
    const models = await listModels(gateway);
    return { object: "list", data: models.filter(({ id }) => modelKind(id) === "embedding").map(openAiModel) };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/{id*}",
    auth: "client",
    tag: "Catalogue",
    summary: "One model",
    schemas: () => ({
      params: z.object({ id: name("Id of a model; may hold slashes") }),
      reply: z.union([openAiModelSchema(), anthropicModelSchema()]),
    }),
  }).handle(async ({ gateway, request, params: { id } }) => {
    const model = (await listModels(gateway)).find((candidate) => candidate.id === id);
    if (model === undefined) throw new GatewayError("MODEL_NOT_FOUND", { model: id }, { param: "model" });
    return dialectOf(request) === "openai" ? openAiModel(model) : anthropicModel(model);
  }),
];

function openAiModel({ id, owner, providers }: ListedModel) {
  return {
    id,
    object: "model" as const,
    created: CREATED_UNIX,
    owned_by: owner,
    providers: [...providers],
    kind: modelKind(id),
  };
}

function anthropicModel({ id }: ListedModel) {
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
