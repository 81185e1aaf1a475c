import { randomBytes } from "node:crypto";
import { listen } from "../runtime/http-server.ts";
import type { Role, RoleContext } from "../runtime/role.ts";
import { ConcurrencyGate } from "./access/concurrency-gate.ts";
import { Keys } from "./access/keys.ts";
import { RateLimits } from "./access/rate-limits.ts";
import { type DemoTraffic, startDemoTraffic } from "./demo/index.ts";
import type { Gateway } from "./gateway.ts";
import { startHealthCollector } from "./health-collector/index.ts";
import { InFlight } from "./in-flight.ts";
import { DRAIN_ERROR_MS, DRAIN_MS } from "./limits.ts";
import { Catalog } from "./providers/catalog.ts";
import { createProvider, type Provider, type ProviderConfig } from "./providers/provider.ts";
import { Breakers } from "./routing/breakers.ts";
import { createGatewayServer } from "./server.ts";
import { type Simulator, startSimulator } from "./simulator/index.ts";
import { createTelemetry, type GatewayTelemetry } from "./telemetry/index.ts";
import { Prices } from "./usage/prices.ts";

const CATALOG_REFRESH_MS = 60_000;

/** Starts the gateway; in demo mode with its simulator and demo traffic. */
export async function start(context: RoleContext): Promise<Role> {
  const { config, logger } = context;
  const simulator = config.mode === "demo" ? await startSimulator() : undefined;
  const providers = createProviders(context, simulator);
  const telemetry = createTelemetry(context, { providers: [...providers.keys()] });
  const { gateway, demoKey, setDemo } = assemble(context, providers, telemetry);
  const app = createGatewayServer(gateway);
  const url = await listen(app, config.host, config.ports.gateway);
  const demo = simulator === undefined ? undefined : startDemo(context, url, demoKey);
  setDemo(demo);
  const collector = startHealthCollector({ context });
  const refresh = setInterval(() => void gateway.catalog.refresh(), CATALOG_REFRESH_MS);
  // Both are only wanted early; a request that needs them waits by itself.
  void gateway.catalog.refresh();
  void gateway.prices.load().catch((error: Error) => logger.error({ error: error.message }, "price list not loaded"));
  logger.info({ url, mode: config.mode, providers: [...providers.keys()] }, "gateway listening");
  return {
    urls: { main: url },
    async close() {
      clearInterval(refresh);
      collector.close();
      await demo?.close();
      // The listener stops before the wait, so that a load balancer sees refusal and goes elsewhere.
      app.server.close();
      await gateway.inFlight.drain(DRAIN_MS, DRAIN_ERROR_MS);
      app.server.closeAllConnections();
      await app.close();
      await Promise.all([...providers.values()].map(({ pool }) => pool.destroy()));
      await simulator?.close();
      await telemetry.close();
    },
  };
}

function createProviders({ config }: RoleContext, simulator: Simulator | undefined): Map<string, Provider> {
  const configs: Record<string, ProviderConfig> = simulator?.providers ?? config.gateway.providers;
  const providers = new Map<string, Provider>();
  for (const [name, provider] of Object.entries(configs)) {
    providers.set(name, createProvider(name, provider, config.gateway.timeouts.connect, simulator !== undefined));
  }
  return providers;
}

function assemble(
  context: RoleContext,
  providers: ReadonlyMap<string, Provider>,
  telemetry: GatewayTelemetry,
): { gateway: Gateway; demoKey: string; setDemo(demo: DemoTraffic | undefined): void } {
  const { config, logger } = context;
  const keys = new Keys(telemetry);
  const demoKey = `gw_temp_${randomBytes(24).toString("hex")}`;
  keys.add("admin", config.adminApiKey, "admin", true);
  if (config.mode === "demo") keys.add("demo", demoKey, "demo", true);
  for (const [name, key] of Object.entries(config.gateway.keys)) keys.add(name, key, "basic", false);
  let demo: DemoTraffic | undefined;
  const gateway: Gateway = {
    context,
    telemetry,
    keys,
    rateLimits: new RateLimits(config.gateway.limits, telemetry),
    gate: new ConcurrencyGate(config.gateway.concurrency, telemetry),
    providers,
    catalog: new Catalog([...providers.values()], telemetry, logger),
    breakers: new Breakers(providers.keys(), config.gateway.breaker, telemetry),
    prices: new Prices(telemetry),
    inFlight: new InFlight(),
    demo: () => demo,
  };
  return { gateway, demoKey, setDemo: (traffic) => (demo = traffic) };
}

function startDemo({ config, logger, signal }: RoleContext, baseUrl: string, apiKey: string): DemoTraffic {
  const { enabled, requestsPerSecond } = config.demo;
  const demo = startDemoTraffic({ baseUrl, apiKey, requestsPerSecond, signal, logger });
  if (enabled) demo.start();
  return demo;
}
