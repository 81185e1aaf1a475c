import { HISTORY_ROWS_MAX, RESOLVED_INCIDENTS_MAX, RETENTION_MS } from "./limits.ts";
import type { HealthService } from "./service.ts";
import { HOUR_MS } from "./store/periods.ts";
import type { Job } from "./upkeep.ts";

const MINUTE_MS = 60_000;
/** Contract sections 3a and 3d. */
const TIERS_EVERY_MS = HOUR_MS;
const UPTIMES_EVERY_MS = 5 * MINUTE_MS;
const SWEEP_EVERY_MS = 10 * MINUTE_MS;
const AVAILABILITY_EVERY_MS = MINUTE_MS;
const PRUNE_EVERY_MS = 10 * MINUTE_MS;
const ALERTS_EVERY_MS = 15_000;
/** Less than the shortest time that a roll-up stays in Redis. */
const PUBLISH_EVERY_MS = 30_000;
const RETRY_EVERY_MS = 5_000;
const MEMORY_EVERY_MS = 10_000;
/** How soon one service shows what another has found. */
const RELOAD_EVERY_MS = 10_000;

export interface JobParts {
  /** Tries the wanted database again, where the service had to start without it. */
  retryDatabase(): Promise<void>;
  checkMemory(): void;
}

/** What is done beside the probes, and how often. */
export function jobsOf(service: HealthService, { retryDatabase, checkMemory }: JobParts): Job[] {
  const { alerts, availability, book, caches, context, metrics } = service;
  const aggregates = () => service.stores().aggregates;
  let summed = false;
  return [
    { name: "database", everyMs: RETRY_EVERY_MS, run: retryDatabase },
    { name: "memory", everyMs: MEMORY_EVERY_MS, run: async () => checkMemory() },
    {
      name: "reload",
      everyMs: RELOAD_EVERY_MS,
      run: async () => {
        if (service.stores().health.shared) await book.reload();
      },
    },
    {
      name: "tiers",
      everyMs: TIERS_EVERY_MS,
      eagerAtStart: true,
      shared: true,
      run: (nowMs) => book.recomputeTiers(nowMs, (sinceMs) => aggregates().callsSince(sinceMs)),
    },
    {
      name: "uptimes",
      everyMs: UPTIMES_EVERY_MS,
      eagerAtStart: true,
      shared: true,
      run: async (nowMs) => {
        await book.recomputeUptimes(nowMs, (atMs) => aggregates().uptimes(atMs));
        // The hour that ended since the last time gets its final numbers too.
        for (const atMs of [nowMs - UPTIMES_EVERY_MS, nowMs]) await aggregates().finishHour(atMs);
      },
    },
    {
      name: "aggregates",
      everyMs: HOUR_MS,
      shared: true,
      run: async (nowMs) => {
        // The first time all days again: the service may have ended before it had added up the last ones.
        await aggregates().finishLonger(nowMs, summed ? undefined : nowMs - RETENTION_MS);
        summed = true;
      },
    },
    {
      name: "incidents",
      everyMs: SWEEP_EVERY_MS,
      shared: true,
      run: async (nowMs) => {
        const swept = await book.sweepIncidents(nowMs);
        metrics.countChecks([], { opened: [], resolved: swept });
        for (const { provider, model, resolutionNotes } of swept) {
          context.logger.info({ provider, model, reason: resolutionNotes }, "incident resolved by the sweep");
        }
      },
    },
    {
      name: "availability",
      everyMs: AVAILABILITY_EVERY_MS,
      run: async (nowMs) => {
        availability.setWindows(await service.stores().maintenance.list(nowMs));
        availability.refresh(nowMs);
      },
    },
    { name: "alerts", everyMs: ALERTS_EVERY_MS, shared: true, run: (nowMs) => alerts.evaluate(nowMs) },
    { name: "caches", everyMs: PUBLISH_EVERY_MS, run: (nowMs) => caches.publish(nowMs) },
    { name: "prune", everyMs: PRUNE_EVERY_MS, shared: true, run: (nowMs) => prune(service, nowMs) },
  ];
}

async function prune(service: HealthService, nowMs: number): Promise<void> {
  const stores = service.stores();
  await stores.health.prune({
    historyBeforeMs: nowMs - RETENTION_MS,
    historyRowsMax: HISTORY_ROWS_MAX,
    resolvedMax: RESOLVED_INCIDENTS_MAX,
  });
  await stores.aggregates.prune(nowMs);
  await stores.alerts.prune(nowMs - service.context.config.health.alerts.cooldown);
  await stores.locks.prune(nowMs);
  await stores.maintenance.prune(nowMs - RETENTION_MS);
  await service.book.forgetUnlisted(nowMs);
}
