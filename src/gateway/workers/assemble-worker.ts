import type { RoleContext } from "../../runtime/role.ts";
import { assembleGateway, createProviders } from "../assemble.ts";
import type { PurgeScope } from "../cache/answer-store.ts";
import type { Gateway } from "../gateway.ts";
import type { Effective } from "../live-config/live-config.ts";
import { createTelemetry } from "../telemetry/index.ts";
import type { Channel, Handler } from "./channel.ts";
import { workerBreakers } from "./shared-breakers.ts";
import { workerGate } from "./shared-gate.ts";
import { workerTelemetry } from "./shared-telemetry.ts";
import type { WorkerStart } from "./worker-pool.ts";

export interface AssembledWorker {
  readonly gateway: Gateway;
  readonly channel: Channel;
  close(): Promise<void>;
}

/** A gateway whose limits, breakers, gate and counts are its primary's. */
export function assembleWorker(
  context: RoleContext,
  start: WorkerStart,
  connect: (handlers: Readonly<Record<string, Handler>>) => Channel,
): AssembledWorker {
  const tell = (): Channel => channel;
  const providers = createProviders(context, start.simulated ? start : undefined);
  const own = createTelemetry(context, { providers: [...providers.keys()], worker: true });
  const telemetry = workerTelemetry(own, tell);
  const { breakers, handlers } = workerBreakers(providers.keys(), context.config.gateway.breaker, tell);
  const channel = connect({
    ...handlers,
    drain: () => own.drain(),
    purgeCache: (scope: PurgeScope) => gateway.cache.purge(scope),
    configure: (effective: Effective) => gateway.live.applyEffective(effective),
  });
  const gateway = assembleGateway(context, providers, telemetry, start.demoKey, () => undefined, {
    breakers,
    gate: workerGate(tell),
  });
  // What the admin API made is not in the file that this process began with.
  channel.ask<Effective>("effectiveConfig", null).then(
    (effective) => gateway.live.applyEffective(effective),
    (error: Error) =>
      context.logger.error({ error: error.message }, "worker goes on with the configuration of its start"),
  );
  gateway.velocity.count = (failed) => channel.tell("velocityCounted", failed);
  return {
    gateway,
    channel,
    async close() {
      gateway.live.close();
      await gateway.content.close();
      await Promise.all([...providers.values()].map(({ pool }) => pool.destroy()));
      await telemetry.close();
    },
  };
}
