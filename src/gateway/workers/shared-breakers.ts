import type { Gateway } from "../gateway.ts";
import type { GatewayEvents, Telemetry } from "../request-record.ts";
import { Breakers } from "../routing/breakers.ts";
import type { Channel, Handler } from "./channel.ts";

/** `[provider, success]` */
type Counted = readonly [string, boolean];

/**
 * Breakers of a worker. Every process counts every result, its own and the others', so that all breakers move alike;
 * the primary's are the ones that are shown and told of.
 */
export function workerBreakers(
  providers: Iterable<string>,
  limits: ConstructorParameters<typeof Breakers>[1],
  channel: () => Channel,
): { readonly breakers: Breakers; readonly handlers: Readonly<Record<string, Handler>> } {
  let echo = false;
  const relay: Pick<Telemetry, "event"> = {
    event(name, detail) {
      if (name !== "breakerResult" || echo) return;
      const { provider, success } = detail as GatewayEvents["breakerResult"];
      channel().tell("breakerCounted", [provider, success] satisfies Counted);
    },
  };
  const breakers = new Breakers(providers, limits, relay as Telemetry);
  return {
    breakers,
    handlers: {
      breakerCounted([provider, success]: Counted) {
        echo = true;
        breakers.of(provider)?.count(success);
        echo = false;
      },
      breakerReset: (provider: string) => breakers.of(provider)?.reset(),
    },
  };
}

/** The primary's side for one worker. @param others Tells every other worker. */
export function serveBreakers(
  { breakers }: Pick<Gateway, "breakers">,
  others: (operation: string, payload: unknown) => void,
): { readonly handlers: Readonly<Record<string, Handler>>; gone(): void } {
  return {
    handlers: {
      breakerCounted(counted: Counted) {
        const [provider, success] = counted;
        breakers.of(provider)?.count(success);
        others("breakerCounted", counted);
      },
    },
    gone: () => undefined,
  };
}
