import type { Database } from "../database/database.ts";
import type { Redis } from "../redis/redis.ts";
import type { RoleContext } from "../runtime/role.ts";
import type { ConcurrencyGate } from "./access/concurrency-gate.ts";
import type { IpLimits } from "./access/ip-limits.ts";
import type { KeySync } from "./access/key-sync.ts";
import type { Keys } from "./access/keys.ts";
import type { KeyStore } from "./access/store/key-store.ts";
import type { VelocityMode } from "./access/velocity-mode.ts";
import type { ResponseCache } from "./cache/response-cache.ts";
import type { DemoTraffic } from "./demo/index.ts";
import type { HealthService } from "./health-service/health-service.ts";
import type { ContentPath } from "./hooks/passage.ts";
import type { InFlight } from "./in-flight.ts";
import type { Money } from "./ledger/money.ts";
import type { LiveConfig } from "./live-config/live-config.ts";
import type { RuntimeSettings } from "./live-config/runtime-settings.ts";
import type { Catalog } from "./providers/catalog.ts";
import type { Provider } from "./providers/provider.ts";
import type { ResponseStore } from "./responses/store.ts";
import type { ListPrices } from "./routes/catalogue/list-prices.ts";
import type { Breakers } from "./routing/breakers.ts";
import type { Routing } from "./routing/routing.ts";
import type { RequestStatistics } from "./statistics/request-statistics.ts";
import type { GatewayTelemetry } from "./telemetry/index.ts";
import type { Prices } from "./usage/prices.ts";

/** Everything the routes share; made once in index.ts. */
export interface Gateway {
  readonly context: RoleContext;
  readonly telemetry: GatewayTelemetry;
  readonly statistics: RequestStatistics;
  readonly healthService: HealthService;
  readonly listPrices: ListPrices;
  readonly keys: Keys;
  readonly keyStore: KeyStore;
  /** Brings the database's keys into `keys`; started by whoever starts the gateway. */
  readonly keySync: KeySync;
  readonly velocity: VelocityMode;
  readonly ipLimits: IpLimits;
  /** The configuration as it changes: the file's, and what `settings` lay over it. */
  readonly live: LiveConfig;
  readonly settings: RuntimeSettings;
  /** Limits per key, budgets, and the ledger of what was used. */
  readonly money: Money;
  readonly gate: Pick<ConcurrencyGate, "enter">;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly catalog: Catalog;
  readonly breakers: Breakers;
  /** Who is asked for what, and what became of it. */
  readonly routing: Routing;
  readonly prices: Prices;
  readonly inFlight: InFlight;
  readonly responses: ResponseStore;
  /** Hooks, cache and capture: who sees a request's content. */
  readonly content: ContentPath;
  readonly cache: ResponseCache;
  /** SQLite in the role's data folder, or Postgres; see src/database. */
  readonly database: Database;
  /** Undefined without REDIS_URL. */
  readonly redis: Redis | undefined;
  /** Undefined in live mode. */
  readonly demo: () => DemoTraffic | undefined;
}
