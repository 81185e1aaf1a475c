import { readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { Histogram } from "prom-client";
import { parse } from "yaml";
import { createHttpServer, listen } from "../runtime/http-server.ts";
import type { Role, RoleContext } from "../runtime/role.ts";
import { VERSION } from "../runtime/version.ts";
import { Access } from "./access.ts";
import { type DashboardFolder, DashboardStore } from "./dashboard-store.ts";
import { loadDataSources, yamlFiles } from "./data-sources.ts";
import { GrafanaError, grafanaErrorBody } from "./grafana-error.ts";
import { DataSourceProxy } from "./proxy.ts";
import { addDashboardRoutes } from "./routes-dashboards.ts";
import { addDataSourceRoutes } from "./routes-data-sources.ts";
import { addGatewayzRoutes } from "./routes-gatewayz.ts";
import { addPageRoutes } from "./routes-pages.ts";

/** Starts the dashboards role: Grafana's API and our UI on one port. */
export async function start(context: RoleContext): Promise<Role> {
  const { config, logger } = context;
  const app = createHttpServer(context, {
    auth: "none",
    onError: (error, status, _request, reply) => {
      const known = error instanceof GrafanaError ? error : undefined;
      return reply
        .code(known?.statusCode ?? status)
        .send(grafanaErrorBody(error.message, known?.statusCode ?? status, known?.messageId, known?.status));
    },
  });
  measureRequests(context, app);
  const access = new Access(context);
  access.guard(app);
  const store = new DashboardStore(dashboardFolders(context), context.dataDir, logger);
  await store.open();
  const sources = loadDataSources(context, process.env);
  const proxy = new DataSourceProxy(context.registry);

  app.get("/api/health", async () => ({ commit: "", database: "ok", version: VERSION }));
  app.get("/ready", async (_request, reply) => reply.type("text/plain").send("ready"));
  app.get("/healthz", async (_request, reply) => reply.type("text/plain").send("Ok"));
  app.get("/api/user", async (request) => {
    access.requireUser(request);
    return { id: 1, uid: "admin", login: "admin", name: "admin", email: "", theme: "", orgId: 1, isGrafanaAdmin: true };
  });
  app.get("/api/org", async (request) => {
    access.requireUser(request);
    return { id: 1, name: "Main Org." };
  });
  addDashboardRoutes(app, access, store);
  addDataSourceRoutes(app, access, sources, proxy);
  addGatewayzRoutes(app, access, context);
  await addPageRoutes(app, access, join(config.installDir, "web/dist"));
  app.setNotFoundHandler(async () => {
    throw new GrafanaError(404, "Not found");
  });

  const url = await listen(app, config.host, config.ports.dashboards);
  logger.info(
    { url, dataSources: sources.map(({ name }) => name), dashboards: store.list().length },
    "HTTP Server Listen",
  );
  return {
    urls: { main: url },
    async close() {
      store.close();
      await app.close();
      await proxy.close();
    },
  };
}

function measureRequests(context: RoleContext, app: ReturnType<typeof createHttpServer>): void {
  const duration = new Histogram({
    name: "grafana_http_request_duration_seconds",
    help: "Time to answer a request of the UI or the API.",
    labelNames: ["handler", "method", "status_code"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
    registers: [context.registry],
  });
  app.addHook("onResponse", async (request, reply) => {
    const labels = {
      handler: request.routeOptions.url ?? "notfound",
      method: request.method,
      status_code: String(reply.statusCode),
    };
    duration.observe(labels, reply.elapsedTime / 1000);
  });
}

/**
 * Our own dashboards, the configured folders, and those that Grafana's provider files name
 * (`provisioningDir/dashboards/*.yaml`: `providers[].options.path`).
 */
function dashboardFolders(context: RoleContext): DashboardFolder[] {
  const { dashboards, installDir } = context.config;
  const paths = new Map<string, string>([[join(installDir, "dashboards"), "GatewayZ"]]);
  for (const folder of dashboards.dashboardFolders) paths.set(resolve(folder), paths.get(resolve(folder)) ?? "General");
  for (const file of yamlFiles(join(dashboards.provisioningDir ?? "", "dashboards"))) {
    if (dashboards.provisioningDir === undefined) break;
    try {
      const content = parse(readFileSync(file, "utf8")) as {
        providers?: { folder?: string; options?: { path?: string } }[];
      } | null;
      for (const { folder, options } of content?.providers ?? []) {
        if (options?.path === undefined) throw new Error("a provider lacks options.path");
        const path = isAbsolute(options.path) ? options.path : resolve(dashboards.provisioningDir, options.path);
        paths.set(path, folder || "General");
      }
    } catch (error) {
      context.logger.error({ file, error: (error as Error).message }, "dashboard provisioning file cannot be used");
    }
  }
  return [...paths].map(([path, title]) => ({ path, title }));
}
