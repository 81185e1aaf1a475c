import type { GatewayFacts, PoolFact } from "../request-record.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";

type Readers = { readonly [Name in keyof GatewayFacts]: (() => GatewayFacts[Name])[] };

/** Facts that are asked for before each exposition instead of told at each change: pools, queues, connections. */
export class FactMetrics {
  readonly #set: MetricSet;
  readonly #readers: Readers = { pools: [], queues: [], connections: [], limits: [], balances: [], knownModels: [] };

  constructor(set: MetricSet) {
    this.#set = set;
    set.onCollect(() => this.#refresh());
  }

  observe<Name extends keyof GatewayFacts>(name: Name, read: () => GatewayFacts[Name]): void {
    (this.#readers[name] as (() => GatewayFacts[Name])[]).push(read);
  }

  /** True where any catalogue knows the model. */
  knowsModel(provider: string, model: string): boolean {
    return this.#readers.knownModels.some((read) => read()(provider, model));
  }

  #refresh(): void {
    // Several processes, or parts of one, may have pools of one name.
    const pools = new Map<string, PoolFact>();
    for (const read of this.#readers.pools) {
      for (const pool of read()) pools.set(pool.name, addPools(pools.get(pool.name), pool));
    }
    for (const pool of pools.values()) this.#pool(pool);
    for (const read of this.#readers.queues) {
      for (const [queue, entries] of Object.entries(read())) {
        this.#set.gauge("queue_size").child(boundedLabel(queue)).set(entries);
      }
    }
    for (const read of this.#readers.limits) {
      for (const [type, value] of Object.entries(read())) this.#set.gauge("current_rate_limit").child(type).set(value);
    }
    for (const read of this.#readers.balances) {
      for (const [tier, usd] of Object.entries(read())) {
        this.#set.gauge("user_credit_balance").child(boundedLabel(tier)).set(usd);
      }
    }
    // Several parts of the gateway may have connections of one type.
    const connections = new Map<string, number>();
    for (const read of this.#readers.connections) {
      for (const [type, open] of Object.entries(read())) connections.set(type, (connections.get(type) ?? 0) + open);
    }
    for (const [type, open] of connections) this.#set.gauge("active_connections").child(boundedLabel(type)).set(open);
  }

  #pool({ name, sizeMax, open, active }: PoolFact): void {
    const set = this.#set;
    const label = boundedLabel(name);
    const idle = Math.max(0, open - active);
    set.gauge("connection_pool_size").child(label).set(sizeMax);
    set.gauge("connection_pool_active_connections").child(label).set(active);
    set.gauge("connection_pool_idle_connections").child(label).set(idle);
    set
      .gauge("connection_pool_utilization_ratio")
      .child(label)
      .set(sizeMax === 0 ? 0 : active / sizeMax);
    if (name !== "redis") return;
    set.gauge("gatewayz_redis_pool_connections").child("active").set(active);
    set.gauge("gatewayz_redis_pool_connections").child("idle").set(idle);
  }
}

function addPools(sum: PoolFact | undefined, pool: PoolFact): PoolFact {
  if (sum === undefined) return pool;
  return {
    name: pool.name,
    sizeMax: sum.sizeMax + pool.sizeMax,
    open: sum.open + pool.open,
    active: sum.active + pool.active,
  };
}
