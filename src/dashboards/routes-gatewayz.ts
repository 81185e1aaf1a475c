import type { FastifyInstance } from "fastify";
import { request as send } from "undici";
import type { RoleContext } from "../runtime/role.ts";
import { VERSION } from "../runtime/version.ts";
import type { Access } from "./access.ts";
import { GrafanaError } from "./grafana-error.ts";

const GATEWAY_TIMEOUT_MS = 5_000;

/** What the UI asks about this installation itself: mode, gateway address, and the demo traffic's switch. */
export function addGatewayzRoutes(app: FastifyInstance, access: Access, context: RoleContext): void {
  const { config } = context;

  app.get("/api/gatewayz/info", async (request) => {
    access.requireUser(request);
    return {
      mode: config.mode,
      version: VERSION,
      gatewayUrl: config.peers.gateway ?? null,
      demo: config.mode === "demo",
    };
  });
  app.get("/api/gatewayz/demo", async (request, reply) => {
    access.requireUser(request);
    return reply.send(await askGateway("GET", "/demo"));
  });
  app.post<{ Body: unknown }>("/api/gatewayz/demo", async (request, reply) => {
    access.requireUser(request);
    const action = (request.query as { action?: string }).action ?? actionOf(request.body);
    if (action !== "start" && action !== "stop") throw new GrafanaError(400, 'action must be "start" or "stop"');
    return reply.send(await askGateway("POST", `/demo/${action}`));
  });

  async function askGateway(method: "GET" | "POST", path: string): Promise<unknown> {
    if (config.peers.gateway === undefined) throw new GrafanaError(404, "no gateway is configured");
    try {
      const answer = await send(`${config.peers.gateway}${path}`, {
        method,
        headers: { authorization: `Bearer ${config.adminApiKey}` },
        headersTimeout: GATEWAY_TIMEOUT_MS,
        bodyTimeout: GATEWAY_TIMEOUT_MS,
      });
      if (answer.statusCode >= 400) {
        await answer.body.dump();
        throw new GrafanaError(502, `the gateway answered ${answer.statusCode}`);
      }
      return await answer.body.json();
    } catch (error) {
      if (error instanceof GrafanaError) throw error;
      throw new GrafanaError(
        502,
        `the gateway cannot be reached: ${(error as NodeJS.ErrnoException).code ?? "no answer"}`,
      );
    }
  }
}

function actionOf(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return (JSON.parse(body.toString("utf8")) as { action?: unknown } | null)?.action;
  } catch {
    return undefined; // no JSON, so no action; the route refuses it by name
  }
}
