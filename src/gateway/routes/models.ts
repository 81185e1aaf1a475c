import type { FastifyInstance, FastifyRequest } from "fastify";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { modelKind } from "../providers/model-kind.ts";
import { dialectOf } from "./request-state.ts";

/** Longest wait for lists that are being fetched; after it the lists known so far are served. */
const REFRESH_WAIT_MS = 3_000;
/** Providers do not agree on a model's age; one fixed moment keeps the reply the same from call to call. */
const CREATED_UNIX = 1_735_689_600;

interface ListedModel {
  readonly id: string;
  readonly owner: string;
  readonly providers: string[];
}

/** `GET /v1/models`, `/v1/models/{id}` and `/v1/embeddings/models`, the first two in Anthropic's shape for callers that send `anthropic-version`. */
export function registerModels(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/models", async (request) => {
    const models = await listModels(gateway);
    if (dialectOf(request) === "openai") return { object: "list", data: models.map(openAiModel) };
    return anthropicPage(request, models);
  });
  app.get("/v1/embeddings/models", async () => {
    const models = await listModels(gateway);
    return { object: "list", data: models.filter(({ id }) => modelKind(id) === "embedding").map(openAiModel) };
  });
  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request) => {
    const id = request.params["*"];
    const model = (await listModels(gateway)).find((candidate) => candidate.id === id);
    if (model === undefined) throw new GatewayError("MODEL_NOT_FOUND", { model: id }, { param: "model" });
    return dialectOf(request) === "openai" ? openAiModel(model) : anthropicModel(model);
  });
}

async function listModels(gateway: Gateway): Promise<ListedModel[]> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, REFRESH_WAIT_MS);
  });
  await Promise.race([gateway.catalog.refresh(), patience]);
  clearTimeout(timer);
  const byId = new Map<string, ListedModel>();
  for (const provider of gateway.providers.keys()) {
    for (const id of gateway.catalog.models(provider) ?? []) {
      const known = byId.get(id);
      if (known === undefined) byId.set(id, { id, owner: provider, providers: [provider] });
      else known.providers.push(provider);
    }
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function openAiModel({ id, owner, providers }: ListedModel): object {
  return { id, object: "model", created: CREATED_UNIX, owned_by: owner, providers, kind: modelKind(id) };
}

function anthropicModel({ id }: ListedModel): object {
  return { type: "model", id, display_name: id, created_at: new Date(CREATED_UNIX * 1_000).toISOString() };
}

/** Anthropic pages its list: `limit` (default 20, at most 1000), `after_id`, `before_id`. */
function anthropicPage(request: FastifyRequest, models: readonly ListedModel[]): object {
  const query = request.query as { limit?: string; after_id?: string; before_id?: string };
  const limit = Math.min(1_000, Math.max(1, Number(query.limit ?? 20) || 20));
  let start = 0;
  if (query.after_id !== undefined) start = models.findIndex(({ id }) => id === query.after_id) + 1;
  else if (query.before_id !== undefined)
    start = Math.max(0, models.findIndex(({ id }) => id === query.before_id) - limit);
  const page = models.slice(start, start + limit);
  return {
    data: page.map(anthropicModel),
    has_more: start + limit < models.length,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}
