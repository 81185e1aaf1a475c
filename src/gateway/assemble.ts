import { join } from "node:path";
import type { RoleContext } from "../runtime/role.ts";
import { ConcurrencyGate } from "./access/concurrency-gate.ts";
import { IpLimits } from "./access/ip-limits.ts";
import { KeySync } from "./access/key-sync.ts";
import { Keys } from "./access/keys.ts";
import { KeyStore } from "./access/store/key-store.ts";
import { VelocityMode } from "./access/velocity-mode.ts";
import { ResponseCache } from "./cache/response-cache.ts";
import type { DemoTraffic } from "./demo/index.ts";
import type { Gateway } from "./gateway.ts";
import { HealthService } from "./health-service/health-service.ts";
import { Content } from "./hooks/content-path.ts";
import { InFlight } from "./in-flight.ts";
import { Money, type MoneyParts } from "./ledger/money.ts";
import { liveConfigOf } from "./live-config/live-config.ts";
import { RuntimeSettings } from "./live-config/runtime-settings.ts";
import { Sealer } from "./live-config/sealed.ts";
import { SettingsStore } from "./live-config/settings-store.ts";
import { Catalog } from "./providers/catalog.ts";
import { createProvider, type Provider, type ProviderConfig } from "./providers/provider.ts";
import { ResponseStore } from "./responses/store.ts";
import { ListPrices } from "./routes/catalogue/list-prices.ts";
import { Breakers } from "./routing/breakers.ts";
import { rememberedTelemetry } from "./routing/recent-requests.ts";
import { Routing } from "./routing/routing.ts";
import type { Simulator } from "./simulator/index.ts";
import { countedTelemetry } from "./statistics/counted-telemetry.ts";
import { RequestStatistics } from "./statistics/request-statistics.ts";
import { observeStores, openDatabase, openRedis } from "./stores.ts";
import type { GatewayTelemetry } from "./telemetry/index.ts";
import { PRICE_LIST_FILE, Prices } from "./usage/prices.ts";

/** The providers that are switched on: the simulator's in demo mode, else those of the configuration. */
export function createProviders(
  { config }: RoleContext,
  simulator: Pick<Simulator, "providers"> | undefined,
): Map<string, Provider> {
  const configs: Readonly<Record<string, ProviderConfig>> = simulator?.providers ?? config.gateway.providers;
  const providers = new Map<string, Provider>();
  for (const [name, provider] of Object.entries(configs)) {
    providers.set(name, createProvider(name, provider, config.gateway.timeouts.connect, simulator !== undefined));
  }
  return providers;
}

/**
 * Puts together what the routes share.
 * @param demoKey Key of the demo traffic; known to the gateway in demo mode only.
 * @param shared What another process owns, where this is one of several workers.
 */
export function assembleGateway(
  context: RoleContext,
  providers: Map<string, Provider>,
  telemetry: GatewayTelemetry,
  demoKey: string,
  demo: () => DemoTraffic | undefined,
  shared: Partial<Pick<Gateway, "breakers" | "gate">> & {
    readonly money?: Pick<MoneyParts, "admission" | "process" | "gatewayId">;
  } = {},
): Gateway {
  const { config, logger } = context;
  const keys = new Keys(telemetry, () => config.gateway.anonymous.enabled);
  keys.add("admin", config.adminApiKey, "admin", true);
  if (config.mode === "demo") keys.add("demo", demoKey, "demo", true);
  keys.configure(config.gateway.keys);
  const database = openDatabase(context, telemetry);
  const keyStore = new KeyStore(database, () => keySync.refresh());
  const keySync = new KeySync(keys, keyStore, (teams) => money.applyTeams(teams), logger);
  const redis = openRedis(context, telemetry);
  const cache = new ResponseCache(config.gateway.cache, telemetry, redis);
  const velocity = new VelocityMode(config.gateway.velocityMode, telemetry);
  const statistics = new RequestStatistics();
  const catalog = new Catalog([...providers.values()], telemetry, logger);
  const breakers = shared.breakers ?? new Breakers(providers.keys(), config.gateway.breaker, telemetry);
  const prices = new Prices(telemetry, logger, config.gateway.prices, join(context.dataDir, PRICE_LIST_FILE));
  const money = new Money({ context, telemetry, velocity, prices, database, redis, keyStore, ...shared.money });
  observeStores(telemetry, money, database, redis);
  const routing = new Routing({ context, providers, catalog, breakers, prices, telemetry });
  const ipLimits = new IpLimits(config.gateway.ipRequestsPerMinute, telemetry);
  const content = new Content({ config, cache, database, telemetry, logger });
  const live = liveConfigOf(context, { providers, catalog, breakers });
  live.onChange((gateway) => {
    keys.configure(gateway.keys);
    money.configure(gateway);
    ipLimits.configure(gateway.ipRequestsPerMinute);
    prices.configure(gateway.prices);
    routing.router.forget();
    routing.retryBudget.configure(gateway.retries.budget);
    routing.hedgeBudget.configure(gateway.hedging.budget);
    content.configured(config);
  });
  const sealer = new Sealer(config.adminApiKey);
  return {
    context,
    telemetry: rememberedTelemetry(countedTelemetry(telemetry, statistics), routing.recent),
    statistics,
    healthService: new HealthService(config.peers.health, config.adminApiKey, context.signal),
    listPrices: new ListPrices(),
    keys,
    keyStore,
    keySync,
    velocity,
    ipLimits,
    live,
    settings: new RuntimeSettings(new SettingsStore(database), live, sealer, logger),
    money,
    gate: shared.gate ?? new ConcurrencyGate(config.gateway.concurrency, telemetry),
    providers,
    catalog,
    breakers,
    routing,
    prices,
    inFlight: new InFlight(),
    responses: new ResponseStore(),
    cache,
    database,
    redis,
    content,
    demo,
  };
}
