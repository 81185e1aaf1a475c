import { randomBytes } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { listen } from "../../runtime/http-server.ts";
import type { Gateway } from "../gateway.ts";
import { DRAIN_ERROR_MS, DRAIN_MS } from "../limits.ts";
import type { SharedTelemetry } from "../telemetry/index.ts";
import { spreadNews } from "./news.ts";
import { serveWorker } from "./serve-worker.ts";
import { movedBreaker } from "./shared-breakers.ts";
import { WorkerPool, type WorkerStart } from "./worker-pool.ts";

/** What workers need to know of how this gateway was started. */
type WorkerSetting = Pick<WorkerStart, "providers" | "simulated" | "demoKey">;

/** Where clients come in: this process itself, or its workers. */
export interface FrontDoor {
  /** Takes over what the workers have counted since they last told; resolves within GATHER_MS_MAX. */
  gather(): Promise<void>;
  /** `http://host:port` */
  readonly url: string;
  /** Stops accepting, lets open requests end within the drain limits, closes every connection. */
  close(): Promise<void>;
}

/** Opens the gateway's port; with `gateway.workers` above one, in as many processes that share it. */
export function openFrontDoor(
  gateway: Gateway,
  telemetry: SharedTelemetry,
  app: FastifyInstance,
  start: WorkerSetting,
): Promise<FrontDoor> {
  const { config, logger } = gateway.context;
  const { workers } = config.gateway;
  if (workers === 1) return openAlone(gateway, app);
  // Only the process of one role can be started again as a worker; roles that share a process, as in tests, cannot.
  if (basename(process.argv[1] ?? "") !== "role-process.js") {
    logger.warn({ workers }, "gateway.workers needs a process per role; one is used");
    return openAlone(gateway, app);
  }
  return openWorkers(gateway, telemetry, app, start);
}

async function openAlone(gateway: Gateway, app: FastifyInstance): Promise<FrontDoor> {
  const { host, ports } = gateway.context.config;
  const url = await listen(app, host, ports.gateway);
  return {
    url,
    gather: async () => undefined,
    async close() {
      // The listener stops before the wait, so that a load balancer sees refusal and goes elsewhere.
      app.server.close();
      await gateway.inFlight.drain(DRAIN_MS, DRAIN_ERROR_MS);
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

async function openWorkers(
  gateway: Gateway,
  telemetry: SharedTelemetry,
  app: FastifyInstance,
  start: WorkerSetting,
): Promise<FrontDoor> {
  const { config, logger } = gateway.context;
  // Not in the data folder: a socket's path has 107 bytes at most.
  const socketPath = join(tmpdir(), `gatewayz-${process.pid}-${randomBytes(6).toString("hex")}.sock`);
  await app.listen({ path: socketPath });
  chmodSync(socketPath, 0o600);
  const hear = spreadNews(gateway, (news) => pool.broadcast("news", news));
  gateway.breakers.onMove = (provider, breaker) => pool.broadcast("breakerMoved", movedBreaker(provider, breaker));
  gateway.live.broadcast = (effective) => pool.broadcast("configure", effective);
  const pool = new WorkerPool({
    count: config.gateway.workers,
    config,
    logger,
    start: { ...start, socketPath, gatewayId: gateway.money.gatewayId },
    serve: (index) =>
      serveWorker(gateway, telemetry, index, hear, (operation, payload) => pool.broadcast(operation, payload, index)),
    changed: (running) => gateway.telemetry.event("workersChanged", { running }),
  });
  gateway.money.flushOthers = () => pool.flushUsage();
  try {
    const url = await pool.start();
    return {
      url,
      gather: () => pool.gather(telemetry),
      async close() {
        await pool.stop();
        app.server.closeAllConnections();
        await app.close();
        rmSync(socketPath, { force: true });
      },
    };
  } catch (error) {
    await pool.stop();
    await app.close();
    throw error;
  }
}
