import type { RoleContext } from "../../runtime/role.ts";
import { assembleGateway, createProviders } from "../assemble.ts";
import type { Gateway } from "../gateway.ts";
import { within } from "../known-at-start.ts";
import type { Effective } from "../live-config/live-config.ts";
import { createTelemetry } from "../telemetry/index.ts";
import type { Channel, Handler } from "./channel.ts";
import { type News, spreadNews } from "./news.ts";
import { workerAdmission } from "./shared-admission.ts";
import { workerBreakers } from "./shared-breakers.ts";
import { workerGate } from "./shared-gate.ts";
import { workerName, workerTelemetry } from "./shared-telemetry.ts";
import type { WorkerStart } from "./worker-pool.ts";

export interface AssembledWorker {
  readonly gateway: Gateway;
  readonly channel: Channel;
  /** Opens the ledger, and lets keys, models and prices come. */
  start(): Promise<void>;
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
    flushUsage: () => gateway.money.flush(),
    news: (news: News) => hear(news),
    configure: (effective: Effective) => gateway.live.applyEffective(effective),
  });
  const gateway = assembleGateway(context, providers, telemetry, start.demoKey, () => undefined, {
    breakers,
    gate: workerGate(tell),
    money: { admission: workerAdmission(tell), process: workerName(start.index), gatewayId: start.gatewayId },
  });
  const hear = spreadNews(gateway, (news) => channel.tell("news", news));
  // What the admin API made is not in the file that this process began with.
  const configured = channel.ask<Effective>("effectiveConfig", null).then(
    (effective) => gateway.live.applyEffective(effective),
    (error: Error) =>
      context.logger.error({ error: error.message }, "worker goes on with the configuration of its start"),
  );
  gateway.velocity.count = (failed) => channel.tell("velocityCounted", failed);
  return {
    gateway,
    channel,
    async start() {
      await Promise.all([gateway.content.ready, gateway.money.start(), configured, within(gateway.keySync.start())]);
      void gateway.catalog.refresh();
      void gateway.prices.load();
    },
    async close() {
      await gateway.routing.close();
      gateway.keySync.close();
      gateway.prices.close();
      gateway.live.close();
      await Promise.all([...gateway.providers.values()].map(({ pool }) => pool.destroy()));
      await gateway.content.close();
      await gateway.money.close();
      await Promise.all([gateway.database.close(), gateway.redis?.close()]);
      await telemetry.close();
    },
  };
}
