import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ModelState } from "../model-state.ts";
import { TIER_NAMES } from "../probes/tiers.ts";
import { modelJson } from "../rollup/model-json.ts";
import { groupBy, isChecked, mean } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { chosenModels } from "./model-choice.ts";
import { modelPage, watched } from "./model-pages.ts";
import { notWatched, now, numberAt, pageOf, queryOf } from "./request.ts";

/** From this share of failed calls on a model is listed as unhealthy, when it had so many calls. */
const ERROR_SHARE = 0.2;
const CALLS_MIN = 10;

/** `/v1/model-health` of contract section 6c, and the same without the version. */
export function addModelHealthRoutes(app: FastifyInstance, service: HealthService): void {
  const { book } = service;
  for (const path of ["/model-health", "/v1/model-health"]) {
    app.get(path, async (request) => page(request, chosenModels(book, queryOf(request))));
    app.get(`${path}/unhealthy`, async (request) => {
      const query = queryOf(request);
      const share = numberAt(query, "error_threshold", ERROR_SHARE, 1);
      const callsMin = numberAt(query, "min_calls", CALLS_MIN, 1_000_000);
      return page(
        request,
        chosenModels(book, query).filter((state) => isUnhealthy(state, share, callsMin)),
      );
    });
    app.get(`${path}/stats`, async () => statsJson(book.models()));
    app.get(`${path}/providers`, async () => {
      const byProvider = groupBy(book.models(), ({ provider }) => provider);
      const providers = [...byProvider].map(([provider, states]) => ({ provider, ...statsJson(states) }));
      return { providers, total: providers.length, timestamp: now() };
    });
    app.get<{ Params: { provider: string } }>(`${path}/provider/:provider/summary`, async (request) => {
      const { provider } = request.params;
      const states = book.models().filter((state) => state.provider === provider);
      if (states.length === 0) throw notWatched("provider", provider);
      return { provider, ...statsJson(states) };
    });
    app.get<{ Params: { provider: string; "*": string } }>(`${path}/:provider/*`, (request) => {
      const { provider, "*": model } = request.params;
      if (watched(service, model, provider).length === 0) throw notWatched("model", model);
      return modelPage(service, model, provider);
    });
  }
}

/** Its last check failed, or too many of its calls did. */
function isUnhealthy(state: ModelState, share: number, callsMin: number): boolean {
  if (!isChecked(state)) return false;
  if (state.lastStatus !== "success") return true;
  return state.callCount >= callsMin && state.errorCount / state.callCount >= share;
}

function page(request: FastifyRequest, found: readonly ModelState[]): Record<string, unknown> {
  const { limit, offset } = pageOf(request);
  const models = found.slice(offset, offset + limit).map(modelJson);
  return { models, total: found.length, limit, offset, timestamp: now() };
}

function statsJson(states: readonly ModelState[]): Record<string, unknown> {
  const checked = states.filter(isChecked);
  const sum = (pick: (state: ModelState) => number): number => states.reduce((total, state) => total + pick(state), 0);
  const calls = sum(({ callCount }) => callCount);
  const successes = sum(({ successCount }) => successCount);
  return {
    total_models: states.filter(({ enabled }) => enabled).length,
    checked_models: checked.length,
    healthy_models: checked.filter(({ lastStatus }) => lastStatus === "success").length,
    unhealthy_models: checked.filter(({ lastStatus }) => lastStatus !== "success").length,
    total_calls: calls,
    total_success: successes,
    total_errors: sum(({ errorCount }) => errorCount),
    success_rate: calls === 0 ? 100 : (100 * successes) / calls,
    avg_response_time_ms: mean(checked.flatMap(({ averageResponseTimeMs }) => averageResponseTimeMs ?? [])) ?? null,
    tiers: Object.fromEntries(TIER_NAMES.map((tier) => [tier, states.filter((state) => state.tier === tier).length])),
    timestamp: now(),
  };
}
