import type { FastifyInstance } from "fastify";
import type { Access } from "./access.ts";
import { type DataSource, dataSourceJson, findDataSource } from "./data-sources.ts";
import { GrafanaError } from "./grafana-error.ts";
import type { DataSourceProxy } from "./proxy.ts";

/** What proves that an engine answers, by type, and the words Grafana's plugins use for it. */
const HEALTH_PROBES: Readonly<Record<string, { path: string; ok: string }>> = {
  prometheus: { path: "/api/v1/query?query=1%2B1", ok: "Successfully queried the Prometheus API." },
  loki: { path: "/loki/api/v1/labels", ok: "Data source successfully connected." },
  tempo: { path: "/api/echo", ok: "Data source is working" },
};

/** `/api/datasources*` in the shapes of Grafana's HTTP API, with the proxy. */
export function addDataSourceRoutes(
  app: FastifyInstance,
  access: Access,
  sources: readonly DataSource[],
  proxy: DataSourceProxy,
): void {
  const byUid = (uid: string): DataSource => {
    const source = findDataSource(sources, uid);
    if (source === undefined) throw new GrafanaError(404, "Data source not found", "datasources.notFound");
    return source;
  };

  app.get("/api/datasources", async (request) => {
    access.requireUser(request);
    return sources.map(dataSourceJson);
  });
  app.get<{ Params: { uid: string } }>("/api/datasources/uid/:uid", async (request) => {
    access.requireUser(request);
    return dataSourceJson(byUid(request.params.uid));
  });
  app.get<{ Params: { name: string } }>("/api/datasources/name/:name", async (request) => {
    access.requireUser(request);
    return dataSourceJson(byUid(request.params.name));
  });
  app.get<{ Params: { id: string } }>("/api/datasources/:id", async (request) => {
    access.requireUser(request);
    const source = sources.find(({ id }) => String(id) === request.params.id);
    if (source === undefined) throw new GrafanaError(404, "Data source not found", "datasources.notFound");
    return dataSourceJson(source);
  });
  app.get<{ Params: { uid: string } }>("/api/datasources/uid/:uid/health", async (request, reply) => {
    access.requireUser(request);
    const health = await checkHealth(byUid(request.params.uid), proxy);
    return reply.code(health.status === "OK" ? 200 : 400).send(health);
  });
  app.route<{ Params: { uid: string; "*": string } }>({
    method: ["GET", "POST", "PUT", "DELETE"],
    url: "/api/datasources/proxy/uid/:uid/*",
    async handler(request, reply) {
      access.requireUser(request);
      const source = byUid(request.params.uid);
      // The raw URL keeps the client's own encoding, which label names and queries rely on.
      const marker = `/proxy/uid/${rawSegment(request.url)}/`;
      const rest = request.url.slice(request.url.indexOf(marker) + marker.length);
      return proxy.forward(source, rest, request, reply);
    },
  });
}

function rawSegment(url: string): string {
  return /\/proxy\/uid\/([^/]+)\//.exec(url)?.[1] ?? "";
}

async function checkHealth(
  source: DataSource,
  proxy: DataSourceProxy,
): Promise<{ status: "OK" | "ERROR"; message: string }> {
  const probe = HEALTH_PROBES[source.type];
  if (probe === undefined) return { status: "ERROR", message: `data source type ${source.type} cannot be checked` };
  try {
    const answer = await proxy.ask(source, probe.path);
    const body = await answer.body.text();
    if (answer.statusCode === 200) return { status: "OK", message: probe.ok };
    return { status: "ERROR", message: `${answer.statusCode} ${body.slice(0, 200)}` };
  } catch (error) {
    return {
      status: "ERROR",
      message: `cannot be reached: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
    };
  }
}
