import { randomBytes } from "node:crypto";
import type { Role, RoleContext } from "../runtime/role.ts";
import { assembleGateway, createProviders } from "./assemble.ts";
import { type DemoTraffic, startDemoTraffic } from "./demo/index.ts";
import { startHealthCollector } from "./health-collector/index.ts";
import { knownAtStart } from "./known-at-start.ts";
import { ConfigReload } from "./reload.ts";
import { createGatewayServer } from "./server.ts";
import { startSimulator } from "./simulator/index.ts";
import { createTelemetry } from "./telemetry/index.ts";
import { type FrontDoor, openFrontDoor } from "./workers/front-door.ts";

const CATALOG_REFRESH_MS = 60_000;
/** The price list takes 0.1 s of a core to load; until then the first requests have it. One that needs a price waits. */
const PRICES_AFTER_MS = 500;

/** Starts the gateway; in demo mode with its simulator and demo traffic. */
export async function start(context: RoleContext): Promise<Role> {
  const { config, logger } = context;
  const simulator = config.mode === "demo" ? await startSimulator() : undefined;
  const providers = createProviders(context, simulator);
  let door: FrontDoor | undefined;
  const telemetry = createTelemetry(context, {
    providers: [...providers.keys()],
    gather: async () => door?.gather(),
  });
  const demoKey = `gw_temp_${randomBytes(24).toString("hex")}`;
  let demo: DemoTraffic | undefined;
  const gateway = assembleGateway(context, providers, telemetry, demoKey, () => demo);
  await gateway.content.ready; // First, as nothing is open yet where it fails.
  await knownAtStart(gateway);
  const app = createGatewayServer(gateway);
  door = await openFrontDoor(gateway, telemetry, app, {
    providers: simulator?.providers ?? config.gateway.providers,
    simulated: simulator !== undefined,
    demoKey,
  });
  const { url } = door;
  if (simulator !== undefined) demo = startDemo(context, url, demoKey);
  const collector = startHealthCollector({ context });
  const refresh = setInterval(() => void gateway.catalog.refresh(), CATALOG_REFRESH_MS);
  // These are only wanted early: a request that needs one of them waits, or is asked to come again.
  const reload = new ConfigReload({ live: gateway.live, config, telemetry, logger });
  reload.start();
  if (gateway.redis !== undefined) gateway.routing.share(gateway.redis);
  void gateway.catalog.refresh();
  const prices = setTimeout(() => void gateway.prices.load(), PRICES_AFTER_MS);
  logger.info({ url, mode: config.mode, providers: [...providers.keys()] }, "gateway listening");
  return {
    urls: { main: url },
    async close() {
      clearInterval(refresh);
      clearTimeout(prices);
      collector.close();
      await gateway.routing.close();
      reload.close();
      gateway.keySync.close();
      gateway.prices.close();
      gateway.settings.close();
      gateway.live.close();
      await Promise.all([demo?.close(), door.close()]);
      await Promise.all([...providers.values()].map(({ pool }) => pool.destroy()));
      await simulator?.close();
      await gateway.content.close();
      await gateway.money.close();
      await Promise.all([gateway.database.close(), gateway.redis?.close()]);
      await telemetry.close();
    },
  };
}

function startDemo({ config, logger, signal }: RoleContext, baseUrl: string, apiKey: string): DemoTraffic {
  const { enabled, requestsPerSecond } = config.demo;
  const demo = startDemoTraffic({ baseUrl, apiKey, requestsPerSecond, signal, logger });
  if (enabled) demo.start();
  return demo;
}
