import type { GatewayEvents, GatewayFacts } from "../gateway-events.ts";
import type { RequestRecord } from "../request-record.ts";
import type { GatewayTelemetry } from "../telemetry/index.ts";
import type { Channel, Handler } from "./channel.ts";

/** How often a worker tells the facts that are read at an exposition, such as the state of its connection pools. */
const FACTS_INTERVAL_MS = 2_000;

type FactName = keyof GatewayFacts;
type Fact = { readonly [Name in FactName]: readonly [Name, GatewayFacts[Name]] }[FactName];

/**
 * A worker's telemetry: every record and event goes to the primary, which counts, logs and traces for all workers, so
 * that `/metrics` is one page and a dead worker's numbers stay.
 */
export function remoteTelemetry(channel: Channel): GatewayTelemetry {
  const readers: (() => Fact)[] = [];
  const timer = setInterval(
    () =>
      channel.tell(
        "facts",
        readers.map((read) => read()),
      ),
    FACTS_INTERVAL_MS,
  );
  timer.unref();
  const notHere = (): never => {
    throw new Error("BUG: a worker has no metrics of its own");
  };
  return {
    requestStarted: (record) => channel.tell("requestStarted", record),
    requestFinished: (record) => channel.tell("requestFinished", record),
    event: (name, detail) => channel.tell("event", [name, detail]),
    observe: (name, read) => void readers.push(() => [name, read()] as unknown as Fact),
    metrics: async () => notHere(),
    dataMetrics: notHere,
    async close() {
      clearInterval(timer);
    },
  };
}

/** What each worker last told; one for all of them, as readers cannot be taken back. */
export class WorkerFacts {
  readonly #latest = new Map<number, readonly Fact[]>();

  constructor(telemetry: GatewayTelemetry) {
    telemetry.observe("pools", () => this.#all("pools").flat());
    telemetry.observe("queues", () => sums(this.#all("queues")));
    telemetry.observe("connections", () => sums(this.#all("connections")));
  }

  set(worker: number, facts: readonly Fact[]): void {
    this.#latest.set(worker, facts);
  }

  forget(worker: number): void {
    this.#latest.delete(worker);
  }

  #all<Name extends FactName>(name: Name): GatewayFacts[Name][] {
    const facts = [...this.#latest.values()].flat();
    return facts.filter((fact) => fact[0] === name).map((fact) => fact[1] as GatewayFacts[Name]);
  }
}

function sums(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, value] of all.flatMap((one) => Object.entries(one))) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

/** The primary's side for one worker. */
export function serveTelemetry(
  telemetry: GatewayTelemetry,
  facts: WorkerFacts,
  worker: number,
): { readonly handlers: Readonly<Record<string, Handler>>; gone(): void } {
  /** Requests of this worker that have begun, by their span. */
  const open = new Map<string, RequestRecord>();
  return {
    handlers: {
      requestStarted(record: RequestRecord) {
        open.set(record.spanId, record);
        telemetry.requestStarted(record);
      },
      requestFinished(record: RequestRecord) {
        open.delete(record.spanId);
        telemetry.requestFinished(record);
      },
      event([name, detail]: [keyof GatewayEvents, GatewayEvents[keyof GatewayEvents]]) {
        telemetry.event(name, detail);
      },
      facts: (told: readonly Fact[]) => facts.set(worker, told),
    },
    gone() {
      facts.forget(worker);
      // They have no outcome: telemetry then only takes them off the requests in progress.
      for (const record of open.values()) telemetry.requestFinished(record);
      open.clear();
    },
  };
}
