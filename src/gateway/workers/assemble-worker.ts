import type { RoleContext } from "../../runtime/role.ts";
import { assembleGateway } from "../assemble.ts";
import type { Gateway } from "../gateway.ts";
import { createProvider, type Provider } from "../providers/provider.ts";
import type { Channel, Handler } from "./channel.ts";
import { remoteTelemetry } from "./remote-telemetry.ts";
import type { WorkerStart } from "./worker-pool.ts";

export interface AssembledWorker {
  readonly gateway: Gateway;
  readonly channel: Channel;
  close(): Promise<void>;
}

/** A gateway whose shared state is the primary's. */
export function assembleWorker(
  context: RoleContext,
  start: WorkerStart,
  connect: (handlers: Readonly<Record<string, Handler>>) => Channel,
): AssembledWorker {
  const channel = connect({});
  const providers = new Map<string, Provider>();
  for (const [name, provider] of Object.entries(start.providers)) {
    providers.set(name, createProvider(name, provider, context.config.gateway.timeouts.connect, start.simulated));
  }
  const gateway = assembleGateway(context, providers, remoteTelemetry(channel), start.demoKey, () => undefined);
  return {
    gateway,
    channel,
    async close() {
      await Promise.all([...providers.values()].map(({ pool }) => pool.destroy()));
    },
  };
}
