import type { FastifyInstance } from "fastify";
import { stringify } from "yaml";
import { VERSION } from "../../runtime/version.ts";
import * as limits from "../limits.ts";

/** Paths that are answered without a key. */
export const OPEN_PATHS = ["/ready", "/loki/api/v1/status/ready"];

/** The Loki release whose API this one follows; clients switch features by it. */
const LOKI_VERSION = "3.4.2";

/** Readiness, build information and the effective limits. */
export function addStatusRoutes(app: FastifyInstance): void {
  for (const path of OPEN_PATHS) {
    app.get(path, async (_request, reply) => {
      reply.type("text/plain; charset=utf-8");
      return "ready\n"; // the role listens only once its write-ahead log is replayed
    });
  }
  app.get("/loki/api/v1/status/buildinfo", async () => ({
    version: LOKI_VERSION,
    revision: `gatewayz-${VERSION}`,
    branch: "",
    buildUser: "",
    buildDate: "",
    goVersion: "",
  }));
  app.get("/config", async (_request, reply) => {
    reply.type("text/plain; charset=utf-8");
    return stringify({ limits_config: { ...limits } });
  });
  app.get("/services", async (_request, reply) => {
    reply.type("text/plain; charset=utf-8");
    return "distributor => Running\ningester => Running\nquerier => Running\nruler => Running\n";
  });
}
