import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ModelState } from "../model-state.ts";
import { TIER_NAMES } from "../probes/tiers.ts";
import { modelJson } from "../rollup/model-json.ts";
import { isChecked, mean } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { now, pageOf, queryOf, textAt } from "./request.ts";

/** `/v1/model-health` of contract section 6c, and the same without the version. */
export function addModelHealthRoutes(app: FastifyInstance, service: HealthService): void {
  for (const path of ["/model-health", "/v1/model-health"]) {
    app.get(path, async (request) => page(request, service.book.models()));
    app.get(`${path}/unhealthy`, async (request) =>
      page(
        request,
        service.book.models().filter((state) => isChecked(state) && state.lastStatus !== "success"),
      ),
    );
    app.get(`${path}/stats`, async () => statsJson(service.book.models()));
    app.get(`${path}/providers`, async () => ({ providers: service.caches.rollup().providers, timestamp: now() }));
  }
}

function page(request: FastifyRequest, states: readonly ModelState[]): Record<string, unknown> {
  const query = queryOf(request);
  const provider = textAt(query, "provider");
  const model = textAt(query, "model");
  const found = states
    .filter((state) => provider === undefined || state.provider === provider)
    .filter((state) => model === undefined || state.model === model);
  const { limit, offset } = pageOf(request);
  return {
    models: found.slice(offset, offset + limit).map(modelJson),
    total: found.length,
    limit,
    offset,
    timestamp: now(),
  };
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
