import { listen } from "../../runtime/http-server.ts";
import type { Role, RoleContext } from "../../runtime/role.ts";
import { DRAIN_ERROR_MS, DRAIN_MS } from "../limits.ts";
import { createGatewayServer } from "../server.ts";
import { assembleWorker } from "./assemble-worker.ts";
import { Channel } from "./channel.ts";
import { ColdProxy } from "./cold-proxy.ts";
import type { WorkerStart } from "./worker-pool.ts";

/**
 * One of several processes that share the gateway's port. It answers the routes that ask a model; what all workers
 * share (limits, budgets, breakers, telemetry) it asks of its primary, and everything else it passes on to it.
 */
export async function startWorker(context: RoleContext, start: WorkerStart): Promise<Role> {
  const { config, logger } = context;
  const worker = assembleWorker(context, start, (handlers) => {
    const channel = new Channel({ send: (message) => void process.send!(message) }, handlers, (operation, error) =>
      logger.error({ operation, error: error.message }, "news not taken"),
    );
    process.on("message", (message) => channel.receive(message));
    return channel;
  });
  await worker.start();
  const cold = new ColdProxy(start.socketPath);
  const app = createGatewayServer(worker.gateway, cold);
  const url = await listen(app, config.host, config.ports.gateway);
  worker.channel.tell("ready", url);
  return {
    urls: { main: url },
    async close() {
      app.server.close();
      await worker.gateway.inFlight.drain(DRAIN_MS, DRAIN_ERROR_MS);
      app.server.closeAllConnections();
      await app.close();
      cold.close();
      await worker.close();
    },
  };
}
