import type { Redis } from "../../redis/redis.ts";
import type { RoleContext } from "../../runtime/role.ts";
import type { Catalog } from "../providers/catalog.ts";
import type { Credential } from "../providers/credential.ts";
import { KeyPool } from "../providers/key-pool.ts";
import type { Provider } from "../providers/provider.ts";
import type { RequestRecord, Telemetry } from "../request-record.ts";
import type { Prices } from "../usage/prices.ts";
import { AvailabilityBreakers } from "./availability-breaker.ts";
import { BreakerSharing } from "./breaker-sharing.ts";
import type { Breakers } from "./breakers.ts";
import type { FailoverContext } from "./failover.ts";
import { type HealthJudge, HealthView, NO_HEALTH } from "./health-view.ts";
import { LatencyBook } from "./latency-book.ts";
import { RateBudget } from "./rate-budget.ts";
import { RecentRequests } from "./recent-requests.ts";
import { Router, type RouterParts } from "./router.ts";

export interface RoutingInput {
  readonly context: RoleContext;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly catalog: Catalog;
  readonly breakers: Breakers;
  readonly prices: Prices;
  readonly telemetry: Telemetry;
}

/** What one process of a gateway tells the others of what it has seen of providers. */
export type RoutingNews =
  | readonly ["counted", provider: string, model: string, success: boolean, responseMs: number]
  | readonly ["rested", provider: string, key: string, state: "cooling" | "refused", seconds: number]
  | readonly ["reset"];

/** All that decides where requests go, and remembers where they went. One per gateway. */
export class Routing implements FailoverContext {
  readonly config: FailoverContext["config"];
  readonly telemetry: Telemetry;
  readonly breakers: Breakers;
  readonly availability: AvailabilityBreakers;
  /** Times to a whole reply, or to a stream's first content. */
  readonly latency = new LatencyBook();
  readonly retryBudget: RateBudget;
  readonly hedgeBudget: RateBudget;
  readonly openLeases: FailoverContext["openLeases"] = new WeakMap();
  readonly router: Router;
  readonly recent: RecentRequests;
  readonly #pace = new LatencyBook();
  readonly #context: RoleContext;
  readonly #providers: ReadonlyMap<string, Provider>;
  /** By provider object: one that a reload replaces takes its pool with it. */
  readonly #pools = new WeakMap<Provider, KeyPool<Credential>>();
  /** Told of what other processes of this gateway should know. */
  onNews: (news: RoutingNews) => void = () => undefined;
  #health: HealthView | undefined;
  #sharing: BreakerSharing | undefined;
  #closed = false;

  constructor(input: RoutingInput) {
    const { context, telemetry, breakers } = input;
    const config = context.config.gateway;
    this.#context = context;
    this.#providers = input.providers;
    this.config = config;
    this.telemetry = telemetry;
    this.breakers = breakers;
    this.availability = new AvailabilityBreakers(config.availabilityBreaker, (provider, model, from, to) => {
      telemetry.event("availabilityMoved", { provider, model, from, to });
    });
    this.availability.onCounted = (...result) => this.onNews(["counted", ...result]);
    this.retryBudget = new RateBudget(config.retries.budget);
    this.hedgeBudget = new RateBudget(config.hedging.budget);
    this.recent = new RecentRequests(config.routing.recentRequests);
    const parts: RouterParts = {
      ...input,
      config,
      availability: this.availability,
      latency: this.latency,
      pace: this.#pace,
      health: () => this.#judge(),
    };
    this.router = new Router(parts);
  }

  /** The health service's view; begins to be read when the first request asks for it. */
  #judge(): HealthJudge {
    if (this.#health !== undefined) return this.#health;
    const { peers, gateway } = this.#context.config;
    if (peers.health === undefined || !gateway.routing.health || this.#closed) return NO_HEALTH;
    this.#health = new HealthView(this.#context, peers.health);
    void this.#health.run();
    return this.#health;
  }

  /** True for models whose provider keeps saying that they do not exist (contract section 3d). */
  hides(provider: string, model: string): boolean {
    const judge = this.#judge();
    return judge instanceof HealthView && judge.hides(provider, model);
  }

  /** Shares the breakers with other gateways. Of several processes of one gateway only the primary does. */
  share(redis: Redis): void {
    this.#sharing ??= new BreakerSharing(redis, this.breakers);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#health?.close();
    await this.#sharing?.close();
  }

  /** The keys of a provider. */
  keysOf(provider: Provider): KeyPool<Credential> {
    let pool = this.#pools.get(provider);
    if (pool === undefined) {
      const keys = provider.credentials.map((secret) => ({ name: secret.name, secret, weight: secret.weight }));
      pool = new KeyPool(keys, (name, state, seconds) => {
        this.onNews(["rested", provider.name, name, state, seconds]);
        this.telemetry.event("keyCooledDown", { provider: provider.name, seconds });
      });
      this.#pools.set(provider, pool);
    }
    return pool;
  }

  /** Takes in what another process has seen. */
  hear(news: RoutingNews): void {
    switch (news[0]) {
      case "counted":
        this.availability.count(news[1], news[2], news[3], news[4]);
        break;
      case "rested": {
        const provider = this.#providers.get(news[1]);
        if (provider !== undefined) this.keysOf(provider).rest(news[2], news[3], news[4]);
        break;
      }
      case "reset":
        this.availability.resetAll();
    }
  }

  /** Forgets what was held against providers and models, here and in the other processes. */
  resetBreakers(): void {
    this.breakers.resetAll();
    this.availability.resetAll();
    this.onNews(["reset"]);
  }

  /** Learns from a finished request how fast its model writes. */
  learn({ attempts, usage, outcome }: RequestRecord): void {
    const tokens = usage?.outputTokens ?? 0;
    const attempt = attempts.at(-1);
    if (attempt?.result !== "success" || tokens === 0 || outcome?.error !== undefined) return;
    this.#pace.add(attempt.provider, attempt.model, attempt.durationMs / tokens);
  }
}
