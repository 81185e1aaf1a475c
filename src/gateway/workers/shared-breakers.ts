import type { Gateway } from "../gateway.ts";
import type { GatewayEvents, Telemetry } from "../request-record.ts";
import type { Breaker, SharedBreakerState } from "../routing/breaker.ts";
import { Breakers } from "../routing/breakers.ts";
import type { Channel, Handler } from "./channel.ts";

/** `[provider, success]` */
type Counted = readonly [string, boolean];
/** `[provider, state]` */
type Moved = readonly [string, SharedBreakerState];

/** What the primary tells of a breaker that has moved: by its own counting, by hand, or because other gateways say so. */
export function movedBreaker(provider: string, { state, openedAtMs }: Breaker): Moved {
  return [provider, { state, openedAtMs, failureCount: 0, successCount: 0, window: { total: 0, failures: 0 } }];
}

/**
 * Breakers of a worker. Every process counts every result, its own and the others', so that all breakers move alike;
 * the primary's are the ones that are shown and told of, and whose moves the others follow.
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
      breakerMoved([provider, moved]: Moved) {
        const breaker = breakers.of(provider);
        // Closed where it is closed already: somebody has closed it by hand, and what was counted is forgotten.
        if (moved.state === "closed" && breaker?.state === "closed") breaker.reset();
        else breaker?.adopt(moved);
      },
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
